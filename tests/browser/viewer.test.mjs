// Looking at an image, the warning in front of an nsfw one, and deleting.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIXTURES } from "./service.mjs";
import { Scene, screenshot } from "./visitor.mjs";

const SAFE = readFileSync(join(FIXTURES, "scene.jpg"));
const NSFW = readFileSync(join(FIXTURES, "pattern_scored_porn.png"));

let scene;
before(async () => (scene = await Scene.open()));
after(() => scene.close());

test("an image is shown with its facts and links", () =>
  scene.visit(async (page, context) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const image = await scene.service.upload("a.jpg", SAFE);
    await page.goto(new URL(image.url).pathname);
    await isDrawn(page.locator(".stage img"));
    await screenshot(page, "viewer");
    const field = page.locator(".field", { has: page.locator("[data-snippet=markdown]") });
    await field.locator("[data-copy]").click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, `[![](${image.direct_url})](${image.url})`);
  }));

test("an nsfw image is not even loaded before it is asked for", () =>
  scene.visit(async (page) => {
    const image = await scene.service.upload("a.png", NSFW);
    assert.equal(image.label, "nsfw");
    const loaded = [];
    page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
    await page.goto(new URL(image.url).pathname);
    await page.getByText("may not be safe for work").waitFor();
    await screenshot(page, "warning");
    assert.deepEqual(loaded.filter((path) => path.startsWith("/i/")), []);
    await page.getByText("Show this image").click();
    await isDrawn(page.locator(".stage img"));
  }));

test("the warning can be turned off and on again", () =>
  scene.visit(async (page, context) => {
    const image = await scene.service.upload("a.png", NSFW);
    await page.goto(new URL(image.url).pathname);
    assert.deepEqual(await context.cookies(), []);
    await page.getByText("Never warn me here").click();
    await isDrawn(page.locator(".stage img"));
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.name, cookie.value], ["nsfw_filter", "off"]);
    await page.getByText("Warn me again").click();
    await page.getByText("may not be safe for work").waitFor();
  }));

test("the deletion link asks, then deletes", () =>
  scene.visit(async (page) => {
    const image = await scene.service.upload("a.jpg", SAFE);
    const sent = [];
    page.on("request", (request) => sent.push(request.url()));
    await page.goto(image.delete_url.replace(scene.service.origin, ""));
    assert.equal(await page.inputValue("[data-token]"), image.delete_token);
    assert.ok(!page.url().includes(image.delete_token), "the token left the address");
    assert.ok(!sent.some((url) => url.includes(image.delete_token)), "no server saw it");
    await screenshot(page, "delete");
    assert.equal((await fetch(image.direct_url)).status, 200);
    await page.getByRole("button", { name: "Delete the image" }).click();
    await page.getByText("The image is deleted").waitFor();
    assert.equal((await fetch(image.direct_url)).status, 404);
  }));

test("the theme follows the device until one is chosen, and stays chosen", () =>
  scene.visit(async (page, context) => {
    const background = () =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.goto("/");
    const light = await background();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await background();
    assert.notEqual(light, dark);
    await screenshot(page, "home-dark");
    const saved = page.waitForResponse((answer) => answer.url().endsWith("/preferences"));
    await page.locator("[data-theme-form] button[value=light]").click();
    assert.equal(await background(), light);
    await saved;
    await page.reload();
    assert.equal(await background(), light);
    const names = (await context.cookies()).map((cookie) => cookie.name);
    assert.deepEqual(names, ["theme"]);
  }, { colorScheme: "light" }));

for (const [device, width] of [["phone", 360], ["desktop", 1280]]) {
  test(`no page is wider than a ${device}`, () =>
    scene.visit(async (page) => {
      const image = await scene.service.upload("a.jpg", SAFE);
      for (const path of ["/", new URL(image.url).pathname, `/d/${image.id}`]) {
        await page.goto(path);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
      }
      await screenshot(page, `delete-${device}`);
    }, { viewport: { width, height: 800 } }));
}

// Waits until the picture has pixels.
async function isDrawn(picture) {
  await picture.waitFor();
  await picture.evaluate((element) => element.decode());
  assert.ok(await picture.evaluate((element) => element.naturalWidth > 0));
}
