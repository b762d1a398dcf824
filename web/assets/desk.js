// One image at a time, a key for each decision. What a key does is done here
// at once; the server hears of it in the background.
import { ApiError, caller, conflictWords, isTyping, kept, queryOf, toast, troubleWords, VEILS } from "./staff_api.js";
import { Claims, saysTheSame } from "./desk_claims.js";
import { emptyWords } from "./desk_empty.js";
import { Exposure } from "./exposure.js";
import { History } from "./desk_undo.js";
import { Outbox } from "./outbox.js";
import { showFacts, showKin } from "./desk_facts.js";

const UNSENT_MAX = 20;
const ACTIVE_MS = 5 * 60_000;

const desk = document.querySelector("[data-desk]");
const find = (name) => desk.querySelector(`[data-${name}]`);
const call = caller(desk.dataset);
const stage = find("stage");
const panel = find("facts");
const filters = find("filters");
const dialogs = Object.fromEntries(
  [...desk.querySelectorAll("[data-dialog]")].map((dialog) => [dialog.dataset.dialog, dialog]),
);
const say = (text, tone) => toast(find("toasts"), text, tone);

let veil = kept.read("veil", "strong");
let look = "veiled";

const exposure = new Exposure({
  line: find("exposure"),
  onBreak(words) {
    find("break-words").textContent = words;
    closeDialogs();
    conceal();
    dialogs.break.showModal();
  },
});

const outbox = new Outbox({
  call,
  size: UNSENT_MAX,
  mend,
  onChange(n_unsent, trouble) {
    const why = trouble ? ` · ${troubleWords(trouble)}, trying again` : "";
    find("unsent").textContent = n_unsent > 0 ? `${n_unsent} on their way${why}` : "";
    desk.toggleAttribute("data-stuck", Boolean(trouble));
  },
});

const claims = new Claims({
  call,
  query: () => queryOf(filters),
  veil: () => veil,
  onReady() {
    if (!claims.current) show(claims.next());
  },
  onLost(item, error, isCurrent) {
    say(conflictWords(error));
    if (isCurrent) show(claims.next());
  },
  // Where nothing is shown, the stage says it.
  onTrouble: (error) => claims.current && say(`No more images: ${troubleWords(error)}.`, "bad"),
});
claims.isActive = () => Date.now() - exposure.lastSign < ACTIVE_MS;

const history = new History({
  call,
  outbox,
  say,
  onBack(job) {
    exposure.knows(job.image);
    // Its ban is gone, and what was counted has come back.
    show(claims.putFirst({ ...job, n_copies: 0 }));
  },
});

const pathOf = (item, act) => `/staff/api/queue/${item.job.image}/${act}`;

// Puts an image on the stage; its preview is decoded already.
function show(item) {
  look = veil === "off" ? "clear" : "veiled";
  if (!item) {
    stage.removeAttribute("data-image");
    stage.replaceChildren(emptyWords(claims, queryOf(filters)));
    panel.replaceChildren();
    hint();
    return;
  }
  stage.replaceChildren(item.picture);
  stage.dataset.image = item.job.image;
  stage.dataset.look = look;
  if (item.isBroken) broken(item);
  item.decoded.then(() => item.isBroken && item === claims.current && broken(item));
  exposure.seen(item.job.image);
  noteUnveiled();
  hint();
  // After the image is painted: what is beside it may come a moment later.
  requestAnimationFrame(() => setTimeout(() => {
    if (item !== claims.current) return;
    showFacts(panel, item);
    item.kinKnown.then(() => item.kin && item === claims.current && showFacts(panel, item));
  }));
}

// A veil that leaves shapes as they are is none.
function noteUnveiled() {
  const isBare = look !== "veiled" || ["light", "off"].includes(veil);
  if (isBare && claims.current) exposure.unveiled(claims.current.job.image);
}

function broken(item) {
  const words = document.createElement("p");
  words.className = "hint";
  words.textContent = `No preview can be made of ${item.job.image}.`;
  stage.replaceChildren(words);
}

function hint() {
  const known = claims.current?.job.known;
  const words = {
    veiled: "Space shows it",
    clear: known?.frames > 1 ? "The first frame · o plays it · space veils it" : "Space veils it · o for the original",
    original: "The original · space veils it",
  };
  find("stage-hint").textContent = known ? words[look] : "";
}

