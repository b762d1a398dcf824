// A browser whose pages are watched for what no page of ours may do.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { SCREENSHOTS, Service } from "./service.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ACTION_WITHIN_MS = 20_000;

// A server and a browser for one file of tests.
export class Scene {
  static async open(settings) {
    const scene = new Scene();
    scene.service = await Service.start(settings);
    scene.browser = await chromium.launch({ executablePath: CHROMIUM });
    return scene;
  }

  async close() {
    await this.browser?.close();
    await this.service?.stop();
  }

  // Runs `visit(page, context)` as a visitor with no past, and checks
  // afterwards that the page kept to itself. `expectedErrors` are patterns of
  // console lines that belong to the test: browsers log every refused request.
  async visit(visit, { expectedErrors = [], ...options } = {}) {
    const context = await this.browser.newContext({ baseURL: this.service.origin, ...options });
    context.setDefaultTimeout(ACTION_WITHIN_MS);
    const complaints = [];
    context.on("page", (page) => {
      page.on("console", (message) => {
        const isExpected = expectedErrors.some((pattern) => pattern.test(message.text()));
        if (message.type() === "error" && !isExpected) {
          complaints.push(`console: ${message.text()}`);
        }
      });
      page.on("pageerror", (error) => complaints.push(`script: ${error}`));
      page.on("request", (request) => {
        const { origin, protocol } = new URL(request.url());
        const isOwn = origin === this.service.origin || ["blob:", "data:"].includes(protocol);
        if (!isOwn) complaints.push(`request to ${request.url()}`);
      });
    });
    try {
      await visit(await context.newPage(), context);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  }
}

// Keeps a picture of the page for people to look at.
export async function screenshot(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
