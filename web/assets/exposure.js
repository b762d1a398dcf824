// How much somebody has seen today, and when it is time for a break. It stays
// in this browser.
import { kept, plural } from "./staff_api.js";

const TICK_MS = 5_000;
const IDLE_MS = 60_000;
const today = () => new Date().toISOString().slice(0, 10);

export class Exposure {
  constructor({ line, onBreak }) {
    this.line = line;
    this.onBreak = onBreak;
    this.limits = kept.read("breaks", { minutes: 25, images: 120 });
    const known = kept.read("exposure", null);
    this.day = known?.day === today() ? known : { day: today(), images: 0, shown: 0, ms: 0 };
    this.since = { images: 0, ms: 0 };
    // What this page has counted already: what comes back is no new image.
    this.counted = new Set();
    this.unveiledOnes = new Set();
    this.lastSign = Date.now();
    setInterval(() => this.tick(), TICK_MS);
    this.show();
  }

  sign() {
    this.lastSign = Date.now();
  }

  get isActive() {
    return !document.hidden && Date.now() - this.lastSign < IDLE_MS;
  }

  // It was looked at before, here or on another day.
  knows(image) {
    this.counted.add(image);
  }

  seen(image) {
    if (this.counted.has(image)) return;
    this.counted.add(image);
    this.day.images += 1;
    this.since.images += 1;
    this.show();
    if (this.since.images >= this.limits.images) this.remind();
  }

  unveiled(image) {
    if (this.unveiledOnes.has(image)) return;
    this.unveiledOnes.add(image);
    this.day.shown += 1;
    this.show();
  }

  tick() {
    if (!this.isActive) return;
    this.day.ms += TICK_MS;
    this.since.ms += TICK_MS;
    kept.write("exposure", this.day);
    this.show();
    if (this.since.ms >= this.limits.minutes * 60_000) this.remind();
  }

  remind() {
    const { images, ms } = this.since;
    this.since = { images: 0, ms: 0 };
    const minutes = Math.max(1, Math.round(ms / 60_000));
    this.onBreak(`${plural(images, "image")} in ${plural(minutes, "minute")} without a break.`);
  }

  limit(name, value) {
    if (!(value > 0)) return;
    this.limits = { ...this.limits, [name]: value };
    kept.write("breaks", this.limits);
  }

  show() {
    const { images, shown, ms } = this.day;
    this.line.textContent = `Today: ${plural(images, "image")}, ${shown} of them unveiled, ${Math.round(ms / 60_000)} min`;
  }
}
