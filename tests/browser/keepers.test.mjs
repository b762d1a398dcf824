// The pages of those who keep the hash bank and the rules, without JavaScript and on
// a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, queueing, seeded } from "./queueing.mjs";
import { join } from "./staff.mjs";
import { screenshot } from "./visitor.mjs";

const HASH = `sha256:${"0".repeat(64)}`;

let scene;
before(async () => {
  scene = await queueing();
});
after(() => scene.close());

async function fits(page) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= PHONE.viewport.width, `${page.url()} is ${width} px wide`);
}

test("the hash bank is kept without scripts, on a phone", () =>
  scene.visit(async (page) => {
    await join(page, scene.service, "senior-moderator", "bea");
    await page.getByRole("link", { name: "Hash bank" }).click();
    await page.getByText("No hash is there.").waitFor();
    await page.fill("#hash", HASH);
    await page.selectOption("#policy", "refuse");
    await page.selectOption("#against", "illegal");
    await page.fill("#reason", "a shared list");
    await page.getByRole("button", { name: "Add it" }).click();
    await page.getByText("a shared list").waitFor();
    await page.getByText("0 uploads refused").waitFor();
    await fits(page);
    await screenshot(page, "bank-phone");
    await page.fill("#q", "f".repeat(64));
    await page.getByRole("button", { name: "Look" }).click();
    await page.getByText("Nothing there matches.").waitFor();
    await page.getByRole("link", { name: "All of them" }).click();
    await page.getByRole("link", { name: "Take off…" }).click();
    await page.getByRole("heading", { name: "Take this hash off?" }).waitFor();
    await fits(page);
    await screenshot(page, "bank-take-off-phone");
    await page.fill("#reason", "listed by a slip");
    await page.getByRole("button", { name: "Take it off" }).click();
    await page.getByText("No hash is there.").waitFor();
  }, { ...PHONE, javaScriptEnabled: false }));

test("rules are checked, previewed and put in force without scripts", () =>
  scene.visit(async (page) => {
    await seeded(scene, 5);
    await join(page, scene.service, "senior-moderator", "rue");
    await page.getByRole("link", { name: "Rules" }).first().click();
    await page.getByText("There are none.").waitFor();
    await page.fill("#rules", "[[rules]]");
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByRole("alert").waitFor();
    await page.fill("#rules", '[[rules]]\nname = "moving"\noutcome = "review"\nwhen = { frames = { at-least = 2 } }');
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("1 rule: they can be used.").waitFor();
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText(/(public|nsfw) → review: 1/).waitFor();
    await fits(page);
    await screenshot(page, "rules-preview-phone");
    await page.getByRole("button", { name: "Put these in force" }).click();
    await page.locator(".rules strong", { hasText: "moving" }).waitFor();
    await screenshot(page, "rules-phone");
  }, { ...PHONE, javaScriptEnabled: false, expectedErrors: [/422/] }));
