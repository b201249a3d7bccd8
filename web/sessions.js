// The dialog "Where you are signed in": every session with its device, and the ways to end them.

import { get, remove } from "./client.js";
import { showTime } from "./dates.js";
import { byId, element, fill, fromTemplate, slot } from "./dom.js";
import { clearNotice, showNotice } from "./notices.js";
import { endEverySession } from "./session.js";

const dialog = byId("sessions");
const list = dialog.querySelector("ul");
const notice = byId("sessions-notice");
let page = null; // what openSessions() was given

const say = (text) => notice.replaceChildren(element("p", "muted", text));
const buttons = list.getElementsByTagName("button");

function item(session) {
  const row = fromTemplate("session-row");
  const button = slot(row, "end");
  const device = slot(row, "device");
  fill(row, "device", session.device, "Unknown browser");
  showTime(slot(row, "created"), session.created);
  showTime(slot(row, "seen"), session.last_seen);
  button.ariaLabel = `Sign out ${device.textContent}`;
  button.addEventListener("click", () => end(session.number, device.textContent, button));
  slot(row, session.current ? "end" : "current").remove();
  return row;
}

function failed(problem, retry) {
  if (!dialog.open || page.onProblem(problem)) { dialog.close(); return; }
  showNotice(notice, problem, retry);
  notice.scrollIntoView({ block: "nearest" });
}

/** Fills the list. Focus that was on a button of it stays in its place. */
async function load(done = "") {
  let sessions;
  try {
    ({ sessions } = await get("/auth/sessions", page.signal));
  } catch (problem) {
    failed(problem, load);
    return;
  }
  const place = Array.from(buttons).indexOf(document.activeElement);
  list.replaceChildren(...(Array.isArray(sessions) ? sessions : []).map(item));
  clearNotice(notice);
  if (buttons.length) say(`${done}If you do not know one of these, sign it out.`);
  else say(list.hasChildNodes() ? `${done}You are signed in nowhere else.` : "No session is on record. To be sure, sign out everywhere.");
  if (place >= 0) (buttons[place] ?? buttons[buttons.length - 1] ?? byId("sessions-heading")).focus();
}

/** Does what a button stands for, once at a time. */
async function press(button, request) {
  if (button.ariaBusy === "true") return;
  clearNotice(notice);
  button.ariaBusy = "true";
  try {
    await request();
  } catch (problem) {
    failed(problem, () => press(button, request));
  }
  button.ariaBusy = "false";
}

const end = (number, device, button) => press(button, async () => {
  await remove(`/auth/sessions/${encodeURIComponent(number)}`).catch((problem) => {
    if (problem.code !== "session_not_found") throw problem; // else it has ended already
  });
  await load(`Signed out: ${device}. `);
});

/** Ends every session of the person, this one too. */
export const endEverywhere = (button) => press(button, async () => page.onEnd(await endEverySession()));

/** Opens the dialog. `onProblem` says whether it has dealt with a problem; `onEnd` is given Microsoft's sign-out page. */
export function openSessions(options) {
  page = options;
  byId("everywhere").open = false;
  say("Loading…");
  dialog.showModal();
  load();
}

export function clearSessions() {
  dialog.close();
  list.replaceChildren();
}

// What a closed dialog waits for must not happen behind the person's back.
dialog.addEventListener("close", () => clearNotice(notice));
