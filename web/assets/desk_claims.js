// What a moderator holds: the image at hand and a few ahead of it, with their
// previews, so that the next one is there before it is asked for.
import { previewPath, serverNow } from "./staff_api.js";

const AHEAD = 3;
const RENEW_BEFORE_MS = 5 * 60_000;
const RENEW_EVERY_MS = 60_000;
const LOOK_AGAIN_MS = 10_000;

export class Claims {
  // `query()` says what is wanted, `veil()` how it is shown; `onReady()` hears
  // of every new image, `onLost(item, error)` of one that is held no more.
  constructor({ call, query, veil, onReady, onLost, onTrouble }) {
    Object.assign(this, { call, query, veil, onReady, onLost, onTrouble });
    this.ready = [];
    this.current = null;
    this.isEmpty = false;
    // Why nothing could be claimed, and what waits that is not given out.
    this.trouble = null;
    this.waiting = null;
    this.round = 0;
    this.filling = null;
    setInterval(() => this.renew(), RENEW_EVERY_MS);
    setInterval(() => this.isEmpty && !document.hidden && this.fill(), LOOK_AGAIN_MS);
  }

  get held() {
    return this.current ? [this.current, ...this.ready] : [...this.ready];
  }

  // The next image at once, or none.
  next() {
    this.current = this.ready.shift() ?? null;
    this.fill();
    return this.current;
  }

  // Puts an image in front of all others.
  putFirst(job) {
    if (this.current) this.ready.unshift(this.current);
    this.current = this.prepared(job);
    return this.current;
  }

  // Claims until enough are ahead. One call at a time, however often it is asked.
  fill() {
    this.filling ??= this.claim().finally(() => (this.filling = null));
    return this.filling;
  }

  async claim() {
    while (this.ready.length < AHEAD) {
      const round = this.round;
      let jobs;
      let waiting;
      try {
        const limit = AHEAD - this.ready.length;
        ({ jobs, waiting } = await this.call("POST", "/staff/api/queue/claim", { ...this.query(), limit }));
      } catch (error) {
        this.isEmpty = true;
        this.trouble = error;
        this.onTrouble(error);
        break;
      }
      const items = jobs.map((job) => this.prepared(job));
      if (round !== this.round) {
        // Other filters were chosen meanwhile.
        items.forEach((item) => this.release(item));
        continue;
      }
      this.trouble = null;
      this.waiting = waiting ?? null;
      this.ready.push(...items);
      this.isEmpty = jobs.length === 0;
      if (this.isEmpty) break;
      this.onReady();
    }
    this.onReady();
  }

  prepared(job) {
    const item = { job, kin: null };
    this.prepareImage(item);
    item.kinKnown = this.call("GET", `/staff/api/kin/${job.image}`)
      .then((kin) => (item.kin = kin))
      .catch(() => null);
    return item;
  }

  // Loads and decodes the preview; it is swapped in whole.
  prepareImage(item) {
    const veil = this.veil();
    const picture = new Image();
    picture.alt = "The image, veiled until it is shown";
    picture.dataset.veil = veil;
    picture.src = previewPath(item.job.image, veil);
    item.picture = picture;
    item.decoded = picture.decode().catch(() => (item.isBroken = true));
  }

  lease({ job }) {
    return { lease: job.lease.token, version: job.version };
  }

  release(item, options) {
    const path = `/staff/api/queue/${item.job.image}/release`;
    return this.call("POST", path, this.lease(item), options).catch(() => {});
  }

  // Gives everything back and begins anew.
  async restart() {
    this.round += 1;
    const held = this.held;
    this.ready = [];
    this.current = null;
    await Promise.all(held.map((item) => this.release(item)));
    await this.filling;
    await this.fill();
  }

  // Whoever is at work keeps what they hold.
  async renew() {
    if (!this.isActive?.()) return;
    for (const item of this.held) {
      if (item.job.lease.until_ms - serverNow() > RENEW_BEFORE_MS) continue;
      try {
        const path = `/staff/api/queue/${item.job.image}/renew`;
        const { lease } = await this.call("POST", path, this.lease(item));
        item.job.lease = lease ?? item.job.lease;
      } catch (error) {
        if (error.isPassing) return;
        this.drop(item, error);
      }
    }
  }

  // What was decided under one lease is not shown again under another.
  forget(image) {
    this.ready = this.ready.filter(({ job }) => job.image !== image);
    return this.current?.job.image === image;
  }

  drop(item, error) {
    const isCurrent = item === this.current;
    this.ready = this.ready.filter((other) => other !== item);
    if (isCurrent) this.current = null;
    this.onLost(item, error, isCurrent);
  }
}

// Whether nothing new is known of an image since it was looked at.
export function saysTheSame(before, now) {
  const said = ({ lane, created_at_ms, n_reports, reasons, rules, decision, known }) =>
    JSON.stringify([lane, created_at_ms, n_reports, reasons, rules, decision?.version, known?.state]);
  return said(before) === said(now);
}
