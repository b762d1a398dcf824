// Sends one file and waits for its verdict. Knows no page elements.

const API = "/api/v1/images";
const ATTEMPTS_MAX = 5;
const BUSY = new Set([429, 503]);
const WAIT_SECONDS_MAX = 120;
// About a minute in all; later the image is checked without anyone watching.
const CHECK_AFTER_SECONDS = [1, 2, 4, 8, 15, 30];

// Why an upload did not succeed, in words for the visitor.
export class Refused extends Error {
  constructor(text, mayRetry) {
    super(text);
    this.mayRetry = mayRetry;
  }
}

// Uploads a file and returns the image of the answer. Calls
// `watch.sending(sent, total)`, `watch.checking()` once all is sent, and
// `watch.waiting(seconds, attempt, attempts)` while the server is busy.
export async function upload(file, watch, signal) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await post(file, watch, signal);
    if (answer.status === 201 || answer.status === 202) return answer.body;
    if (!BUSY.has(answer.status) || attempt === ATTEMPTS_MAX) throw refusal(answer);
    const seconds = answer.retryAfter ?? 2 ** attempt;
    if (seconds > WAIT_SECONDS_MAX) throw refusal(answer);
    for (let left = Math.max(seconds, 1); left > 0; left -= 1) {
      watch.waiting(left, attempt + 1, ATTEMPTS_MAX);
      await pause(1, signal);
    }
  }
}

// Asks for a pending image until it has a verdict or patience ends, and
// returns what is known then.
export async function untilChecked(image) {
  for (const seconds of CHECK_AFTER_SECONDS) {
    await pause(seconds);
    const known = await facts(image.id);
    if (known && known.state !== "pending") return { ...image, ...known };
  }
  return image;
}

// Pending images may be answered like unknown ones, and the network may fail
// for a moment: neither is a verdict.
async function facts(id) {
  try {
    const answer = await fetch(`${API}/${id}`, { cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

// fetch() does not tell how much of a body was sent; XMLHttpRequest does.
function post(file, watch, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) watch.sending(event.loaded, event.total);
    });
    request.upload.addEventListener("load", () => watch.checking());
    request.addEventListener("load", () => resolve(readAnswer(request)));
    request.addEventListener("error", () => {
      reject(new Refused("The connection was lost before an answer came.", true));
    });
    request.addEventListener("abort", () => reject(signal.reason));
    signal.throwIfAborted();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.open("POST", API);
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
  });
}

function readAnswer(request) {
  const header = request.getResponseHeader("Retry-After");
  let body = null;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // A proxy in between may answer with a page of its own.
  }
  return { status: request.status, body, retryAfter: readRetryAfter(header) };
}

// The header holds seconds or a date.
function readRetryAfter(header) {
  if (!header) return null;
  if (/^\d+$/.test(header)) return Number(header);
  const seconds = Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : null;
}

function refusal({ status, body }) {
  const words = [body?.title, body?.detail].filter(Boolean);
  const text = words.length > 0 ? words.join(": ") : `The server answered with status ${status}.`;
  return new Refused(text, BUSY.has(status) || status >= 500);
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
