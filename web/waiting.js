// Waiting until the server wants to be asked again.

const SECOND = 1000; // ms

function inWords(seconds) {
  if (seconds < 90) return seconds === 1 ? "1 second" : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

const untilVisible = (signal) => new Promise((resolve) => {
  if (!document.hidden) { resolve(); return; }
  document.addEventListener("visibilitychange", resolve, { once: true, signal });
});

/**
 * Counts down in `element` and then calls `then`, no sooner than `seconds` from now and not while nobody looks at the page.
 * Aborting `signal` stops it.
 */
export function countDown(element, seconds, then, signal) {
  const end = performance.now() + seconds * SECOND;
  const tick = async () => {
    if (signal.aborted) return;
    const left = Math.ceil((end - performance.now()) / SECOND);
    if (left > 0) {
      element.textContent = `Trying again in ${inWords(left)}.`;
      setTimeout(tick, Math.min(SECOND, end - performance.now()));
      return;
    }
    element.textContent = "Trying again now.";
    await untilVisible(signal);
    if (!signal.aborted) then();
  };
  tick();
}
