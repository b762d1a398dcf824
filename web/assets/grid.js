// Many images of one reason at once: taken under leases, chosen, decided with
// one policy, a row each in the audit.
import { caller, conflictWords, isTyping, kept, previewPath, queryOf, toast } from "./staff_api.js";

const TAKEN_MAX = 100;
const RENEW_EVERY_MS = 120_000;
const WORDS = { safe: "mark as safe", nsfw: "mark as nsfw", remove: "remove" };

const grid = document.querySelector("[data-grid]");
const find = (name) => grid.querySelector(`[data-${name}]`);
const call = caller(grid.dataset.csrf);
const filters = find("filters");
const tiles = find("tiles");
const dialogs = Object.fromEntries(
  [...grid.querySelectorAll("[data-dialog]")].map((dialog) => [dialog.dataset.dialog, dialog]),
);
const say = (text, tone) => toast(find("toasts"), text, tone);

let taken = new Map();
let veil = kept.read("veil", "strong");
let verdict = null;
let isBusy = false;
find("veil").value = veil;

const chosen = () => [...tiles.querySelectorAll("[aria-pressed=true]")].map((tile) => taken.get(tile.dataset.image));

function count() {
  find("chosen").textContent = `${chosen().length} of ${taken.size} chosen`;
  find("empty").hidden = taken.size > 0;
  for (const button of grid.querySelectorAll("[data-do]")) button.disabled = chosen().length === 0 || isBusy;
  find("release").disabled = taken.size === 0 || isBusy;
  find("all").disabled = taken.size === 0;
  find("take").disabled = isBusy;
}

function tile(job) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tile";
  button.dataset.image = job.image;
  button.dataset.veil = veil;
  button.setAttribute("aria-pressed", "false");
  const picture = document.createElement("img");
  picture.src = previewPath(job.image, veil === "off" ? "light" : veil);
  picture.alt = `Preview of ${job.image}`;
  picture.loading = "lazy";
  const words = document.createElement("span");
  words.textContent = `${Math.max(job.signals.explicit, job.signals.sexy).toFixed(2)}${job.n_reports ? ` · ${job.n_reports} reports` : ""}`;
  button.append(picture, words);
  return button;
}

async function take() {
  if (isBusy) return;
  await release();
  isBusy = true;
  count();
  try {
    const { jobs } = await call("POST", "/staff/api/queue/claim", { ...queryOf(filters), limit: TAKEN_MAX });
    taken = new Map(jobs.map((job) => [job.image, job]));
    tiles.replaceChildren(...jobs.map(tile));
    find("empty").textContent = "Nothing of this kind waits.";
  } catch (error) {
    say(error.message, "bad");
  }
  isBusy = false;
  count();
}

const lease = (job) => ({ lease: job.lease.token, version: job.version });

async function release() {
  const held = [...taken.values()];
  taken = new Map();
  tiles.replaceChildren();
  count();
  await Promise.allSettled(
    held.map((job) => call("POST", `/staff/api/queue/${job.image}/release`, lease(job))),
  );
}

function ask(wanted) {
  const n = chosen().length;
  if (n === 0 || isBusy) return;
  verdict = wanted;
  const policy = wanted.policy ? ` as ${wanted.policy}` : "";
  find("confirm-words").textContent = `${WORDS[wanted.kind]}${policy}: ${n} ${n === 1 ? "image" : "images"}?`;
  dialogs.confirm.showModal();
}

async function decide() {
  const jobs = chosen();
  for (const name of ["confirm", "step-up"]) dialogs[name].close();
  isBusy = true;
  count();
  try {
    const claims = jobs.map((job) => ({ image: job.image, ...lease(job) }));
    const wait = { wait_ms: 300_000 };
    const { rows } = await call("POST", "/staff/api/queue/decide", { claims, verdict }, wait);
    const refused = rows.filter((row) => row.code);
    for (const row of rows) {
      taken.delete(row.image);
      tiles.querySelector(`[data-image="${row.image}"]`)?.remove();
    }
    say(`${rows.length - refused.length} decided`, "good");
    for (const code of new Set(refused.map((row) => row.code))) {
      const n = refused.filter((row) => row.code === code).length;
      say(`${n} not decided: ${conflictWords({ code, message: code })}`, "bad");
    }
  } catch (error) {
    if (error.code === "staff-step-up-needed") dialogs["step-up"].showModal();
    else say(conflictWords(error), "bad");
  }
  isBusy = false;
  count();
}

async function renew() {
  for (const job of taken.values()) {
    try {
      const { lease: renewed } = await call("POST", `/staff/api/queue/${job.image}/renew`, lease(job));
      job.lease = renewed ?? job.lease;
    } catch (error) {
      if (error.isPassing) return;
      taken.delete(job.image);
      tiles.querySelector(`[data-image="${job.image}"]`)?.remove();
      say(conflictWords(error));
      count();
    }
  }
}

const act = {
  safe: () => ask({ kind: "safe" }),
  nsfw: () => ask({ kind: "nsfw" }),
  remove: () => chosen().length > 0 && dialogs.remove.showModal(),
};

function all() {
  const isAll = chosen().length === taken.size;
  for (const each of tiles.children) each.setAttribute("aria-pressed", String(!isAll));
  count();
}

filters.addEventListener("submit", (event) => {
  event.preventDefault();
  take();
});
find("veil").addEventListener("change", (event) => {
  veil = event.target.value;
  kept.write("veil", veil);
  for (const each of tiles.children) each.replaceWith(tile(taken.get(each.dataset.image)));
  count();
});
grid.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches(".tile")) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    count();
  } else if (button.dataset.do) act[button.dataset.do]();
  else if (button.dataset.policy) {
    dialogs.remove.close();
    const bank = dialogs.remove.querySelector("[data-ban]")?.checked ? "refuse" : undefined;
    ask({ kind: "remove", policy: button.dataset.policy, bank });
  } else if ("all" in button.dataset) all();
  else if ("release" in button.dataset) release();
  else if ("confirm" in button.dataset) decide();
});

const KEYS = { s: "safe", n: "nsfw", r: "remove" };
document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.repeat) return;
  if (dialogs.remove.open) {
    if (event.key === "b") dialogs.remove.querySelector("[data-ban]")?.click();
    else dialogs.remove.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (dialogs.confirm.open || dialogs["step-up"].open) return;
  else if (event.key === "a") all();
  else if (KEYS[event.key]) act[KEYS[event.key]]();
  else return;
  event.preventDefault();
});

setInterval(renew, RENEW_EVERY_MS);
addEventListener("beforeunload", (event) => isBusy && event.preventDefault());
addEventListener("pagehide", () => {
  // A request that outlives its page may carry 64 KiB at most: leases are
  // released one by one, and what is left ends by itself.
  for (const job of taken.values()) {
    call("POST", `/staff/api/queue/${job.image}/release`, lease(job), { keepalive: true }).catch(() => {});
  }
});
count();
