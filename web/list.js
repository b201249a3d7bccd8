// The list of messages: rows, order, older pages.

import { get } from "./client.js";
import { instant, showTime } from "./dates.js";
import { announce, byId, fill, fromTemplate, slot, textIn } from "./dom.js";
import { author, displayName, showAvatar } from "./people.js";

const PAGE_SIZE = 25;
const MOST_EMPTY_PAGES = 5; // in a row; Microsoft Graph may answer an empty page and still have more

const list = byId("messages");
const shown = new Map(); // id -> message, for as long as its row is there
let next = null;

export const firstPage = `/api/messages?top=${PAGE_SIZE}`;

/** Newest first, by instant. A message without a date stays behind the one before it, where Microsoft put it. */
function newestFirst(messages) {
  let latest = Infinity;
  const dated = messages.map((message) => {
    latest = instant(message.receivedDateTime)?.valueOf() ?? latest;
    return { message, time: latest };
  });
  return dated.sort((a, b) => b.time - a.time || 0).map(({ message }) => message);
}

function row(message) {
  const item = fromTemplate("message-row");
  const link = item.firstElementChild;
  const name = displayName(author(message));
  link.href = `/?message=${encodeURIComponent(message.id)}`;
  link.dataset.id = message.id;
  link.classList.toggle("unread", message.isRead === false);
  showAvatar(slot(item, "initials"), name);
  fill(item, "from", name, "(unknown sender)");
  fill(item, "subject", message.subject, "(no subject)");
  fill(item, "preview", message.bodyPreview, "(no text)");
  showTime(slot(item, "time"), message.receivedDateTime);
  const marks = {
    unread: message.isRead === false,
    draft: message.isDraft === true,
    important: message.importance === "high",
    flagged: message.flag?.flagStatus === "flagged",
    attachments: message.hasAttachments === true,
  };
  // Marks that are off leave the tree, so that nothing hidden is read aloud.
  for (const name in marks) if (!marks[name]) item.querySelector(`[data-mark="${name}"]`).remove();
  return item;
}

const links = () => Array.from(list.querySelectorAll("a.row"));

/** What the list knows of a message; undefined where it is not in the list. */
export const knownMessage = (id) => shown.get(id);

/** Adds a page's rows; returns how many were new. A page may repeat messages when mail arrived in between. */
function append(page) {
  const usable = (Array.isArray(page.messages) ? page.messages : []).filter((message) => {
    if (typeof message?.id !== "string" || shown.has(message.id)) return false;
    return shown.set(message.id, message);
  });
  list.append(...newestFirst(usable).map(row));
  next = textIn(page.next) || null;
  return usable.length;
}

function showEnd() {
  const count = links().length;
  byId("older").hidden = next === null;
  byId("list-end").hidden = next !== null;
  byId("list-end").textContent = count === 0
    ? "No messages. When mail arrives, it is shown here."
    : `That is all: ${count === 1 ? "1 message" : `${count} messages`}.`;
}

/** Takes in a page, and the ones after it while they are empty. Returns the number of new rows. */
async function take(page, signal) {
  let added = append(page);
  for (let turn = 0; added === 0 && next !== null && turn < MOST_EMPTY_PAGES; turn += 1) {
    added = append(await get(`/api/messages?cursor=${encodeURIComponent(next)}`, signal));
  }
  return added;
}

/** Replaces the list by the first page, which may be on its way already. Throws Problem; what was shown stays if no page came. */
export async function loadList(page, signal) {
  const first = await page;
  clearList();
  await take(first, signal);
  showEnd();
}

/** Adds older messages. Throws Problem, after which it may be called again. */
export async function loadOlder(signal) {
  const before = links().length;
  const page = await get(`/api/messages?cursor=${encodeURIComponent(next)}`, signal);
  const added = await take(page, signal);
  showEnd();
  announce(added === 0 ? "No more messages yet." : `${added} more messages, ${links().length} in all.`);
  if (next === null) (links()[before] ?? byId("list-heading")).focus();
}

export function clearList() {
  next = null;
  shown.clear();
  list.replaceChildren();
  byId("older").hidden = true;
  byId("list-end").hidden = true;
}

/** Marks the row of the open message; null marks none. */
export function markOpen(id) {
  for (const link of links()) {
    if (link.dataset.id === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

export const rowOf = (id) => links().find((link) => link.dataset.id === id);

/** The row `step` places away from `link` (from the top where there is none), or undefined beyond the ends. */
export function neighbour(link, step) {
  const all = links();
  return link ? all[all.indexOf(link) + step] : all[0];
}
