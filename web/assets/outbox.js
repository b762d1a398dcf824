// Decisions on their way. The page goes on at once; what could not be sent is
// tried again, in order, until the server has taken or refused it.

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;

export class Outbox {
  // `onChange(n_unsent, isStuck)` hears of every change.
  constructor({ call, size, onChange }) {
    this.call = call;
    this.size = size;
    this.onChange = onChange;
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
  push(path, body) {
    const letter = { path, body };
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

  changed(isStuck = false) {
    this.onChange(this.length, isStuck);
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
        // Whoever was logged out can log in again in another window.
        if (!error.isPassing && error.status !== 401) {
          letter.reject(error);
          return;
        }
        this.changed(error);
      }
      await new Promise((done) => setTimeout(done, this.retryMs));
      this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
    }
  }
}
