// Who is signed in, where signing in and out lead, and how tabs agree on it.

import { get, post } from "./client.js";

const LONGEST_RETURN_TO = 256; // bytes that the server carries through a sign-in

export const openId = () => new URLSearchParams(location.search).get("message");

function here() {
  const id = openId();
  const path = id ? `/?message=${encodeURIComponent(id)}` : "/";
  return path.length <= LONGEST_RETURN_TO ? path : "/";
}

/** An address on our own server's sign-in route, from its answer where it gave one, else of our making. */
function loginRoute(loginUrl) {
  const own = new URL("/auth/login", location.origin);
  const url = URL.canParse(loginUrl) ? new URL(loginUrl) : own;
  return /^https?:$/.test(url.protocol) && url.pathname === "/auth/login" ? url : own;
}

/** Where to sign in, coming back to what is open now. */
export function signInUrl({ loginUrl = "", prompt = "" } = {}) {
  const url = loginRoute(loginUrl);
  url.searchParams.set("return_to", here());
  if (prompt) url.searchParams.set("prompt", prompt);
  return url.href;
}

export const whoIsSignedIn = (signal) => get("/auth/me", signal);

/** One person across tabs and sign-ins: names change, and two people may share one. */
export const personKey = (me) => `${me.tenant_id}/${me.object_id}`;

/** Ends the session on the server. Returns the address of Microsoft's sign-out page. Throws Problem. */
export async function endSession() {
  const { location: target } = await post("/auth/logout");
  return URL.canParse(target ?? "") && /^https?:$/.test(new URL(target).protocol) ? target : "/";
}

const tabs = new BroadcastChannel("drawbridge");

/** Tells the other tabs who this one found signed in: a person's key, or null for nobody. */
export const tellTabs = (key) => tabs.postMessage(key);

export function hearTabs(listener) {
  tabs.addEventListener("message", ({ data }) => listener(data));
}
