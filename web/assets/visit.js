// Tells how long pages are looked at, as a number of seconds. Loaded only for
// visitors who agreed to be counted; no name and no id is kept or sent.

const BEGUN = "visit";

function tell(seconds) {
  navigator.sendBeacon("/visit", new URLSearchParams({ seconds: String(seconds) }));
}

if (!sessionStorage.getItem(BEGUN)) {
  sessionStorage.setItem(BEGUN, "1");
  tell(0);
}

let shown = performance.now();

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    shown = performance.now();
    return;
  }
  const seconds = Math.round((performance.now() - shown) / 1000);
  if (seconds > 0) tell(seconds);
});
