// The card of one file: its progress, then its links. Knows no network.

import { byteSize, displayName, facts, snippets, tone, verdict } from "./words.js";

// Twice the width of the box, for dense screens.
const PREVIEW_PX = 176;

export class Card {
  constructor(template, file) {
    this.element = template.content.firstElementChild.cloneNode(true);
    this.name = displayName(file.name);
    this.file = file;
    this.part("name").textContent = this.name;
    this.part("facts").textContent = byteSize(file.size);
    this.part("progress").setAttribute("aria-label", `Upload of ${this.name}`);
    this.part("cancel").setAttribute("aria-label", `Cancel ${this.name}`);
    this.part("retry").setAttribute("aria-label", `Try again: ${this.name}`);
    this.part("open").setAttribute("aria-label", `Open ${this.name}`);
    this.showQueued();
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  onCancel(action) {
    this.part("cancel").addEventListener("click", action);
  }

  onRetry(action) {
    this.part("retry").addEventListener("click", action);
  }

  showQueued() {
    this.element.classList.remove("failed");
    this.part("progress").value = 0;
    this.offer({ progress: true, cancel: true });
    this.say("Waiting for its turn");
  }

  showSending(sent, total) {
    const share = total > 0 ? sent / total : 0;
    this.part("progress").value = share;
    this.say(`${byteSize(sent)} of ${byteSize(total)} · ${Math.floor(share * 100)} %`);
  }

  // From here on the server may keep the image, and only its answer holds the
  // deletion link: leaving now could orphan it, so cancelling ends here.
  showChecking() {
    this.part("progress").removeAttribute("value");
    this.offer({ progress: true });
    this.say("Cleaning and checking");
  }

  showWaiting(seconds, attempt, attempts) {
    this.part("progress").value = 0;
    this.offer({ progress: true, cancel: true });
    this.say(`The server is busy. Try ${attempt} of ${attempts} in ${seconds} s`);
  }

  showFailure(text, mayRetry) {
    this.element.classList.add("failed");
    this.offer({ retry: mayRetry });
    this.say(text);
  }

  showResult(image) {
    this.part("facts").textContent = facts(image);
    this.part("verdict").textContent = verdict(image);
    this.part("verdict").dataset.tone = tone(image);
    this.part("open").href = new URL(image.url).pathname;
    this.offer({ verdict: true, links: true, open: image.state === "public" });
    this.say(image.state === "pending" ? "The link works once the check is done." : "");
    for (const [key, text] of Object.entries(snippets(image))) {
      const field = this.element.querySelector(`[data-snippet="${key}"]`);
      field.value = text;
    }
    if (image.state === "public") this.showThumbnail(image.thumbnail_url);
  }

  // A small copy drawn here, so that the full picture does not stay decoded.
  async showPreview() {
    if (this.element.querySelector("canvas")) return;
    try {
      const size = { resizeWidth: PREVIEW_PX, resizeQuality: "medium" };
      const picture = await createImageBitmap(this.file, size);
      const canvas = document.createElement("canvas");
      canvas.width = picture.width;
      canvas.height = picture.height;
      canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
      this.part("thumb").replaceChildren(canvas);
    } catch {
      // Not a picture this browser can read: the placeholder stays.
    }
  }

  showThumbnail(url) {
    const thumbnail = new Image();
    thumbnail.alt = "";
    thumbnail.addEventListener("load", () => this.part("thumb").replaceChildren(thumbnail));
    thumbnail.src = new URL(url).pathname;
  }

  say(text) {
    this.part("status").textContent = text;
  }

  // Shows exactly the named parts of those that come and go. Focus must not
  // fall off the page with a part that leaves.
  offer(shown) {
    const focused = document.activeElement;
    for (const name of ["progress", "cancel", "retry", "open", "verdict", "links"]) {
      this.part(name).hidden = !shown[name];
    }
    if (this.element.contains(focused) && !focused.checkVisibility()) {
      this.element.tabIndex = -1;
      this.element.focus();
    }
  }
}
