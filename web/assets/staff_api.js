// Calls of the staff's pages, and what they say at the edge of the screen.

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.code = problem.code ?? "unreachable";
    this.conflict = problem.conflict;
  }

  // Whether the same call may succeed later. Whoever was logged out can log in again
  // in another window.
  get isPassing() {
    return [0, 401, 429].includes(this.status) || this.status >= 500;
  }
}

// Days and hours that the law counts are read off the server's clock.
let aheadMs = 0;
export const serverNow = () => Date.now() + aheadMs;

async function send(method, path, body, token, { keepalive = false, wait_ms = 30_000 } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { "content-type": "application/json", accept: "application/json", "x-csrf-token": token },
      body: body && JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      keepalive,
      signal: AbortSignal.timeout(wait_ms),
    });
  } catch {
    throw new ApiError(0, { title: "The server cannot be reached." });
  }
  const said = answer.status === 204 ? {} : await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(answer.status, said ?? {});
  // A server that dies while it answers has said nothing.
  if (!said) throw new ApiError(0, { title: "The server's answer was cut off." });
  if (said.now_ms) aheadMs = said.now_ms - Date.now();
  return said;
}

// A function that calls with the session's token. Whoever logs in again in another
// window has a new session; its token is fetched, and the call made once more. What
// one has done is never sent in the name of another.
export function caller({ csrf, me }) {
  let token = csrf;
  let renewing = null;
  const renew = async () => {
    const session = await send("GET", "/staff/api/session", undefined, token);
    if (session.me !== me) {
      throw new ApiError(401, {
        code: "staff-other-session",
        title: `${session.me} is logged in now; log in as ${me} again in another window`,
      });
    }
    token = session.csrf;
  };
  return async (method, path, body, options) => {
    try {
      return await send(method, path, body, token, options);
    } catch (error) {
      if (error.code !== "staff-csrf-token") throw error;
      renewing ??= renew().finally(() => (renewing = null));
      await renewing;
      return send(method, path, body, token, options);
    }
  };
}

// What keeps calls from going out, in a few words.
export function troubleWords(error) {
  if (error.code === "staff-other-session") return error.message;
  if (error.status === 401) return "log in again in another window";
  return error.status === 0 ? "no connection" : error.message;
}

const TOASTS_MAX = 2;
const TOAST_MS = 6000;
const TOAST_BAD_MS = 15_000;

// Says a sentence for a while, once however often it is said. `tone` is good, warn
// or bad. What is said about a dialog is said in it: all else is behind its backdrop.
export function toast(corner, text, tone = "warn") {
  const dialog = document.querySelector("dialog[open]");
  let list = dialog?.querySelector("[data-said]") ?? corner;
  if (dialog && list === corner) {
    list = document.createElement("div");
    list.dataset.said = "";
    list.role = "alert";
    dialog.append(list);
  }
  [...list.children].find((line) => line.textContent === text)?.remove();
  const line = document.createElement("p");
  line.className = "toast";
  line.dataset.tone = tone;
  line.textContent = text;
  list.append(line);
  while (list.children.length > TOASTS_MAX) list.firstElementChild.remove();
  setTimeout(() => line.remove(), tone === "bad" ? TOAST_BAD_MS : TOAST_MS);
}

// "1 image", "2 images".
export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

// The copies that a ban had removed, and that come back without it: counted up to a
// thousand.
export function copiesWords(n) {
  if (!n) return "";
  const many = n >= 1000 ? "1000 or more" : n;
  return ` ${n === 1 ? "1 copy" : `${many} copies`} that its ban had removed ${n === 1 ? "comes" : "come"} back too, unless something else keeps ${n === 1 ? "it" : "them"} removed.`;
}

const VERDICTS = { safe: "safe", nsfw: "nsfw", remove: "removed", escalate: "passed on" };

// Who was first, in a sentence.
export function conflictWords(error) {
  const { by, verdict } = error.conflict ?? {};
  const who = by ?? "the service";
  switch (error.code) {
    case "claimed-by-another":
      return `${who} looks at it now; your decision does not count.`;
    case "decided-already":
      return `${who} has decided it: ${VERDICTS[verdict?.kind] ?? "decided"}. Your decision does not count.`;
    case "lease-ended":
      return "You have held it for too long; it went back to the queue undecided.";
    case "own-decision":
      return "It is about your own decision; somebody else must look at it.";
    case "not-the-last-decision":
      return "Another decision stands by now; it is not taken back.";
    case "stays-with-child-safety":
      return "What child safety has is passed on to nobody; decide it, or skip it.";
    case "leases-too-many":
      return "You hold as many as anybody may; decide some, or give them back.";
    case "staff-step-up-needed":
      return "It reaches every image, so it needs your second factor again: show it at /staff/step-up in another window, then decide once more.";
    case "not-queued":
      return "It is in no queue of yours any more: it was passed on, or its owner deleted it. What you wanted does not count.";
    case "image-gone":
      return "The image is gone; there is nothing left to decide.";
    default:
      return error.message;
  }
}

// Settings of this browser alone. Private windows may forbid to keep them.
export const kept = {
  read(name, otherwise) {
    try {
      return JSON.parse(localStorage.getItem(`staff-${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(`staff-${name}`, JSON.stringify(value));
    } catch {
      // It holds until the page is closed.
    }
  },
};

export const VEILS = ["strong", "medium", "light", "off"];

// What the server sends for a veil: the strong one is made there.
export function previewPath(image, veil) {
  const look = { strong: "veiled", off: "clear" }[veil] ?? "small";
  return `/staff/preview/${image}?look=${look}`;
}

// The filters of a form as the API takes them.
export function queryOf(form) {
  const query = {};
  for (const [name, value] of new FormData(form)) {
    if (value === "") continue;
    const isNumber = /^(score|minutes)_/.test(name);
    query[name] = isNumber ? Number(value) : value;
  }
  return query;
}

// Whether a key belongs to what has the focus, not to the page.
export function isTyping(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const field = event.target.closest?.("input:not([type=checkbox]), select, textarea") ?? null;
  // A field of a dialog that was just closed keeps the focus until the next frame.
  return field !== null && field.closest("dialog:not([open])") === null;
}
