// Names and addresses as mail has them: missing, in any script, or a directory path in place of an address.

import { element, textIn } from "./dom.js";

const SMTP_ADDRESS = /^[^\s@<>"'\\/=,;:]+@[^\s@<>"'\\/=,;:]+$/;

/** {name, address} with strings in both, from one of Graph's recipients, any part of which may be missing. */
function person(recipient) {
  return { name: textIn(recipient?.emailAddress?.name).trim(), address: textIn(recipient?.emailAddress?.address).trim() };
}

/** What to call a person: name, address, or the last part of an Exchange directory path. */
export function displayName({ name, address }) {
  if (name || !address.startsWith("/")) return name || address;
  return address.match(/\/CN=([^/]+)$/i)?.[1] ?? address;
}

/** The address if it is one that mail can be sent to. */
const mailAddress = ({ address }) => (SMTP_ADDRESS.test(address) ? address : "");

/** The message's author: `from`, and where that is empty the `sender` who handed it in. */
export function author(message) {
  const from = person(message.from);
  return displayName(from) ? from : person(message.sender);
}

/** Up to two letters for an avatar; "?" for somebody unknown. */
function initials(name) {
  const words = name.split(/[\s.@_-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => Array.from(word ?? "")[0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}

export function showAvatar(avatar, name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 65_521;
  avatar.className = "avatar";
  avatar.textContent = initials(name);
  avatar.style.setProperty("--hue", sum % 360);
}

/** The name and, where it says more, the address: a link if mail can be sent to it. */
export function personElement(someone) {
  const whole = element("span", "person");
  const name = displayName(someone);
  const address = mailAddress(someone);
  whole.append(element("bdi", name ? "person-name" : "placeholder", name || "(unknown sender)"));
  if (address && address !== name) {
    const link = element("a", "person-address", address);
    link.href = `mailto:${encodeURIComponent(address).replace("%40", "@")}`;
    whole.append(" ", link);
  } else if (someone.address && someone.address !== name) {
    whole.title = someone.address;
  }
  return whole;
}

/** "To: A, B and C" into `paragraph`; nothing where there is nobody. */
export function showRecipients(paragraph, label, recipients) {
  const people = (Array.isArray(recipients) ? recipients : []).map(person).filter(displayName);
  paragraph.hidden = people.length === 0;
  paragraph.replaceChildren(`${label} `);
  people.forEach((someone, index) => {
    if (index > 0) paragraph.append(", ");
    const name = element("bdi", "", displayName(someone));
    name.title = someone.address;
    paragraph.append(name);
  });
}
