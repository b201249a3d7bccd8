// The page: what happens when. All that a person sees of their mail is put in here and taken out by forget().

import { get, Problem } from "./client.js";
import { refreshTimes } from "./dates.js";
import { announce, byId, element } from "./dom.js";
import { listenToKeys } from "./keyboard.js";
import { clearList, firstPage, knownMessage, loadList, loadOlder, markOpen, neighbour, rowOf } from "./list.js";
import { clearNotice, showNotice } from "./notices.js";
import { closeMessage, openMessage } from "./reader.js";
import { endSession, hearTabs, openId, sessionKey, tellTabs, whoIsSignedIn } from "./session.js";
import { clearSessions, endEverywhere, openSessions } from "./sessions.js";
import { clearAccount, pointLinks, show, showAccount, showWelcome } from "./views.js";

const RECHECK_AFTER = 60_000; // ms, when the page comes back into sight
const SESSION_ENDED = "Your session has ended, so your mail was cleared from this page. Signing in again brings you back to where you were.";

const body = document.body;
const listNotice = byId("list-notice"); // above the rows
const olderNotice = byId("older-notice"); // below them
const banner = byId("banner"); // above all

let me = null;
let work = new AbortController(); // everything on its way for the person who is signed in
let checked = 0;
let listScroll = 0;

/** Takes all that belongs to a person out of the document. */
function forget() {
  work.abort();
  work = new AbortController();
  me = null;
  clearList();
  closeMessage();
  clearNotice(listNotice);
  clearNotice(olderNotice);
  clearNotice(banner);
  clearAccount();
  clearSessions();
  delete body.dataset.reading;
  byId("announcer").textContent = "";
  // Titles stay in the browser's history after the session: they never say what a message is about.
  document.title = "Drawbridge";
}

/** Deals with a problem that concerns the whole page; false leaves it to the caller. */
function wholePageProblem(problem) {
  if (!(problem instanceof Problem)) throw problem;
  if (problem.status !== 401) return false;
  if (problem.code === "interaction_required") {
    // The session lives: what is on the page stays there.
    showNotice(banner, problem);
    return true;
  }
  const reason = me ? SESSION_ENDED : "";
  forget();
  showWelcome(problem.loginUrl, reason);
  tellTabs(null);
  return true;
}

function listProblem(problem, retry, place = listNotice) {
  const isTold = wholePageProblem(problem);
  if (body.dataset.view === "signed-out") return;
  show(isTold || byId("messages").hasChildNodes() ? "inbox" : "notice");
  if (isTold) clearNotice(place);
  else showNotice(place, problem, retry);
}

async function fillList(page) {
  const { signal } = work;
  try {
    await loadList(page, signal);
  } catch (problem) {
    if (!signal.aborted) listProblem(problem, reload);
    return;
  }
  clearNotice(listNotice);
  clearNotice(olderNotice);
  show("inbox");
  showPlace();
}

function reload() {
  clearNotice(banner);
  if (!byId("messages").hasChildNodes()) { clearNotice(listNotice); show("starting"); }
  return fillList(get(firstPage, work.signal));
}

/** Finds out who is signed in and shows their mail. Both questions are asked at once: one wait instead of two. */
async function start() {
  forget();
  show("starting");
  const { signal } = work;
  const page = get(firstPage, signal);
  page.catch(() => {}); // dealt with below, or of no interest any more
  try {
    me = await whoIsSignedIn(signal);
  } catch (problem) {
    if (!signal.aborted) listProblem(problem, start);
    return;
  }
  checked = performance.now();
  tellTabs(sessionKey(me));
  showAccount(me);
  route();
  await fillList(page);
}

/** Asks again who is signed in; shows nothing of anybody else's. */
async function recheck() {
  checked = performance.now();
  const { signal } = work;
  let now;
  try {
    now = await whoIsSignedIn(signal);
  } catch (problem) {
    if (signal.aborted) return;
    // What is concealed may be somebody else's by now.
    const isConcealed = "concealed" in body.dataset;
    if (isConcealed && problem.code !== "not_signed_in") forget();
    if (!wholePageProblem(problem) && isConcealed) listProblem(problem, start);
    return;
  }
  if (me === null || sessionKey(now) !== sessionKey(me)) start();
}

/** The same, with nothing to be seen until it is known. */
async function recheckConcealed() {
  body.dataset.concealed = "";
  await recheck();
  delete body.dataset.concealed;
}

async function refresh() {
  const button = byId("refresh");
  if (button.hidden || button.ariaBusy === "true") return;
  const newest = () => byId("messages").querySelector("a.row")?.dataset.id;
  const before = newest();
  button.ariaBusy = "true";
  await reload();
  button.ariaBusy = "false";
  if (body.dataset.view !== "inbox" || listNotice.hasChildNodes() || banner.hasChildNodes()) return;
  byId("list-pane").scrollTop = 0;
  announce(newest() === before ? "No new messages." : "New messages have arrived.");
}

