// Times in the viewer's own zone: short ones to see, complete ones in the tooltip, with the offset from UTC, because one
// hour a year happens twice.

const DAY = 86_400_000; // ms

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const clockTime = format({ hour: "2-digit", minute: "2-digit" });
const weekday = format({ weekday: "short" });
const dayOfYear = format({ day: "numeric", month: "short" });
const dayAndYear = format({ day: "numeric", month: "short", year: "numeric" });
const complete = format({
  weekday: "long", day: "numeric", month: "long", year: "numeric",
  hour: "2-digit", minute: "2-digit", timeZoneName: "shortOffset",
});

/** The instant as a Date, or null where there is none. Exchange writes year 1 for "no date". */
export function instant(value) {
  if (typeof value !== "string") return null;
  const date = new Date(value);
  return Number.isNaN(date.valueOf()) || date.getUTCFullYear() < 1970 ? null : date;
}

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** Today the time, in the last week the weekday, before that the day. */
export function shortTime(date, now = new Date()) {
  // Rounded, because a day with a change of the clock is 23 or 25 hours long.
  const daysAgo = Math.round((midnight(now) - midnight(date)) / DAY);
  if (daysAgo === 0) return clockTime.format(date);
  if (daysAgo === 1) return `Yesterday ${clockTime.format(date)}`;
  if (daysAgo > 1 && daysAgo < 7) return `${weekday.format(date)} ${clockTime.format(date)}`;
  return (date.getFullYear() === now.getFullYear() ? dayOfYear : dayAndYear).format(date);
}

export const fullTime = (date) => complete.format(date);

/** Writes `value` into a <time>: what `show` makes of it to see, the whole of it in the tooltip. */
export function showTime(element, value, show = shortTime) {
  const date = instant(value);
  element.textContent = date ? show(date) : "(no date)";
  element.classList.toggle("placeholder", !date);
  if (!date) return;
  element.dateTime = value;
  element.title = fullTime(date);
  element.lang = clockTime.resolvedOptions().locale;
}

/** Brings short times up to date, for a page that stays open past midnight. */
export function refreshTimes(root) {
  for (const element of root.querySelectorAll("time.row-time[datetime]")) {
    element.textContent = shortTime(new Date(element.dateTime));
  }
}
