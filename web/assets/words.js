// Numbers, names, verdicts and snippets as text. The server's twins are
// pages/wording.rs and pages/share.rs.

const CONTROL_OR_REORDERING = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export function displayName(name) {
  return name.replace(CONTROL_OR_REORDERING, "").trim() || "Untitled image";
}

export function byteSize(bytes) {
  if (bytes === 1) return "1 byte";
  if (bytes < 1e3) return `${bytes} bytes`;
  if (bytes < 1e6) return `${Math.floor(bytes / 1e3)} kB`;
  return `${Math.round(bytes / 1e5) / 10} MB`;
}

// Never 100: a classifier is not certain.
export function percent(share) {
  return `${(Math.min(Math.round(share * 1000), 999) / 10).toFixed(1)} %`;
}

export function verdict({ state, label, confidence, label_set_by: setBy }) {
  const byState = {
    pending: "Still being checked",
    "scan-failed": "Could not be checked yet",
    review: "Waiting for a moderator",
    blocked: "Blocked",
    removed: "Removed",
  };
  if (byState[state]) return byState[state];
  const word = { safe: "Safe", nsfw: "Not safe for work" }[label];
  if (!word) return "Not classified";
  if (setBy === "staff") return `${word}, a person decided`;
  if (setBy) return `${word}, by a rule of this site`;
  return typeof confidence === "number" ? `${word}, ${percent(confidence)} sure` : word;
}

// The colour family of a verdict, a value the style sheet knows.
export function tone({ state, label }) {
  if (state === "public" && label === "safe") return "good";
  if (state === "blocked" || state === "removed") return "bad";
  return label === "nsfw" ? "warn" : "quiet";
}

export function facts({ mime, width, height, bytes }) {
  const format = mime.replace("image/", "").toUpperCase();
  return `${format} · ${width} × ${height} · ${byteSize(bytes)}`;
}

// The file name stays out of what people paste elsewhere: it may name a
// person or a place.
export function snippets({ url, direct_url: direct, delete_url: deletion, width, height }) {
  const size = `width="${width}" height="${height}"`;
  return {
    link: url,
    direct,
    markdown: `[![](${direct})](${url})`,
    html: `<a href="${url}"><img src="${direct}" ${size} alt=""></a>`,
    bbcode: `[url=${url}][img]${direct}[/img][/url]`,
    delete: deletion,
  };
}
