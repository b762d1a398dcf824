// Why there is nothing on the stage.
import { plural, troubleWords } from "./staff_api.js";

const FILTERS = ["reason", "score_min", "score_max", "minutes_min"];

const clockTime = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function sentences({ waiting }, isFiltered) {
  const { n_waiting = 0, n_skipped = 0, n_own = 0, skipped_until_ms } = waiting ?? {};
  const n_other = n_waiting - n_skipped - n_own;
  const said = [isFiltered ? "Nothing waits that these filters let through." : "Nothing waits for you here."];
  if (n_waiting === 0) said[0] = "Nothing waits.";
  if (isFiltered && n_other > 0) said.push(`Without them: ${plural(n_other, "image")}.`);
  if (n_skipped > 0) {
    const back = `comes back to you an hour after you skipped it, the first at ${clockTime(skipped_until_ms)}`;
    said.push(`${plural(n_skipped, "image")} that you skipped: each ${back}; others may decide it sooner.`);
  }
  if (n_own > 0) said.push(`${plural(n_own, "image")} about your own decisions: somebody else must decide.`);
  said.push("This page looks again by itself.");
  return said;
}

// What the stage shows instead of an image.
export function emptyWords(claims, query) {
  const box = document.createElement("div");
  box.className = "stage-empty hint";
  const line = (text) => {
    const words = document.createElement("p");
    words.textContent = text;
    box.append(words);
  };
  if (claims.trouble) {
    line(`Nothing is known of what waits: ${troubleWords(claims.trouble)}.`);
    line("This page tries again by itself.");
  } else if (!claims.isEmpty || !claims.waiting) {
    line("Looking for images…");
  } else {
    const isFiltered = FILTERS.some((name) => query[name] !== undefined);
    sentences(claims, isFiltered).forEach(line);
    if (isFiltered) {
      const button = document.createElement("button");
      button.className = "button small";
      button.dataset.do = "unfilter";
      button.textContent = "Without filters";
      box.append(button);
    }
  }
  return box;
}
