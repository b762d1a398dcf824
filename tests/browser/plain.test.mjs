// The same without JavaScript: one file, start to end.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIXTURES } from "./service.mjs";
import { Scene, screenshot } from "./visitor.mjs";

let scene;
before(async () => (scene = await Scene.open()));
after(() => scene.close());

test("without JavaScript a file is uploaded, seen and deleted", () =>
  scene.visit(async (page) => {
    await page.goto("/");
    await screenshot(page, "plain-home");
    await page.setInputFiles("input[type=file]", join(FIXTURES, "scene.jpg"));
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    await page.getByText("Your image is online").waitFor();
    await screenshot(page, "plain-uploaded");
    const value = (kind) => page.locator(`[data-snippet=${kind}]`).inputValue();
    const [link, deletion] = [await value("link"), await value("delete")];

    await page.goto(new URL(link).pathname);
    await page.locator(".stage img").waitFor();
    const { pathname, hash } = new URL(deletion);
    await page.goto(pathname);
    await page.fill("input[name=token]", hash.slice(1));
    await page.getByRole("button", { name: "Delete the image" }).click();
    await page.getByText("The image is deleted").waitFor();
    assert.equal((await fetch(link)).status, 404);
  }, { javaScriptEnabled: false }));

test("without JavaScript the theme can still be chosen", () =>
  scene.visit(async (page) => {
    await page.goto("/");
    await page.locator("[data-theme-form] button[value=dark]").click();
    await page.locator("html[data-theme=dark]").waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
  }, { javaScriptEnabled: false }));
