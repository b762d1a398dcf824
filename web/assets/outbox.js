// Decisions on their way. The page goes on at once; what could not be sent is
// tried again, in order, until the server has taken or refused it.

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;

// A lease lasts for minutes: what needs more new ones than this has another flaw.
const MENDS_MAX = 3;

export class Outbox {
  // `onChange(n_unsent, trouble)` hears of every change. `mend(letter, error)`
  // changes a refused letter so that it can be sent anew, and says whether it has.
  constructor({ call, size, onChange, mend = async () => false }) {
    Object.assign(this, { call, size, onChange, mend });
    this.waiting = [];
    this.sending = null;
    this.retryMs = RETRY_FIRST_MS;
  }

  get length() {
    return this.waiting.length + (this.sending ? 1 : 0);
  }

  get isFull() {
    return this.length >= this.size;
  }

  // Sends a call in its turn. `sent` resolves to the answer, or rejects with
  // what the server has against it.
  push(path, body, about) {
    const letter = { path, body, about, nMended: 0 };
    letter.sent = new Promise((resolve, reject) => Object.assign(letter, { resolve, reject }));
    // Whoever cares asks for it later.
    letter.sent.catch(() => {});
    this.waiting.push(letter);
    this.changed();
    this.pump();
    return letter;
  }

  // Takes a letter back; false when it is on its way or gone.
  cancel(letter) {
    const place = this.waiting.indexOf(letter);
    if (place < 0) return false;
    this.waiting.splice(place, 1);
    this.changed();
    return true;
  }

  changed(trouble = null) {
    this.onChange(this.length, trouble);
  }

  async pump() {
    if (this.sending) return;
    while ((this.sending = this.waiting.shift() ?? null)) {
      await this.send(this.sending);
      this.sending = null;
      this.changed();
    }
  }

  async send(letter) {
    for (;;) {
      try {
        letter.resolve(await this.call("POST", letter.path, letter.body));
        this.retryMs = RETRY_FIRST_MS;
        return;
      } catch (error) {
        const trouble = await this.left(letter, error);
        if (!trouble) continue;
        if (!trouble.isPassing) {
          letter.reject(trouble);
          return;
        }
        this.changed(trouble);
      }
      await new Promise((done) => setTimeout(done, this.retryMs));
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    }
  }

  // What still stands in the way of a letter; null when nothing does any more.
  async left(letter, error) {
    if (error.isPassing || letter.nMended >= MENDS_MAX) return error;
    try {
      if (!(await this.mend(letter, error))) return error;
      letter.nMended += 1;
      return null;
    } catch (other) {
      return other;
    }
  }
}
