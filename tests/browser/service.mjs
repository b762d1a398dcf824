// `imgshare serve` over a data folder of its own, on loopback.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, mkdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const TOP = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");
const BINARY = process.env.IMGSHARE_BIN ?? join(TOP, "target/release/imgshare");
const MODELS = process.env.IMGSHARE_TEST_MODELS ?? join(TOP, "target/test-cache/models");
const READY_WITHIN_MS = 120_000;

export const FIXTURES = join(TOP, "tests/fixtures");
export const SCREENSHOTS = join(TOP, "target/test-screenshots");

export class Service {
  // Starts a server with more settings in its environment, and waits until it
  // is ready.
  static async start(settings = {}) {
    const service = new Service();
    service.folder = mkdtempSync(join(tmpdir(), "imgshare-browser-"));
    const data = join(service.folder, "data");
    service.data = data;
    mkdirSync(data);
    symlinkSync(MODELS, join(data, "models"));
    const port = await freePort();
    service.origin = `http://127.0.0.1:${port}`;
    service.log = "";
    const ours = ([name]) => !name.startsWith("IMGSHARE_");
    const environment = (service.environment = {
      ...Object.fromEntries(Object.entries(process.env).filter(ours)),
      IMGSHARE_DEVICE: "cpu",
      IMGSHARE_HTTP_METRICS_LISTEN: "off",
      IMGSHARE_MODELS_AUTO_PULL: "false",
      ...settings,
    });
    // The kernel ends the server with this process, however this one ends.
    const command = ["--pdeathsig", "KILL", "--", BINARY, "serve", "--data", data];
    service.process = spawn("setpriv", [...command, "--listen", `127.0.0.1:${port}`], {
      cwd: service.folder,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const pipe of [service.process.stdout, service.process.stderr]) {
      pipe.on("data", (text) => (service.log += text));
    }
    await service.untilReady();
    return service;
  }

  async untilReady() {
    const end = Date.now() + READY_WITHIN_MS;
    while (Date.now() < end && this.process.exitCode === null) {
      const answer = await fetch(`${this.origin}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await pause(50);
    }
    throw new Error(`the server did not become ready:\n${this.log}`);
  }

  // Uploads through the API and returns the answer.
  async upload(name, bytes) {
    const form = new FormData();
    form.append("file", new Blob([bytes]), name);
    const answer = await fetch(`${this.origin}/api/v1/images`, { method: "POST", body: form });
    if (answer.status !== 201) throw new Error(`status ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  // Runs another command over the data folder and returns what it prints.
  command(...words) {
    const options = { cwd: this.folder, env: this.environment, encoding: "utf8" };
    const { status, stdout, stderr } = spawnSync(BINARY, [...words, "--data", this.data], options);
    if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  }

  async stop() {
    const ended = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    const code = await ended;
    rmSync(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${this.log}`);
  }
}

async function freePort() {
  const listener = createServer();
  await new Promise((done) => listener.listen(0, "127.0.0.1", done));
  const { port } = listener.address();
  await new Promise((done) => listener.close(done));
  return port;
}