function unveil(wanted) {
  const item = claims.current;
  if (!item) return;
  const picture = new Image();
  picture.alt = "The image";
  picture.src = `/staff/preview/${item.job.image}?look=${wanted}`;
  look = wanted;
  stage.dataset.look = wanted;
  stage.replaceChildren(picture);
  picture.addEventListener("error", () => item === claims.current && broken(item));
  noteUnveiled();
  hint();
}

function conceal() {
  const item = claims.current;
  if (!item || look === "veiled") return;
  if (item.picture.dataset.veil === "off") {
    // Even where all is shown at once, one can look away.
    item.picture.dataset.veil = "light";
  }
  look = "veiled";
  stage.dataset.look = look;
  stage.replaceChildren(item.picture);
  hint();
}

function changeVeil(wanted) {
  veil = wanted;
  kept.write("veil", veil);
  find("veil").value = veil;
  claims.held.forEach((item) => claims.prepareImage(item));
  if (claims.current) {
    look = veil === "off" ? "clear" : "veiled";
    stage.dataset.look = look;
    stage.replaceChildren(claims.current.picture);
    noteUnveiled();
  }
  hint();
}

// Sends a decision in the background and goes on.
function decide(act, body) {
  const item = claims.current;
  if (!item) return;
  if (outbox.isFull) {
    say("Too much is on its way; wait for the connection.", "bad");
    return;
  }
  const letter = outbox.push(pathOf(item, act), { ...claims.lease(item), ...body }, item);
  const made = { item, act, letter, verdict: body.verdict };
  history.note(made);
  show(claims.next());
  letter.sent.then(
    () => claims.forget(item.job.image) && show(claims.next()),
    (error) => refused(made, error),
  );
}

// A lease that ended while nobody could be asked is taken anew, where nobody was
// faster and nothing is new about the image.
async function mend(letter, error) {
  const isOurs = error.code === "claimed-by-another" && error.conflict?.by === desk.dataset.me;
  if (error.code !== "lease-ended" && !isOurs) return false;
  const item = letter.about;
  const known = item.job;
  item.job = await call("POST", pathOf(item, "claim"));
  if (!saysTheSame(known, item.job)) throw new ApiError(409, { code: "job-changed", title: "There is something new about it." });
  Object.assign(letter.body, claims.lease(item));
  return true;
}

async function refused(made, error) {
  history.forget(made);
  const { image } = made.item.job;
  if (error.code !== "job-changed") {
    say(`${image}: ${conflictWords(error)}`, "bad");
    return;
  }
  try {
    exposure.knows(image);
    show(claims.putFirst(await call("POST", pathOf(made.item, "claim"))));
    say("There is something new about it; look again.");
  } catch (again) {
    say(`${image}: ${conflictWords(again)}`, "bad");
  }
}

// What is said with a decision; the field is empty again for the next one.
function words(dialog) {
  const field = dialog.querySelector("[data-words]");
  if (!field) return "";
  const said = field.value.trim();
  field.value = "";
  return said;
}

function remove(policy) {
  const ban = dialogs.remove.querySelector("[data-ban]");
  const against = ban?.dataset.against;
  if (ban?.checked && against && against !== policy) {
    say("Only child abuse can be refused from now on. Choose that, or take the tick away.", "bad");
    return;
  }
  const reference = dialogs.remove.querySelector("[data-words]");
  if (policy === "legal-order" && !reference.value.trim()) {
    say("An order needs its reference: write it here, then press its digit again.", "bad");
    reference.focus();
    return;
  }
  const verdict = { kind: "remove", policy, reason: words(dialogs.remove) };
  if (ban?.checked) verdict.bank = "refuse";
  if (ban) ban.checked = false;
  dialogs.remove.close();
  decide("decide", { verdict });
}

async function lookForMore() {
  const item = claims.current;
  if (!item) return;
  const kin = await call("GET", `/staff/api/kin/${item.job.image}?near=true`).catch(() => null);
  if (!kin) return;
  item.kin = kin;
  if (item === claims.current) showKin(panel, kin);
}

