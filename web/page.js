// The page: what is shown when. Everything that a person sees of their mail goes through show() and forget().

import { Problem } from "./client.js";
import { fullTime, refreshTimes, showTime } from "./dates.js";
import { announce, byId, fill, slot, slots } from "./dom.js";
import { listenToKeys } from "./keyboard.js";
import { clearList, firstPage, knownMessage, loadList, loadOlder, markOpen, neighbour, rowOf } from "./list.js";
import { clearNotice, showNotice } from "./notices.js";
import { showAvatar } from "./people.js";
import { closeMessage, openMessage } from "./reader.js";
import { endSession, hearTabs, openId, personKey, signInUrl, tellTabs, whoIsSignedIn } from "./session.js";
import { get } from "./client.js";

const RECHECK_AFTER = 60_000; // ms out of sight, after which coming back asks who is signed in

let me = null;
let work = new AbortController(); // everything on its way for the person who is signed in
let checked = 0;
let listScroll = 0;

const body = document.body;
const listNotice = byId("list-notice");

function show(view) {
  body.dataset.view = view;
  byId("welcome").hidden = view !== "signed-out";
  byId("mail").hidden = view === "signed-out";
  byId("skeleton").hidden = view !== "starting";
  byId("refresh").hidden = view !== "inbox";
}

/** Takes all that belongs to a person out of the document. */
function forget() {
  work.abort();
  work = new AbortController();
  me = null;
  clearList();
  closeMessage();
  clearNotice(listNotice);
  delete body.dataset.reading;
  byId("announcer").textContent = "";
  byId("account").hidden = true;
  byId("account-panel").hidePopover();
  for (const name of ["name", "username", "scopes", "expires", "initials"]) fill(byId("account"), name, "");
  // Titles stay in the browser's history after the session: they never say what a message is about.
  document.title = "Drawbridge";
}

function pointLinks(loginUrl) {
  for (const link of document.querySelectorAll('[data-link="sign-in"]')) link.href = signInUrl({ loginUrl });
  for (const link of document.querySelectorAll('[data-link="other-account"]')) link.href = signInUrl({ prompt: "select_account" });
}

function checkAddress(publicUrl) {
  const isElsewhere = URL.canParse(publicUrl ?? "") && new URL(publicUrl).origin !== location.origin;
  byId("wrong-address").hidden = !isElsewhere;
  if (!isElsewhere) return;
  const link = slot(byId("wrong-address"), "address");
  link.href = new URL(publicUrl).origin + location.pathname + location.search;
  link.textContent = new URL(publicUrl).origin;
}

function signedOut(loginUrl, reason = "") {
  const hadSession = me !== null;
  forget();
  show("signed-out");
  byId("welcome-reason").hidden = !reason;
  byId("welcome-reason").textContent = reason;
  document.querySelector('[data-link="sign-in"]').textContent = hadSession ? "Sign in again" : "Sign in";
  pointLinks(loginUrl);
  checkAddress(loginUrl);
  if (hadSession) byId("welcome-heading").focus();
}

/** Deals with what concerns the whole page; false leaves the problem to the caller. */
function wholePageProblem(problem) {
  if (!(problem instanceof Problem)) throw problem;
  if (problem.status !== 401) return false;
  const reason = me ? "Your session has ended, so your mail was cleared from this page. Signing in again brings you back to where you were." : "";
  tellTabs(null);
  signedOut(problem.loginUrl, reason);
  return true;
}

function showAccount() {
  const account = byId("account");
  const name = me.name || me.preferred_username || "Signed in";
  fill(account, "name", name);
  fill(account, "username", me.preferred_username === name ? "" : me.preferred_username);
  fill(account, "scopes", (me.scopes ?? []).join(", "));
  const avatar = slot(account, "initials");
  avatar.className = "avatar";
  showAvatar(avatar, name);
  showTime(slot(account, "expires"), me.expires, fullTime);
  account.hidden = false;
  pointLinks(null);
  checkAddress(me.public_url);
}

function listProblem(problem, retry) {
  if (wholePageProblem(problem)) return;
  const isEmpty = byId("messages").childElementCount === 0;
  show(isEmpty ? "notice" : "inbox");
  showNotice(listNotice, problem, retry);
  announce(slot(listNotice, "title").textContent);
}

async function fillList(page) {
  const { signal } = work;
  try {
    await loadList(page, signal);
  } catch (problem) {
    if (!signal.aborted) listProblem(problem, () => { show("starting"); clearNotice(listNotice); fillList(get(firstPage, work.signal)); });
    return;
  }
  clearNotice(listNotice);
  show("inbox");
  markOpen(openId());
}

