// What went wrong, in a sentence, with a way on.

import { announce, byId, element, fill, fromTemplate, slot } from "./dom.js";
import { signInUrl } from "./session.js";

/** The ways on from the server's problems; its own words say what happened. Elsewhere: try again. */
const WAYS = {
  interaction_required: ["sign-in", "sign-out"],
  no_mailbox: ["other-account", "sign-out"],
  consent_required: ["permissions", "other-account"],
  account_not_allowed: ["other-account", "sign-out"],
  message_not_found: ["inbox"],
  invalid_cursor: ["refresh"],
  still_signed_in: ["sign-out"],
  partly_signed_out: ["microsoft-sign-out", "start"],
};

/** Words for what the server could not tell. */
const WORDS = {
  offline: ["You are offline", "There is no network. This page asks again when it is back."],
  unreachable: ["Drawbridge cannot be reached", "No answer came. It may be restarting, or something on the way is blocking it."],
  too_slow: ["That took too long", "No answer came within half a minute."],
  unexpected_answer: ["Something went wrong", "The answer was not one that this page understands."],
  still_signed_in: ["You are still signed in", "Signing out did not reach the server, so the session has not ended. Your mail was cleared from this page."],
};

const LINKS = {
  "other-account": ["Use another account", () => signInUrl({ prompt: "select_account" })],
  "sign-in": ["Sign in again", signInUrl],
  permissions: ["Review the permissions", signInUrl],
  start: ["To the start page", () => "/"],
  "microsoft-sign-out": ["Sign out at Microsoft too", (problem) => problem.location],
};

const BUTTONS = {
  retry: "Try again",
  refresh: "Reload the list",
  inbox: "Back to the inbox",
  "sign-out": "Sign out",
};

function actionElement(name, problem, retry) {
  if (name in LINKS) {
    const [label, url] = LINKS[name];
    const link = element("a", "button", label);
    link.href = url(problem);
    return link;
  }
  const button = element("button", "button", BUTTONS[name]);
  if (name === "retry") button.addEventListener("click", retry, { once: true });
  else button.dataset.action = name;
  return button;
}

function offeredWays(problem) {
  return (WAYS[problem.code] ?? ["retry"]).filter((name) => {
    if (name === "retry") return !problem.retryAfter;
    if (name === "sign-out") return byId("account").hidden; // else it is in the header
    return name !== "microsoft-sign-out" || problem.location;
  });
}

const SECOND = 1000; // ms

function inWords(seconds) {
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

const untilVisible = (signal) => new Promise((resolve) => {
  if (!document.hidden) { resolve(); return; }
  document.addEventListener("visibilitychange", resolve, { once: true, signal });
});

/** Counts down in `element` and then calls `then`, not sooner and not while nobody looks at the page. `signal` stops it. */
function countDown(element, seconds, then, signal) {
  const end = performance.now() + seconds * SECOND;
  const tick = async () => {
    if (signal.aborted) return;
    const left = Math.ceil((end - performance.now()) / SECOND);
    if (left > 0) {
      element.textContent = `Trying again in ${inWords(left)}.`;
      setTimeout(tick, Math.min(SECOND, end - performance.now()));
      return;
    }
    element.textContent = "Trying again now.";
    await untilVisible(signal);
    if (!signal.aborted) then();
  };
  tick();
}

/** The current wait of each place: a new notice there, or its removal, ends the old one's. */
const waits = new WeakMap();

export function clearNotice(place) {
  waits.get(place)?.abort();
  place.replaceChildren();
}

/** Shows what happened in `place`. `retry` is called by the button, after the server's wait, or when the network is back. */
export function showNotice(place, problem, retry) {
  clearNotice(place);
  const wait = new AbortController();
  waits.set(place, wait);
  const again = () => { wait.abort(); retry(); };
  const view = fromTemplate("notice-view");
  const [title, sentence] = WORDS[problem.code] ?? [problem.title, problem.detail];
  fill(view, "title", title, "Something went wrong");
  fill(view, "sentence", sentence);
  slot(view, "actions").append(...offeredWays(problem).map((name) => actionElement(name, problem, again)));
  if (problem.reference) {
    slot(view, "reference").hidden = false;
    fill(view, "reference", `Reference for support: ${problem.reference}`);
  }
  place.replaceChildren(view);
  announce(slot(view, "title").textContent);
  if (problem.retryAfter) {
    slot(view, "countdown").hidden = false;
    countDown(slot(view, "countdown"), problem.retryAfter, again, wait.signal);
  }
  if (problem.code === "offline") addEventListener("online", again, { once: true, signal: wait.signal });
}
