// The grid: many images at once, and the figures of those who decide.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PHONE, queueing, seeded } from "./queueing.mjs";
import { join } from "./staff.mjs";
import { screenshot } from "./visitor.mjs";

let scene;
before(async () => {
  scene = await queueing();
});
after(() => scene.close());

const seed = (n) => seeded(scene, n);

test("many are decided at once by who may", () =>
  scene.visit(async (page) => {
    await seed(14);
    await join(page, scene.service, "senior-moderator", "sam");
    await page.goto("/staff/grid");
    await page.keyboard.press("t");
    await page.locator(".tile").nth(5).waitFor();
    await page.locator(".tile img").first().evaluate((picture) => picture.decode());
    const focused = () => page.evaluate(() => [...document.querySelectorAll(".tile")].indexOf(document.activeElement));
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), 0);
    for (const place of [1, 2, 3]) {
      await page.keyboard.press("ArrowRight");
      assert.equal(await focused(), place);
      await page.keyboard.press(" ");
    }
    await page.keyboard.press("ArrowLeft");
    assert.equal(await focused(), 2);
    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    await screenshot(page, "grid-keys");
    await page.keyboard.press("Escape");
    await screenshot(page, "grid");

    // What was ticked and left is not meant for the next ones.
    const ban = page.locator("[data-dialog=remove] [data-ban]");
    await page.keyboard.press("r");
    await page.keyboard.press("b");
    assert.ok(await ban.isChecked());
    await page.keyboard.press("8");
    await page.getByText("remove as “Spam and fraud”, and refuse what looks like them from now on: 3 images?").waitFor();
    await page.getByText("This is a ban").waitFor();
    await screenshot(page, "grid-ban");
    await page.keyboard.press("Escape");
    // What was begun and left is not meant for the next ones either.
    const why = page.locator("[data-dialog=remove] [data-words]");
    await page.keyboard.press("r");
    await page.keyboard.press("w");
    await page.keyboard.type("begun");
    await page.keyboard.press("Escape");
    await page.keyboard.press("r");
    assert.equal(await why.inputValue(), "");
    assert.ok(!(await ban.isChecked()));
    await page.keyboard.press("w");
    await page.keyboard.type("8 adverts");
    await screenshot(page, "grid-why");
    await page.keyboard.press("Enter");
    await page.keyboard.press("8");
    await page.getByText("remove as “Spam and fraud”: 3 images?").waitFor();
    await page.getByText("Why: “8 adverts”").waitFor();
    assert.ok(!(await page.getByText("This is a ban").isVisible()));
    await screenshot(page, "grid-confirm");
    await page.getByRole("button", { name: "Decide them" }).click();
    await page.getByText("3 decided").waitFor();
    const decided = await page.request.get("/staff/decided");
    assert.ok((await decided.text()).includes("8 adverts"), "it is said to whoever asks");
    const left = await page.locator(".tile").count();
    await page.keyboard.press("u");
    await page.getByText("3 taken back").waitFor();
    assert.equal(await page.locator(".tile").count(), left + 3);
    await page.keyboard.press("g");
    await page.getByText("0 of 0 chosen").waitFor();
    await page.goto("/staff/learning");
    await page.getByRole("heading", { name: "What if" }).waitFor();
    await screenshot(page, "learning-senior");
    await page.getByRole("button", { name: "Preview" }).click();
    const answer = page.getByText("They would change");
    await answer.waitFor();
    assert.ok(await answer.evaluate((line) => {
      const { top, bottom } = line.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    }), "the answer is on the screen");
    await screenshot(page, "learning-preview");
  }));

test("on a phone the grid can be taken", () =>
  scene.visit(async (page) => {
    await join(page, scene.service, "senior-moderator", "pia");
    await page.goto("/staff/grid");
    const box = await page.locator("[data-take]").boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= PHONE.viewport.width, JSON.stringify(box));
    assert.ok(box.y + box.height <= PHONE.viewport.height);
    await page.locator("[data-take]").tap();
    await page.locator(".tile").first().waitFor();
    await screenshot(page, "grid-phone");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= PHONE.viewport.width, `${width} px wide`);
  }, PHONE));

test("to remove many, the second factor is shown once more, by keyboard alone", () =>
  scene.visit(async (page, context) => {
    await seed(6);
    await join(page, scene.service, "senior-moderator", "kay");
    let asked = 0;
    const stale = { status: 403, contentType: "application/problem+json" };
    const problem = JSON.stringify({ title: "Your second factor is needed again", code: "staff-step-up-needed" });
    // As the service answers whose second factor is older than some minutes.
    await page.route("**/staff/api/queue/decide", (route) =>
      asked++ === 0 ? route.fulfill({ ...stale, body: problem }) : route.continue(),
    );
    await page.goto("/staff/grid");
    await page.locator("[data-take]").press("Enter");
    await page.locator(".tile").nth(5).waitFor();
    for (const key of ["a", "r", "8"]) await page.keyboard.press(key);
    await page.getByText("remove as “Spam and fraud”:").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Your second factor, once more" }).waitFor();
    await screenshot(page, "grid-step-up");
    const opened = context.waitForEvent("page");
    await page.keyboard.press("Enter");
    const factor = await opened;
    await factor.getByRole("heading", { name: "Your second factor again" }).waitFor();
    await factor.close();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText(/^\d+ decided$/).waitFor();
    assert.equal(asked, 2);
    await page.getByText("0 of 0 chosen").waitFor();
  }, { expectedErrors: [/403/] }));
