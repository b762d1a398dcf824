// What every page gains from JavaScript: copy buttons, and a theme switch that
// does not reload the page, and a choice about cookies that does not either.

const COPIED_SHOWN_MS = 2000;

// Says a short sentence to screen readers.
export function announce(text) {
  document.querySelector("[data-announcer]").textContent = text;
}

// Copies a text and lets the button say so for a moment.
export async function copy(text, button) {
  const done = (await toClipboard(text)) ? "Copied" : "Not copied";
  const words = button.querySelector("span");
  button.dataset.words ??= words.textContent;
  words.textContent = done;
  button.toggleAttribute("data-copied", done === "Copied");
  announce(done);
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => {
    words.textContent = button.dataset.words;
    button.removeAttribute("data-copied");
  }, COPIED_SHOWN_MS);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS, or without permission, only the old command is left.
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "visually-hidden";
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return copied;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  copy(button.closest(".field").querySelector("input").value, button);
});

// A click into a read-only field selects all of it, ready to be copied by hand.
document.addEventListener("focusin", (event) => {
  if (event.target.matches("input[readonly]")) event.target.select();
});

document.querySelector("[data-theme-form]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const choice = event.submitter.value;
  document.documentElement.dataset.theme = choice;
  for (const button of form.elements.theme) {
    button.setAttribute("aria-pressed", String(button.value === choice));
  }
  const body = new URLSearchParams({ theme: choice, return: form.elements.return.value });
  try {
    // The answer is a redirect back to this page: its cookie is all we need.
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
  } catch {
    announce("The theme could not be saved for the next visit");
  }
});

document.querySelector("[data-consent-form]")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  try {
    // The answer is a redirect back to this page: its cookie is all we need.
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
    form.closest("[data-consent]").remove();
    announce("Your choice is saved");
  } catch {
    announce("Your choice could not be saved");
  }
});
