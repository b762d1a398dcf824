// What is known of an image, beside it. Everything is set as text.
import { copiesWords, plural, serverNow } from "./staff_api.js";

const CLASSES = ["drawing", "hentai", "neutral", "porn", "sexy"];
const HOUR_MS = 3_600_000;

const REASONS = {
  check: "Score to check",
  rule: "Rule",
  "hash-match": "Known hash",
  report: "Reported",
  "scan-failed": "Scan failed",
  appeal: "Appeal",
};

const PRIORITY = {
  score_ms: "score",
  reports_ms: "reports",
  hash_match_ms: "known hash",
  uncertainty_ms: "uncertainty",
  views_ms: "views",
};

function element(name, { text, className, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function since(ms) {
  const minutes = Math.max(0, Math.round((serverNow() - ms) / 60_000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / 1440)} days`;
}

const ago = (ms) => `${since(ms)} ago`;

// Whether the clock of an image's reports has run out.
export const isOverdue = (job) => job.due_at_ms !== null && job.due_at_ms <= serverNow();

// A policy as the dialog to remove names it.
export function policyWords(policy) {
  return document.querySelector(`[data-policy="${CSS.escape(policy)}"]`)?.dataset.policyWords ?? policy;
}

const hours = (ms) => `${(ms / HOUR_MS).toFixed(1)} h`;

function reasons(job) {
  const badges = job.reasons.map((reason) => {
    const tone = ["hash-match", "report"].includes(reason) ? "bad" : "warn";
    return element("span", { className: "badge", "data-tone": tone, text: REASONS[reason] ?? reason });
  });
  const rules = job.rules.map((rule) => element("code", { text: rule }));
  const box = element("p", { className: "tags" }, ...badges, ...rules);
  if (isOverdue(job)) box.prepend(element("span", { className: "badge", "data-tone": "bad", text: "Overdue" }));
  if (job.n_reports > 0) box.append(element("span", { className: "hint", text: plural(job.n_reports, "report") }));
  return box;
}

function scores(found) {
  const [explicitMin, sexyMin] = found.thresholds;
  const rows = CLASSES.map((name, index) => ({ name, value: found.probabilities[index] }));
  const explicit = rows[1].value + rows[3].value;
  rows.push({ name: "explicit", value: explicit, threshold: explicitMin });
  rows[4].threshold = sexyMin;
  const list = element("dl", { className: "scores" });
  for (const { name, value, threshold } of rows) {
    const meter = element("meter", { min: 0, max: 1, value: value ?? 0, "aria-label": name });
    const isOver = threshold !== undefined && value >= threshold;
    const number = element("span", { text: (value ?? 0).toFixed(2) });
    if (isOver) number.className = meter.className = "over";
    const limit = threshold === undefined ? "" : ` of ${threshold.toFixed(2)}`;
    list.append(
      element("dt", { text: name }),
      element("dd", {}, meter, number, element("span", { className: "hint", text: limit })),
    );
  }
  return list;
}

function line(name, ...values) {
  return [element("dt", { text: name }), element("dd", {}, ...values)];
}

function priority(job) {
  const parts = Object.entries(PRIORITY)
    .filter(([part]) => job.priority[part] > 0)
    .map(([part, words]) => `${words} ${hours(job.priority[part])}`);
  return `${hours(job.boost_ms)} ahead${parts.length ? `: ${parts.join(", ")}` : ""}`;
}

function image(known, job) {
  const size = `${known.width} × ${known.height}, ${Math.ceil(known.bytes / 1024)} KiB`;
  const frames = known.frames > 1 ? `, ${known.frames} frames, paused` : "";
  const list = element("dl", { className: "lines" });
  const found = known.classification;
  list.append(
    ...line("Now", `${known.state}${known.label ? `, ${known.label}` : ""}${known.legal_hold ? ", held" : ""}`),
    ...line("File", `${known.mime}, ${size}${frames}`),
    ...line("Uploaded", ago(known.uploaded_at_ms)),
    ...line("Waiting for", since(job.created_at_ms)),
    ...line("Views", String(job.views)),
    ...line("Priority", priority(job)),
  );
  if (found) {
    list.append(...line("Model", element("code", { text: `${found.model} · ${found.preprocessing}` })));
  }
  list.append(...line("Image", element("code", { text: job.image })));
  return list;
}

// What was done to a picture to have another.
const TURNINGS = {
  "mirrored": "mirrored",
  "flipped": "upside down and mirrored",
  "half-turn": "turned by 180°",
  "right-turn": "turned to the right by 90°",
  "left-turn": "turned to the left by 90°",
  "transposed": "turned to the right by 90° and mirrored",
  "transverse": "turned to the left by 90° and mirrored",
};

function apart({ distance, turning }) {
  const turned = TURNINGS[turning] ? `${TURNINGS[turning]}, ` : "";
  return `${turned}${plural(distance, "bit")} apart`;
}

function relatives(list) {
  return list.map(({ image, state, distance, turning }) => {
    const words = distance == null ? state : `${state}, ${apart({ distance, turning })}`;
    const name = element("code", { text: image });
    const item = state === "public" ? element("a", { href: `/${image}`, target: "_blank", rel: "noreferrer" }, name) : name;
    return element("li", {}, item, element("span", { className: "hint", text: ` ${words}` }));
  });
}

// The same and the like of it.
export function showKin(panel, kin) {
  const box = panel.querySelector("[data-kin]");
  if (!box) return;
  const parts = [];
  parts.push(element("p", { text: kin.n_same ? `The same bytes: ${kin.n_same} more` : "No other upload has the same bytes." }));
  if (kin.same.length) parts.push(element("ul", {}, ...relatives(kin.same)));
  if (kin.bank) {
    const against = kin.bank.against ? `: ${policyWords(kin.bank.against)}` : "";
    const words = `The hash bank knows it${against}, ${apart(kin.bank)}`;
    parts.push(element("p", { className: "note bad", text: words }));
  }
  if (kin.near) {
    const words = kin.near.length ? `Alike: ${kin.n_near}` : "Nothing that is stored is alike.";
    parts.push(element("p", { text: words }));
    if (kin.near.length) parts.push(element("ul", {}, ...relatives(kin.near)));
  } else {
    const more = element("button", { className: "link", type: "button", "data-do": "kin" });
    more.append(element("kbd", { text: "i" }), " look for others like it");
    parts.push(element("p", {}, more));
  }
  box.replaceChildren(...parts);
}

function clock(dueMs) {
  const left = dueMs - serverNow();
  const words = left > 0 ? `${hours(left)} left to settle the reports` : `The reports are overdue by ${hours(-left)}`;
  return element("p", { className: left < 12 * HOUR_MS ? "note bad" : "note", text: words });
}

// What a copyright notice swears to.
function claim(notice) {
  const by = notice.owner ? `${notice.name} for ${notice.owner}` : notice.name;
  const list = element("dl", { className: "lines" });
  list.append(...line("Work", notice.work), ...line("Claimed by", by), ...line("Signed", `${notice.signature}, ${ago(notice.at_ms)}`));
  if (notice.contact) list.append(...line("Reached by", notice.contact));
  return list;
}

function reports(said) {
  const items = said.map(({ words, text, at_ms, contact, notice }) => {
    const item = element("li", {}, element("strong", { text: words }), ` ${text} `, element("span", { className: "hint", text: ago(at_ms) }));
    if (contact) item.append(element("p", { className: "hint", text: `Reached by ${contact}` }));
    if (notice) item.append(claim(notice));
    return item;
  });
  return element("ul", { className: "reports" }, ...items);
}

const RESTRICTIONS = { removed: "Removed", hidden: "Hidden", warning: "Shown behind a warning" };

function objection(appeal) {
  const { against, policy, by, reason, decided_at_ms } = appeal;
  const when = decided_at_ms === null ? "" : `, ${ago(decided_at_ms)}`;
  const what = `${RESTRICTIONS[against]}${policy ? `: ${policyWords(policy)}` : ""}, by ${by ?? "no person"}${when}`;
  const box = element("div", { className: "note", "data-appeal": "" });
  box.append(element("p", { text: `Its uploader objects: ${appeal.text}` }), element("p", { text: `Against: ${what}` }));
  if (reason) box.append(element("p", { text: `The reason given: ${reason}` }));
  return box;
}

const VERDICTS = { safe: "Safe", nsfw: "Nsfw", remove: "Removed", escalate: "Passed on" };

function verdictLine({ verdict, by, at_ms }) {
  const policy = verdict.policy ? `: ${policyWords(verdict.policy)}` : "";
  return `${VERDICTS[verdict.kind]}${policy}, by ${by ?? "the service"}, ${ago(at_ms)}`;
}

// Who had it before, what they made of it, and what they want to be known.
function before(decision) {
  const box = element("div", { className: "note", "data-before": "" });
  box.append(element("p", { text: verdictLine(decision) }));
  const said = decision.verdict.note || decision.verdict.reason;
  if (said) box.append(element("p", { text: `“${said}”` }));
  const earlier = decision.before?.earlier;
  if (earlier) box.append(element("p", { className: "hint", text: `Before that: ${verdictLine(earlier)}` }));
  return box;
}

// Fills the panel.
export function showFacts(panel, { job, kin }) {
  const known = job.known;
  const parts = [reasons(job)];
  if (kin?.due_at_ms) parts.push(clock(kin.due_at_ms));
  if (kin?.reports.length) parts.push(reports(kin.reports));
  if (kin?.appeal) parts.push(objection(kin.appeal));
  // An appeal says itself what it is against.
  const { decision } = job;
  if (decision && (!kin?.appeal || decision.verdict.kind === "escalate")) parts.push(before(decision));
  if (job.n_copies) {
    const words = `Safe or nsfw ends its ban.${copiesWords(job.n_copies)}`;
    parts.push(element("p", { className: "note", "data-copies": "", text: words }));
  }
  if (known?.classification) parts.push(scores(known.classification));
  else parts.push(element("p", { className: "hint", text: "It has no scores." }));
  if (known) parts.push(image(known, job));
  parts.push(element("div", { className: "kin", "data-kin": "" }));
  panel.replaceChildren(...parts);
  if (kin) showKin(panel, kin);
}