async function older() {
  const button = byId("older").querySelector("button");
  if (byId("older").hidden || button.ariaBusy === "true") return;
  const { signal } = work;
  button.ariaBusy = "true";
  button.textContent = "Loading older messages…";
  clearNotice(olderNotice);
  try {
    await loadOlder(signal);
    showPlace();
  } catch (problem) {
    if (!signal.aborted) listProblem(problem, older, olderNotice);
  } finally {
    button.ariaBusy = "false";
    button.textContent = "Older messages";
  }
}

/** Marks the open message's row, and which ways lead on from it. */
function showPlace() {
  const row = rowOf(openId());
  markOpen(openId());
  for (const [action, by] of [["newer", -1], ["older-one", 1]]) {
    const button = document.querySelector(`[data-action="${action}"]`);
    if (button) button.disabled = !row || !neighbour(row, by);
  }
}

function showListAgain(lastRead) {
  closeMessage();
  delete body.dataset.reading;
  document.title = "Inbox · Drawbridge";
  markOpen(null);
  if (!lastRead) return;
  scrollTo(0, listScroll);
  (rowOf(lastRead) ?? byId("list-heading")).focus({ preventScroll: true });
}

/** Shows what the address says: the list, or a message. */
function route() {
  const id = openId();
  pointLinks();
  clearNotice(banner);
  if (!id) { showListAgain(body.dataset.reading); return; }
  if (!body.dataset.reading) listScroll = scrollY;
  body.dataset.reading = id;
  document.title = "Message · Drawbridge";
  openMessage(id, { known: knownMessage(id), onProblem: wholePageProblem });
  showPlace();
  scrollTo(0, 0);
  byId("reader-pane").scrollTop = 0;
}

/** Opens a message at an address of its own. From one message to the next no step is added: Back leads to the list. */
function open(link) {
  if (openId() === link.dataset.id) return;
  if (openId()) history.replaceState(history.state, "", link.href);
  else history.pushState({ fromList: true }, "", link.href);
  route();
  link.scrollIntoView({ block: "nearest" });
}

function back() {
  if (!openId()) return false;
  if (history.state?.fromList) { history.back(); return true; }
  history.pushState(null, "", "/");
  route();
  return true;
}

/** Opens the message `by` places away from the open one. */
function openNext(by) {
  const row = rowOf(openId());
  const link = row && neighbour(row, by);
  if (link) open(link);
  return Boolean(link);
}

function focusNext(by) {
  const link = neighbour(document.activeElement.closest?.("a.row"), by);
  link?.focus();
  return Boolean(link);
}

const step = (by) => (rowOf(openId()) ? openNext(by) : focusNext(by));

/** The session is gone: clears the page and goes on to Microsoft's sign-out. */
function leave(target, where) {
  tellTabs(null);
  forget();
  history.replaceState(null, "", "/");
  showWelcome("", `You are signed out ${where}. Microsoft’s own sign-out page comes next.`);
  location.replace(target);
}

async function signOut() {
  forget();
  show("notice");
  listNotice.replaceChildren(element("p", "notice muted", "Signing out…"));
  let target;
  try {
    target = await endSession();
  } catch (problem) {
    tellTabs(null);
    const left = problem.code === "storage_unavailable"
      ? new Problem("partly_signed_out", { ...problem, title: "You are signed out in this browser only" })
      : new Problem("still_signed_in", problem);
    listProblem(problem.status === 401 ? problem : left, start);
    return;
  }
  leave(target, "here");
}

function sessions() {
  byId("account-panel").hidePopover();
  openSessions({ signal: work.signal, onProblem: wholePageProblem, onEnd: (target) => leave(target, "everywhere") });
}

function help() {
  byId("account-panel").hidePopover();
  byId("help").showModal();
}

const ACTIONS = {
  refresh, older, back, inbox: back, help, sessions, everywhere: endEverywhere, "sign-out": signOut,
  newer: () => openNext(-1), "older-one": () => openNext(1),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (button) { ACTIONS[button.dataset.action](button); return; }
  const link = event.target.closest("a.row");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link);
});

listenToKeys({
  ...ACTIONS,
  next: () => step(1), previous: () => step(-1), focusNext: () => focusNext(1), focusPrevious: () => focusNext(-1),
});

hearTabs((key) => {
  if (me !== null && key !== sessionKey(me)) recheckConcealed();
  if (key !== null && body.dataset.view === "signed-out") start();
});

addEventListener("popstate", () => { if (me === null) pointLinks(); else route(); });

// A page that the browser keeps for Back shows nothing until it is known who is signed in now.
addEventListener("pagehide", (event) => { if (event.persisted) body.dataset.concealed = ""; });
addEventListener("pageshow", (event) => { if (event.persisted) recheckConcealed(); });

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && me !== null && performance.now() - checked > RECHECK_AFTER) recheck();
});

const showConnection = () => { byId("connection").textContent = navigator.onLine ? "" : "Offline. What you see may be old."; };
for (const change of ["online", "offline"]) addEventListener(change, showConnection);
showConnection();

setInterval(() => refreshTimes(byId("messages")), 60_000);
history.scrollRestoration = "manual";
start();
