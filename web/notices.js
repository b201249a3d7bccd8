// What went wrong, in a sentence, with a way on. One entry per code that a person can meet while reading mail.

import { announce, element, fill, fromTemplate, slot } from "./dom.js";
import { signInUrl } from "./session.js";
import { countDown } from "./waiting.js";

const BUSY = ["Microsoft asks for a short break", "Your mailbox got many requests in a short time. This page asks again by itself.", []];

const NOTICES = {
  throttled: BUSY,
  mailbox_busy: BUSY,
  no_mailbox: ["This account has no mailbox here", "You are signed in, but this organization has no mailbox for you. That is usual for guests: their mail is with their own account.", ["other-account", "sign-out"]],
  consent_required: ["A permission is missing", "Drawbridge may not read the mail of this account yet. See what it asks for and agree, or ask an administrator to.", ["permissions", "other-account"]],
  account_not_allowed: ["This account cannot be used here", "Whoever runs this page has not opened it to your organization.", ["other-account", "sign-out"]],
  message_not_found: ["This message is no longer there", "It was moved or deleted after the list was made.", ["inbox"]],
  invalid_cursor: ["The list has moved on", "Older messages cannot be added to it any more. Start it afresh.", ["refresh"]],
  not_configured: ["Drawbridge is not set up yet", "Settings are missing or wrong. Whoever runs it finds all of them in its log.", ["retry"]],
  app_registration_refused: ["Microsoft does not accept this app just now", "Its registration needs the attention of whoever runs this page. You have not been signed out.", ["retry"]],
  entra_unavailable: ["Microsoft’s sign-in service does not answer", "You are still signed in. Your mail is back as soon as it is.", ["retry"]],
  graph_unavailable: ["Microsoft’s mail service does not answer", "You are still signed in, and nothing is lost.", ["retry"]],
  graph_timeout: ["Microsoft’s mail service took too long", "Large mailboxes sometimes need a second try.", ["retry"]],
  storage_unavailable: ["Your session cannot be looked up just now", "The place where sessions are kept does not answer. You have not been signed out.", ["retry"]],
  offline: ["You are offline", "There is no network. This page asks again when it is back.", ["retry"]],
  unreachable: ["Drawbridge cannot be reached", "No answer came. It may be restarting, or something on the way is blocking it.", ["retry"]],
  too_slow: ["That took too long", "No answer came within half a minute.", ["retry"]],
  still_signed_in: ["You are still signed in", "Signing out did not reach the server, so the session has not ended. Your mail was cleared from this page.", ["sign-out"]],
  partly_signed_out: ["You are signed out in this browser", "", ["microsoft-sign-out", "start"]],
};

const FALLBACK = ["Something went wrong", "The answer was not one that this page understands.", ["retry"]];

const LINKS = {
  "other-account": ["Use another account", () => signInUrl({ prompt: "select_account" })],
  permissions: ["Review the permissions", (problem) => signInUrl({ loginUrl: problem.loginUrl })],
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
  button.type = "button";
  if (name === "retry") button.addEventListener("click", retry, { once: true });
  else button.dataset.action = name;
  return button;
}

function wording(problem) {
  const [title, sentence, actions] = NOTICES[problem.code]
    ?? [problem.title || FALLBACK[0], problem.detail || FALLBACK[1], FALLBACK[2]];
  return { title, sentence: sentence || problem.detail, actions };
}

/** The current wait of each place that shows a notice, so that a new notice there, or its removal, ends the old one's. */
const waits = new WeakMap();

export function clearNotice(place) {
  waits.get(place)?.abort();
  place.replaceChildren();
}

/** Shows what happened in `place`. `retry` is called on the button, after the wait that the server asked for, or when the network is back. */
export function showNotice(place, problem, retry) {
  clearNotice(place);
  const wait = new AbortController();
  waits.set(place, wait);
  const again = () => { wait.abort(); retry(); };
  const view = fromTemplate("notice-view");
  const { title, sentence, actions } = wording(problem);
  fill(view, "title", title);
  fill(view, "sentence", sentence);
  const offered = actions.filter((name) => !(name === "retry" && problem.retryAfter)
    && !(name === "microsoft-sign-out" && !problem.location));
  slot(view, "actions").append(...offered.map((name) => actionElement(name, problem, again)));
  if (problem.reference) {
    slot(view, "reference").hidden = false;
    fill(view, "reference", `Reference for support: ${problem.reference}`);
  }
  place.replaceChildren(view);
  announce(title);
  if (problem.retryAfter) {
    slot(view, "countdown").hidden = false;
    countDown(slot(view, "countdown"), problem.retryAfter, again, wait.signal);
  }
  if (problem.code === "offline") addEventListener("online", again, { once: true, signal: wait.signal });
  return view;
}
