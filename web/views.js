// The frame around the mail: which part is to be seen, whose account it is, and what a signed-out person is told.

import { fullTime, showTime } from "./dates.js";
import { byId, fill, slot } from "./dom.js";
import { showAvatar } from "./people.js";
import { signInUrl } from "./session.js";

/** `view` is starting, inbox, notice or signed-out; the style sheets look at it too. */
export function show(view) {
  document.body.dataset.view = view;
  byId("welcome").hidden = view !== "signed-out";
  byId("mail").hidden = view === "signed-out";
  byId("skeleton").hidden = view !== "starting";
  byId("refresh").hidden = view !== "inbox";
}

let loginUrl = ""; // the server's own, of the last answer that named one

/** Lets every link to the sign-in come back to what is open now. */
export function pointLinks(newLoginUrl = loginUrl) {
  loginUrl = newLoginUrl;
  for (const link of document.querySelectorAll('[data-link="sign-in"]')) link.href = signInUrl({ loginUrl });
  for (const link of document.querySelectorAll('[data-link="other-account"]')) link.href = signInUrl({ prompt: "select_account" });
}

/** Cookies belong to one origin: offers the right one where this is another. */
function checkAddress(publicUrl) {
  const isElsewhere = URL.canParse(publicUrl) && new URL(publicUrl).origin !== location.origin;
  byId("wrong-address").hidden = !isElsewhere;
  if (!isElsewhere) return;
  const link = slot(byId("wrong-address"), "address");
  link.textContent = new URL(publicUrl).origin;
  link.href = link.textContent + location.pathname + location.search;
}

export function showAccount(me) {
  const account = byId("account");
  const name = me.name || me.preferred_username || "Signed in";
  fill(account, "name", name);
  fill(account, "username", me.preferred_username === name ? "" : me.preferred_username);
  fill(account, "scopes", (me.scopes ?? []).join(", "));
  showAvatar(slot(account, "initials"), name);
  showTime(slot(account, "expires"), me.expires, fullTime);
  account.hidden = false;
  pointLinks("");
  checkAddress(me.public_url);
}

export function clearAccount() {
  const account = byId("account");
  account.hidden = true;
  byId("account-panel").hidePopover();
  for (const name of ["name", "username", "scopes", "expires", "initials"]) fill(account, name, "");
  slot(account, "expires").removeAttribute("title");
}

/** The signed-out page. `reason` is for people who were signed in until now. */
export function showWelcome(newLoginUrl, reason) {
  show("signed-out");
  byId("welcome-reason").hidden = !reason;
  byId("welcome-reason").textContent = reason;
  document.querySelector('[data-link="sign-in"]').textContent = reason ? "Sign in again" : "Sign in";
  pointLinks(newLoginUrl);
  checkAddress(newLoginUrl);
  if (reason) byId("welcome-heading").focus();
}
