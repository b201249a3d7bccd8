// Who is signed in, where signing in and out lead, and how tabs agree on it.

import { get, post, remove } from "./client.js";

export const openId = () => new URLSearchParams(location.search).get("message");

function here() {
  const id = openId();
  return id ? `/?message=${encodeURIComponent(id)}` : "/";
}

const isWebAddress = (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** An address on our own server's sign-in route, from its answer where it gave one, else of our making. */
function loginRoute(loginUrl) {
  const own = new URL("/auth/login", location.origin);
  const url = isWebAddress(loginUrl) ? new URL(loginUrl) : own;
  return url.pathname === own.pathname ? url : own;
}

/** Where to sign in, coming back to what is open now. */
export function signInUrl({ loginUrl = "", prompt = "" } = {}) {
  const url = loginRoute(loginUrl);
  url.searchParams.set("return_to", here());
  if (prompt) url.searchParams.set("prompt", prompt);
  return url.href;
}

export const whoIsSignedIn = (signal) => get("/auth/me", signal);

/** One sign-in of one person, the same in every tab: names change, and two people may share one. */
export const sessionKey = (me) => `${me.tenant_id}/${me.object_id}/${me.expires}`;

const signOutPage = ({ location: target }) => (isWebAddress(target) ? target : "/");

/** Ends the session on the server. Returns the address of Microsoft's sign-out page. Throws Problem. */
export const endSession = async () => signOutPage(await post("/auth/logout"));

/** The same for every session of the person. */
export const endEverySession = async () => signOutPage(await remove("/auth/sessions"));

const tabs = new BroadcastChannel("drawbridge");

/** Tells the other tabs who this one found signed in: a session's key, or null for nobody. */
export const tellTabs = (key) => tabs.postMessage(key);

export function hearTabs(listener) {
  tabs.addEventListener("message", ({ data }) => listener(data));
}
