// Shows what other thresholds would do while they are moved. The server
// computes it; without JavaScript its button does the same.

const form = document.querySelector("[data-what-if]");
const SETTLED_MS = 80;
let timer;
let asked = 0;

async function ask() {
  const query = new URLSearchParams(new FormData(form));
  if (!query.get("model")) query.delete("model");
  const mine = ++asked;
  const answer = await fetch(`/staff/api/learning?${query}`, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok || mine !== asked) return;
  const found = await answer.json();
  for (const cell of document.querySelectorAll("[data-tried]")) cell.textContent = found[cell.dataset.tried];
}

form.addEventListener("input", (event) => {
  const shown = form.querySelector(`[data-shown="${event.target.name}"]`);
  if (shown) shown.textContent = Number(event.target.value).toFixed(2);
  clearTimeout(timer);
  timer = setTimeout(ask, SETTLED_MS);
});
