// The only place that talks to the server. Every failure becomes a Problem with a code: the server's own (RFC 9457 problem
// details with `code`), or one of ours where no proper answer came: offline, unreachable, too_slow, unexpected_answer.

const LONGEST_ANSWER = 30_000; // ms; the server gives up after 25 s and says so
const WAIT_WITHOUT_HINT = 30; // s, where an answer says "later" and not when

export class Problem extends Error {
  constructor(code, { status = 0, title = "", detail = "", loginUrl = null, location = null, reference = null, retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, title, detail, loginUrl, location, reference, retryAfter });
  }
}

/** Whole seconds to wait, from a Retry-After header that should hold just that; null where the answer is not about waiting. */
export function secondsToWait(status, header) {
  const seconds = /^\d{1,9}$/.test(header ?? "") ? Number(header) : null;
  if (seconds !== null) return Math.max(1, seconds);
  return status === 429 ? WAIT_WITHOUT_HINT : null;
}

const text = (value) => (typeof value === "string" ? value : "");

async function problemFrom(response) {
  const retryAfter = secondsToWait(response.status, response.headers.get("Retry-After"));
  const body = await response.json().catch(() => null);
  const code = text(body?.code) || (retryAfter ? "throttled" : "unexpected_answer");
  return new Problem(code, {
    status: response.status,
    title: text(body?.title),
    detail: text(body?.detail),
    loginUrl: text(body?.login_url) || null,
    location: text(body?.location) || null,
    reference: text(body?.instance) || null,
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
    if (response.ok) body = await response.json();
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