function closeDialogs() {
  Object.values(dialogs).forEach((dialog) => dialog.close());
}

function open(name) {
  if (!claims.current) return;
  // What was begun for another image is not meant for this one.
  words(dialogs[name]);
  const ban = dialogs[name].querySelector("[data-ban]");
  if (ban) ban.checked = false;
  dialogs[name].showModal();
}

const act = {
  safe: () => decide("decide", { verdict: { kind: "safe" } }),
  nsfw: () => decide("decide", { verdict: { kind: "nsfw" } }),
  remove: () => open("remove"),
  escalate: () => open("escalate"),
  skip: () => decide("skip", {}),
  undo: () => history.undo(),
  reveal: () => (look === "veiled" ? unveil("clear") : conceal()),
  original: () => unveil("original"),
  veil: () => changeVeil(VEILS[(VEILS.indexOf(veil) + 1) % VEILS.length]),
  kin: lookForMore,
  unfilter() {
    for (const field of filters.querySelectorAll("input, [name=reason]")) field.value = "";
    begin();
  },
  help: () => dialogs.help.showModal(),
};

const KEYS = {
  s: "safe", n: "nsfw", r: "remove", e: "escalate", k: "skip", u: "undo",
  " ": "reveal", o: "original", v: "veil", i: "kin", "?": "help",
};

document.addEventListener("keydown", (event) => {
  exposure.sign();
  if (event.key === "Enter" && event.target.matches?.("[data-words]")) {
    // The digits are keys again.
    event.preventDefault();
    event.target.blur();
    return;
  }
  if (isTyping(event) || event.repeat) return;
  const dialog = Object.values(dialogs).find((each) => each.open);
  if (dialog) {
    const ban = event.key === "b" && dialog.querySelector("[data-ban]");
    const field = event.key === "w" && dialog.querySelector("[data-words]");
    if (field) {
      event.preventDefault();
      field.focus();
      return;
    }
    const chosen = ban || dialog.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (chosen) {
      event.preventDefault();
      chosen.click();
    } else if (event.key === "?" && dialog === dialogs.help) dialog.close();
    return;
  }
  const wanted = KEYS[event.key];
  // Space on a button or a link is that one's.
  if (!wanted || (event.key === " " && event.target.closest?.("button, a, summary"))) return;
  event.preventDefault();
  act[wanted]();
});

desk.addEventListener("click", (event) => {
  exposure.sign();
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do) {
    act[button.dataset.do]();
    // The keyboard is the page's again.
    button.blur();
  } else if (button.dataset.policy) remove(button.dataset.policy);
  else if (button.dataset.lane) {
    const note = words(dialogs.escalate);
    dialogs.escalate.close();
    decide("decide", { verdict: { kind: "escalate", to: button.dataset.lane, note } });
  }
});
addEventListener("pointermove", () => exposure.sign(), { passive: true });

filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("change", (event) => {
  event.target.blur();
  if (event.target === find("veil")) {
    changeVeil(event.target.value);
    return;
  }
  begin();
});

function begin() {
  claims.isEmpty = false;
  claims.trouble = null;
  show(null);
  claims.restart();
}

find("veil").value = veil;
for (const name of ["minutes", "images"]) {
  const field = find(`break-${name}`);
  field.value = exposure.limits[name];
  field.addEventListener("change", () => exposure.limit(name, Number(field.value)));
}

addEventListener("beforeunload", (event) => outbox.length > 0 && event.preventDefault());
addEventListener("pagehide", () => claims.held.forEach((item) => claims.release(item, { keepalive: true })));
addEventListener("pageshow", (event) => event.persisted && location.reload());

// The page of what was decided leads here with an image to look at again.
async function start() {
  const asked = new URLSearchParams(location.search);
  const wanted = asked.get("image");
  if (wanted) {
    // One's own decision, taken back: it was counted when it was made.
    if (asked.has("again")) exposure.knows(wanted);
    window.history.replaceState(null, "", location.pathname);
    try {
      show(claims.putFirst(await call("POST", `/staff/api/queue/${encodeURIComponent(wanted)}/claim`)));
    } catch (error) {
      say(conflictWords(error), "bad");
    }
  }
  claims.fill();
}

start();
