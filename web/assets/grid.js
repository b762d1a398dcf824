// Many images of one reason at once: taken under leases, chosen, decided with
// one policy, a row each in the audit.
import { caller, conflictWords, isTyping, kept, plural, previewPath, queryOf, toast } from "./staff_api.js";
import { isOverdue } from "./desk_facts.js";

const TAKEN_MAX = 100;
const RENEW_EVERY_MS = 120_000;
const WORDS = { safe: "Mark as safe", nsfw: "Mark as nsfw", remove: "Remove" };

const grid = document.querySelector("[data-grid]");
const find = (name) => grid.querySelector(`[data-${name}]`);
const call = caller(grid.dataset);
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
// What the last bulk decided: images with the versions that an undo names.
let last = [];
const ban = dialogs.remove.querySelector("[data-ban]");
const why = dialogs.remove.querySelector("[data-words]");
find("veil").value = veil;

const chosen = () => [...tiles.querySelectorAll("[aria-pressed=true]")].map((tile) => taken.get(tile.dataset.image));

function count() {
  find("chosen").textContent = `${chosen().length} of ${taken.size} chosen`;
  find("empty").hidden = taken.size > 0;
  for (const button of grid.querySelectorAll("[data-do]")) button.disabled = chosen().length === 0 || isBusy;
  find("undo").disabled = last.length === 0 || isBusy;
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
  const said = [Math.max(job.signals.explicit, job.signals.sexy).toFixed(2)];
  if (job.n_reports) said.push(plural(job.n_reports, "report"));
  if (isOverdue(job)) said.push("overdue");
  words.textContent = said.join(" · ");
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

function ask(wanted, policyWords) {
  const n = chosen().length;
  if (n === 0 || isBusy) return;
  verdict = wanted;
  const policy = policyWords ? ` as “${policyWords}”` : "";
  const banned = wanted.bank ? ", and refuse what looks like them from now on" : "";
  find("confirm-words").textContent = `${WORDS[wanted.kind]}${policy}${banned}: ${plural(n, "image")}?`;
  find("confirm-ban").hidden = !wanted.bank;
  find("confirm-reason").hidden = !wanted.reason;
  find("confirm-reason").textContent = wanted.reason ? `Why: “${wanted.reason}”` : "";
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
    last = rows.filter((row) => !row.code);
    for (const row of rows) {
      taken.delete(row.image);
      tiles.querySelector(`[data-image="${row.image}"]`)?.remove();
    }
    say(`${last.length} decided`, "good");
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

// Takes the last bulk back, one by one; what comes back is held again.
async function undo() {
  if (last.length === 0 || isBusy) return;
  isBusy = true;
  count();
  const failed = [];
  const left = [];
  let n = 0;
  for (const { image, version } of last) {
    try {
      const job = await call("POST", `/staff/api/queue/${image}/undo`, { version });
      taken.set(image, job);
      tiles.prepend(tile(job));
      n += 1;
    } catch (error) {
      failed.push(error);
      if (error.isPassing || error.code === "staff-step-up-needed") left.push({ image, version });
    }
  }
  last = left;
  if (n > 0) say(`${n} taken back`, "good");
  for (const words of new Set(failed.map(conflictWords))) {
    say(`${failed.filter((error) => conflictWords(error) === words).length} not taken back: ${words}`, "bad");
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
  remove() {
    if (chosen().length === 0 || isBusy) return;
    // What was begun for some is not meant for the next ones.
    if (ban) ban.checked = false;
    why.value = "";
    dialogs.remove.showModal();
  },
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
    const { policy, policyWords } = button.dataset;
    const bank = ban?.checked ? "refuse" : undefined;
    const reason = why.value.trim();
    dialogs.remove.close();
    ask({ kind: "remove", policy, reason, bank }, policyWords);
  } else if ("all" in button.dataset) all();
  else if ("release" in button.dataset) release();
  else if ("undo" in button.dataset) undo();
  else if ("help" in button.dataset) dialogs.help.showModal();
  else if ("confirm" in button.dataset) decide();
});

// Moves the focus between tiles as they lie on the screen.
function move(key) {
  const all = [...tiles.children];
  const at = all.indexOf(document.activeElement);
  const columns = getComputedStyle(tiles).gridTemplateColumns.split(" ").length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  const ends = { Home: 0, End: all.length - 1 };
  const to = key in ends ? ends[key] : at < 0 ? 0 : at + steps[key];
  all[Math.min(Math.max(to, 0), all.length - 1)]?.focus();
}

const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
const KEYS = {
  s: act.safe,
  n: act.nsfw,
  r: act.remove,
  a: all,
  t: take,
  g: release,
  u: undo,
  "?": () => dialogs.help.showModal(),
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target === why) {
    // The digits are keys again.
    event.preventDefault();
    why.blur();
    return;
  }
  if (isTyping(event) || event.repeat && !MOVES.includes(event.key)) return;
  if (dialogs.remove.open) {
    if (event.key === "w") why.focus();
    else if (event.key === "b") ban?.click();
    else dialogs.remove.querySelector(`[data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (dialogs.help.open && event.key === "?") dialogs.help.close();
  else if (Object.values(dialogs).some((dialog) => dialog.open)) return;
  else if (MOVES.includes(event.key) && tiles.children.length > 0) move(event.key);
  else if (KEYS[event.key]) KEYS[event.key]();
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
