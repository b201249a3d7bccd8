// Small helpers around the document. Text goes in through textContent alone; the page's policy (Trusted Types) forbids
// everything that parses markup, so what a message contains can never become part of the page.

export const byId = (id) => document.getElementById(id);

/** A fresh copy of the single element inside <template id="...">. */
export function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

/** The first element in `root` that carries data-slot="name". */
export const slot = (root, name) => root.querySelector(`[data-slot="${name}"]`);

/** Puts `text` into every slot of that name; a text that stands in for a missing one is shown as such. */
export function fill(root, name, text, isPlaceholder = false) {
  for (const element of root.querySelectorAll(`[data-slot="${name}"]`)) {
    element.textContent = text;
    element.classList.toggle("placeholder", isPlaceholder);
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
