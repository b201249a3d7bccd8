// The only place that talks to the server. Every failure becomes a Problem with the server's code (RFC 9457 problem
// details), or one of ours where no proper answer came: offline, unreachable, too_slow, unexpected_answer.

import { textIn } from "./dom.js";

const LONGEST_ANSWER = 30_000; // ms; the server gives up after 25 s and says so
const WAIT_WITHOUT_HINT = 30; // s, where an answer says "later" and not when

export class Problem extends Error {
  constructor(code, known = {}) {
    super(code);
    Object.assign(this, { status: 0, title: "", detail: "", loginUrl: "", location: "", reference: "", retryAfter: null, ...known, code });
  }
}

/** Whole seconds to wait, from Retry-After; null where the answer is not about waiting. */
function secondsToWait(status, header) {
  const seconds = /^\d{1,9}$/.test(header ?? "") ? Number(header) : null;
  if (seconds !== null) return Math.max(1, seconds);
  return status === 429 ? WAIT_WITHOUT_HINT : null;
}

async function problemFrom(response) {
  const retryAfter = secondsToWait(response.status, response.headers.get("Retry-After"));
  const body = await response.json().catch(() => null);
  const code = textIn(body?.code) || (retryAfter ? "throttled" : "unexpected_answer");
  return new Problem(code, {
    status: response.status,
    title: textIn(body?.title),
    detail: textIn(body?.detail),
    loginUrl: textIn(body?.login_url),
    location: textIn(body?.location),
    reference: textIn(body?.instance),
    retryAfter,
  });
}

function problemWithoutAnswer(error) {
  if (error.name === "TimeoutError") return new Problem("too_slow");
  return new Problem(navigator.onLine ? "unreachable" : "offline");
}

async function ask(path, method, signal) {
  const timeout = AbortSignal.timeout(LONGEST_ANSWER);
  let response;
  let body;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (response.ok) body = response.status === 204 ? {} : await response.json();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof SyntaxError) throw new Problem("unexpected_answer", { status: response.status });
    throw problemWithoutAnswer(error);
  }
  if (!response.ok) throw await problemFrom(response);
  if (body === null || typeof body !== "object") throw new Problem("unexpected_answer", { status: response.status });
  return body;
}

/** The JSON object at `path`. Throws Problem, or the signal's reason when it was aborted. */
export const get = (path, signal) => ask(path, "GET", signal);

export const post = (path) => ask(path, "POST");

export const remove = (path) => ask(path, "DELETE");
