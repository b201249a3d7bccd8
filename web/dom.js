// Helpers around the document. Text goes in through textContent alone: Trusted Types forbid all that parses markup.

export const byId = (id) => document.getElementById(id);

/** A fresh copy of the single element inside <template id="...">. */
export function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

/** The first element in `root` that carries data-slot="name". */
export const slot = (root, name) => root.querySelector(`[data-slot="${name}"]`);

/** The text in `value`, which may be anything; "" where there is none, or nothing but blanks. */
export const textIn = (value) => (typeof value === "string" && value.trim() ? value : "");

/** Puts the text in `value` into every slot of that name, or else the placeholder, which is shown as one. */
export function fill(root, name, value, placeholder = "") {
  const text = textIn(value);
  for (const element of root.querySelectorAll(`[data-slot="${name}"]`)) {
    element.textContent = text || placeholder;
    element.classList.toggle("placeholder", !text);
  }
}

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Says `text` to people who listen to the page; the same text twice is said twice. */
export function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  requestAnimationFrame(() => { announcer.textContent = text; });
}
