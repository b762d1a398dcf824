// Uploading with JavaScript: by choice, drop and paste, one file and several.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIXTURES } from "./service.mjs";
import { Scene, screenshot } from "./visitor.mjs";

const SCENE = readFileSync(join(FIXTURES, "scene.jpg"));
const PNG = readFileSync(join(FIXTURES, "pattern_scored_sexy.png"));
const jpeg = (name) => ({ name, mimeType: "image/jpeg", buffer: SCENE });

let scene;
before(async () => (scene = await Scene.open()));
after(() => scene.close());

test("a chosen file is uploaded and its links work", () =>
  scene.visit(async (page, context) => {
    await page.goto("/");
    await screenshot(page, "home");
    await page.setInputFiles("input[type=file]", jpeg("holiday.jpg"));
    const card = page.locator("[data-cards] > *");
    await card.locator("[data-links]").waitFor();
    await screenshot(page, "uploaded");
    assert.match(await card.locator("[data-name]").innerText(), /holiday\.jpg/);
    assert.match(await card.locator("[data-verdict]").innerText(), /Safe|Not safe/);
    const links = await snippets(card);
    assert.equal((await fetch(links.direct)).headers.get("content-type"), "image/jpeg");
    assert.equal((await fetch(links.link)).status, 200);
    assert.ok(links.markdown.includes(links.direct) && links.bbcode.includes("[img]"));
    assert.match(links.delete, /\/d\/\w{12}#\w+$/);
    assert.deepEqual(await context.cookies(), [], "no cookie without a choice");
  }));

test("a dropped file is uploaded", () =>
  scene.visit(async (page) => {
    await page.goto("/");
    const transfer = await transferOf(page, "dropped.jpg");
    await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    const card = page.locator("[data-cards] > *", { hasText: "dropped.jpg" });
    await card.locator("[data-links]").waitFor();
  }));

test("a pasted file is uploaded", () =>
  scene.visit(async (page) => {
    await page.goto("/");
    const transfer = await transferOf(page, "pasted.jpg");
    await page.evaluate((clipboardData) => {
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }, transfer);
    const card = page.locator("[data-cards] > *", { hasText: "pasted.jpg" });
    await card.locator("[data-links]").waitFor();
  }));

test("several files show their progress and end each on its own", () =>
  scene.visit(async (page, context) => {
    await page.goto("/");
    const network = await context.newCDPSession(page);
    await network.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 40_000,
    });
    const broken = { name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no picture") };
    const files = [jpeg("one.jpg"), jpeg("two.jpg"), broken, jpeg("three.jpg")];
    await page.setInputFiles("input[type=file]", files);
    const first = page.locator("[data-cards] > *").first();
    await first.getByText(/ of .* · \d+ %/).waitFor();
    await screenshot(page, "progress");
    for (const name of ["one.jpg", "two.jpg", "three.jpg"]) {
      const card = page.locator("[data-cards] > *", { hasText: name });
      await card.locator("[data-links]").waitFor();
    }
    const failed = page.locator("[data-cards] > *", { hasText: "broken.jpg" });
    assert.match(await failed.locator("[data-status]").innerText(), /[Uu]nsupported|not an image/);
    assert.match(await page.locator("[data-summary]").innerText(), /3 of 4/);
    await screenshot(page, "several");
  }, { expectedErrors: [/415/] }));

test("what the server would refuse is said before anything is sent", () =>
  scene.visit(async (page) => {
    const sent = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
    await page.goto("/");
    await page.setInputFiles("input[type=file]", [
      { name: "empty.jpg", mimeType: "image/jpeg", buffer: Buffer.alloc(0) },
      { name: "text.txt", mimeType: "text/plain", buffer: Buffer.from("text") },
    ]);
    const cards = page.locator("[data-cards]");
    await cards.getByText("This file is empty.").waitFor();
    await cards.getByText("This file is not an image.").waitFor();
    assert.deepEqual(sent, []);
  }));

test("copy buttons copy what they stand beside", () =>
  scene.visit(async (page, context) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto("/");
    await page.setInputFiles("input[type=file]", { name: "a.png", mimeType: "image/png", buffer: PNG });
    const card = page.locator("[data-cards] > *");
    await card.locator("[data-links]").waitFor();
    const links = await snippets(card);
    for (const kind of ["link", "direct", "markdown", "html", "bbcode", "delete"]) {
      const field = card.locator(".field", { has: page.locator(`[data-snippet=${kind}]`) });
      await field.locator("[data-copy]").click();
      await field.getByText("Copied").waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), links[kind]);
    }
  }));

// What the card offers, by the kind of snippet.
function snippets(card) {
  return card.locator("[data-snippet]").evaluateAll((fields) =>
    Object.fromEntries(fields.map((field) => [field.dataset.snippet, field.value])),
  );
}

// A drag or a clipboard that holds one file.
function transferOf(page, name) {
  return page.evaluateHandle(
    ([name, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
      return transfer;
    },
    [name, SCENE.toString("base64")],
  );
}