/** Finds out who is signed in and shows their mail. Both questions are asked at once: one wait instead of two. */
async function start() {
  forget();
  show("starting");
  const { signal } = work;
  const page = get(firstPage, signal);
  page.catch(() => {}); // looked at below, or never
  try {
    me = await whoIsSignedIn(signal);
  } catch (problem) {
    if (!signal.aborted) listProblem(problem, start);
    return;
  }
  checked = performance.now();
  tellTabs(personKey(me));
  showAccount();
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
    if (signal.aborted || wholePageProblem(problem) || !("concealed" in body.dataset)) return;
    forget();
    listProblem(problem, start);
    return;
  }
  if (me === null || personKey(now) !== personKey(me)) await start();
}

async function refresh() {
  if (byId("refresh").hidden || byId("refresh").ariaBusy === "true") return;
  byId("refresh").ariaBusy = "true";
  const newest = byId("messages").querySelector("a.row")?.dataset.id;
  await fillList(get(firstPage, work.signal));
  byId("refresh").ariaBusy = "false";
  if (body.dataset.view !== "inbox" || listNotice.hasChildNodes()) return;
  byId("list-pane").scrollTop = 0;
  announce(byId("messages").querySelector("a.row")?.dataset.id === newest ? "No new messages." : "New messages have arrived.");
}

async function older() {
  const button = byId("older").querySelector("button");
  if (byId("older").hidden || button.ariaBusy === "true") return;
  const { signal } = work;
  button.ariaBusy = "true";
  button.textContent = "Loading older messages…";
  clearNotice(listNotice);
  try {
    await loadOlder(signal);
  } catch (problem) {
    if (!signal.aborted) listProblem(problem, () => { clearNotice(listNotice); older(); });
  } finally {
    button.ariaBusy = "false";
    button.textContent = "Older messages";
  }
}

/** Shows what the address says: the list, or a message. */
function route() {
  const id = openId();
  const wasReading = body.dataset.reading;
  if (!id) {
    closeMessage();
    delete body.dataset.reading;
    markOpen(null);
    document.title = "Inbox · Drawbridge";
    if (!wasReading) return;
    scrollTo(0, listScroll);
    (rowOf(wasReading) ?? byId("list-heading")).focus({ preventScroll: true });
    return;
  }
  if (!wasReading) listScroll = scrollY;
  body.dataset.reading = id;
  document.title = "Message · Drawbridge";
  markOpen(id);
  scrollTo(0, 0);
  byId("reader-pane").scrollTop = 0;
  pointLinks(null);
  openMessage(id, { known: knownMessage(id), onProblem: wholePageProblem });
}

/** Opens a message at an address of its own. From one message to the next no step is added: Back leads to the list. */
function open(link) {
  if (openId() === link.dataset.id) return;
  const change = openId() ? "replaceState" : "pushState";
  history[change]({ fromList: openId() ? history.state?.fromList : true }, "", link.href);
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

/** The next message: opened if one is open, else focused. */
function step(by, always = "") {
  if (me === null) return false;
  const focused = document.activeElement.closest?.("a.row");
  const link = neighbour(rowOf(openId()) && always !== "focus" ? rowOf(openId()) : focused, by);
  if (!link) return false;
  if (openId() && always !== "focus") open(link);
  else link.focus();
  return true;
}

async function signOut() {
  const { signal } = work;
  let target;
  try {
    target = await endSession();
  } catch (problem) {
    if (signal.aborted) return;
    forget();
    tellTabs(null);
    const isPartly = problem.code === "storage_unavailable";
    const reached = new Problem(isPartly ? "partly_signed_out" : "still_signed_in", problem);
    listProblem(problem.status === 401 ? problem : reached, start);
    return;
  }
  tellTabs(null);
  history.replaceState(null, "", "/");
  signedOut(null, "You are signed out here. Microsoft’s own sign-out page comes next.");
  location.replace(target);
}

const ACTIONS = {
  refresh, older, back, "sign-out": signOut, inbox: back,
  newer: () => step(-1), "older-one": () => step(1),
  help: () => { byId("account-panel").hidePopover(); byId("help").showModal(); },
};

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-action]")?.dataset.action;
  if (action) { ACTIONS[action](); return; }
  const link = event.target.closest("a.row");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  open(link);
});

listenToKeys({
  next: () => step(1), previous: () => step(-1), focusNext: () => step(1, "focus"), focusPrevious: () => step(-1, "focus"),
  back, refresh, help: ACTIONS.help,
});

hearTabs((key) => { if (me !== null && key !== personKey(me)) recheck(); });

addEventListener("popstate", () => { if (me !== null) route(); });

// A page that the browser keeps for Back shows nothing until it is known who is signed in now.
addEventListener("pagehide", (event) => { if (event.persisted) body.dataset.concealed = ""; });
addEventListener("pageshow", async (event) => {
  if (!event.persisted) return;
  await recheck();
  delete body.dataset.concealed;
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && me !== null && performance.now() - checked > RECHECK_AFTER) recheck();
});

const showConnection = () => { byId("connection").textContent = navigator.onLine ? "" : "Offline. What you see may be old."; };
addEventListener("online", showConnection);
addEventListener("offline", showConnection);
showConnection();

setInterval(() => refreshTimes(byId("messages")), 60_000);
history.scrollRestoration = "manual";
start();
