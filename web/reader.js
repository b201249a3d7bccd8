// One message. Its text is put in with textContent; nothing in it is looked at, let alone run.

import { get } from "./client.js";
import { fullTime, showTime } from "./dates.js";
import { byId, fill, fromTemplate, slot, textIn } from "./dom.js";
import { clearNotice, showNotice } from "./notices.js";
import { author, displayName, personElement, showAvatar, showRecipients } from "./people.js";

const place = byId("reader");
let reading = null; // AbortController of the message on its way

/** Everything above the text; the list knows most of it before the message has come. */
function showHead(view, message) {
  const from = author(message);
  showAvatar(slot(view, "initials"), displayName(from));
  fill(view, "subject", message.subject, "(no subject)");
  slot(view, "from").replaceChildren(personElement(from));
  showRecipients(slot(view, "to"), "To", message.toRecipients);
  showRecipients(slot(view, "cc"), "Cc", message.ccRecipients);
  showTime(slot(view, "time"), message.receivedDateTime, fullTime);
  slot(view, "attachments").hidden = message.hasAttachments !== true;
}

function showBody(view, message) {
  fill(view, "body", textIn(message.body?.content) || message.bodyPreview, "(no text)");
  slot(view, "body").hidden = false;
}

/** Opens the message, showing what is `known` of it at once. `onProblem` says whether it has dealt with a problem. */
export async function openMessage(id, { known, onProblem }) {
  reading?.abort();
  reading = new AbortController();
  const { signal } = reading;
  const view = fromTemplate("message-view");
  place.hidden = false;
  place.replaceChildren(view);
  view.classList.toggle("is-unknown", !known);
  if (known) showHead(view, known);
  slot(view, "subject").focus({ preventScroll: true });
  try {
    const message = await get(`/api/messages/${encodeURIComponent(id)}`, signal);
    view.classList.remove("is-unknown");
    showHead(view, message);
    showBody(view, message);
  } catch (problem) {
    if (signal.aborted) return;
    const isTold = onProblem(problem);
    if (signal.aborted) return;
    const notice = slot(view, "notice");
    if (isTold) fill(view, "subject", known?.subject, "(not loaded)");
    else showNotice(notice, problem, () => openMessage(id, { known, onProblem }));
    signal.addEventListener("abort", () => clearNotice(notice));
  }
  slot(view, "loading").remove();
}

export function closeMessage() {
  reading?.abort();
  reading = null;
  place.replaceChildren();
  place.hidden = true;
}
