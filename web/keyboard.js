// Keys, as mail programs have them. Letters can be switched off: people who speak to their computer press them by accident.

import { byId } from "./dom.js";

const KEYS = { j: "next", k: "previous", u: "back", Escape: "back", r: "refresh", "?": "help" };
const LIST_KEYS = { ArrowDown: "focusNext", ArrowUp: "focusPrevious" };

function commandOf(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (document.querySelector("dialog[open], [popover]:popover-open")) return null;
  if (event.key in LIST_KEYS) return event.target.closest?.("a.row") ? LIST_KEYS[event.key] : null;
  const isLetter = event.key.length === 1;
  if (isLetter && (!byId("shortcuts").checked || event.target.matches?.("input, textarea, select"))) return null;
  return KEYS[event.key] ?? null;
}

/** Calls the command that a key stands for; `commands` has one function per name. */
export function listenToKeys(commands) {
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (command && commands[command]() !== false) event.preventDefault();
  });
}
