// The way back: from what was decided on this page, and from what was decided just
// before it was loaded.
import { conflictWords, copiesWords } from "./staff_api.js";

const KEPT_MAX = 50;
const PEOPLE = { senior: "senior moderators", "child-safety": "child safety" };

// For whom a verdict makes an image; null for whoever has it.
function passedOnTo(verdict) {
  if (verdict?.kind === "escalate") return verdict.to;
  return verdict?.kind === "remove" && verdict.policy === "child-abuse" ? "child-safety" : null;
}

const pathOf = (image, act) => `/staff/api/queue/${image}/${act}`;

export class History {
  // `onBack(job)` hears of what one holds again.
  constructor({ call, outbox, onBack, say }) {
    Object.assign(this, { call, outbox, onBack, say });
    this.made = [];
    this.isBusy = false;
  }

  // `made` is what was done: its item, act and letter, and its verdict unless it
  // was a skip.
  note(made) {
    this.made.push(made);
    if (this.made.length > KEPT_MAX) this.made.shift();
  }

  forget(made) {
    this.made = this.made.filter((each) => each !== made);
  }

  async undo() {
    if (this.isBusy) return;
    const last = this.made.at(-1);
    if (last && this.outbox.cancel(last.letter)) {
      this.forget(last);
      this.onBack(last.item.job);
      return;
    }
    this.isBusy = true;
    try {
      await (last ? this.takeBack(last) : this.takeBackEarlier());
    } finally {
      this.isBusy = false;
    }
  }

  async takeBack(last) {
    try {
      const { version } = await last.letter.sent;
      const { image } = last.item.job;
      const job = last.act === "skip"
        ? await this.call("POST", pathOf(image, "claim"))
        : await this.call("POST", pathOf(image, "undo"), { version });
      this.forget(last);
      this.back(job);
    } catch (error) {
      // What others have now stays the last thing that was done: another press must
      // not reach behind it.
      if (!error.isPassing && !this.isForOthers(error, last.verdict)) this.forget(last);
      this.refuse(error, last.verdict);
    }
  }

  async takeBackEarlier() {
    let last = null;
    try {
      ({ last } = await this.call("GET", "/staff/api/decided/last"));
      if (!last) {
        this.say("There is nothing to undo. What you decided earlier is on the page Decided.");
        return;
      }
      this.back(await this.call("POST", pathOf(last.image, "undo"), { version: last.version }));
    } catch (error) {
      this.refuse(error, last?.verdict);
    }
  }

  back(job) {
    this.onBack(job);
    this.say(`Taken back.${copiesWords(job.n_copies)}`, "good");
  }

  isForOthers(error, verdict) {
    return passedOnTo(verdict) !== null && ["not-queued", "claimed-by-another", "not-the-last-decision"].includes(error.code);
  }

  refuse(error, verdict) {
    if (!this.isForOthers(error, verdict)) {
      this.say(error.isPassing ? `It is not taken back: ${error.message} Try again.` : conflictWords(error), "bad");
      return;
    }
    const people = PEOPLE[passedOnTo(verdict)];
    this.say(`You have passed it on: it is with ${people} now, and they alone decide it. What you decided before it can be undone on the page Decided.`, "bad");
  }
}
