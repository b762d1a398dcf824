// Cookies and other hosts, before and after a choice (P5, P10).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FIXTURES } from "./service.mjs";
import { Scene, screenshot } from "./visitor.mjs";

const SAFE = readFileSync(join(FIXTURES, "scene.jpg"));
const ESSENTIAL = ["theme", "nsfw_filter", "policy_seen", "consent"];
const DOCUMENTS = [
  "privacy", "terms", "content", "copyright", "cookies", "processors", "contact", "transparency",
];

let scene;
before(async () => {
  scene = await Scene.open({
    IMGSHARE_SITE_ASKS_FOR_ANALYTICS: "true",
    IMGSHARE_ADVERTISING_PROVIDER: "adsense",
    IMGSHARE_ADVERTISING_CLIENT: "ca-pub-1234567890123456",
    IMGSHARE_ADVERTISING_SLOT: "1234567890",
  });
});
after(() => scene.close());

// Scene.visit itself fails on every request to another host.
test("p05 before a choice there is no cookie and no other host", () =>
  scene.visit(async (page, context) => {
    const image = await scene.service.upload("a.jpg", SAFE);
    const paths = ["/", new URL(image.url).pathname, ...DOCUMENTS.map((name) => `/${name}`)];
    for (const path of paths) {
      await page.goto(path, { waitUntil: "networkidle" });
      assert.equal(await page.locator("[data-consent]").count(), 1, path);
      assert.deepEqual(await context.cookies(), [], path);
      const kept = await page.evaluate(() => localStorage.length + sessionStorage.length);
      assert.equal(kept, 0, path);
    }
    await screenshot(page, "consent");
  }));

test("no document is wider than a phone, and no column narrower than its words", () =>
  scene.visit(async (page) => {
    for (const name of [...DOCUMENTS, "promises", "privacy/data"]) {
      await page.goto(`/${name}`);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${name} is ${wider} pixels too wide`);
    }
    await page.goto("/cookies");
    const kind = page.getByRole("columnheader", { name: "Kind" }).first();
    const { height } = await kind.boundingBox();
    assert.ok(height < 50, `"Kind" takes ${height} pixels, more than a line`);
  }, { viewport: { width: 360, height: 740 } }));

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`p05 refusing takes one click, like accepting, ${how} JavaScript`, () =>
    scene.visit(async (page, context) => {
      await page.goto("/");
      const [refuse, accept] = await Promise.all(
        ["Refuse", "Accept"].map((name) =>
          page.getByRole("button", { name, exact: true }).boundingBox(),
        ),
      );
      assert.equal(refuse.width, accept.width);
      assert.equal(refuse.height, accept.height);
      await page.getByRole("button", { name: "Refuse", exact: true }).click();
      await page.locator("[data-consent]").waitFor({ state: "detached" });
      const [cookie, ...others] = await context.cookies();
      assert.deepEqual([cookie.name, cookie.value, others.length], ["consent", "none", 0]);
      const image = await scene.service.upload("a.jpg", SAFE);
      await page.goto(new URL(image.url).pathname, { waitUntil: "networkidle" });
      assert.equal(await page.locator("[data-consent]").count(), 0);
    }, { javaScriptEnabled }));
}

test("p05 a choice can be changed at any time, without JavaScript", () =>
  scene.visit(async (page, context) => {
    const value = async () => (await context.cookies()).find(({ name }) => name === "consent").value;
    await page.goto("/cookies");
    await page.getByRole("checkbox", { name: /^Analytics/ }).check();
    await page.getByRole("button", { name: "Save what is ticked" }).click();
    await page.getByText("At present you allow analytics.").waitFor();
    assert.equal(await value(), "analytics");
    await screenshot(page, "cookies");
    await page.getByRole("button", { name: "Refuse all" }).click();
    await page.getByText("At present you allow nothing").waitFor();
    assert.equal(await value(), "none");
    const names = (await context.cookies()).map(({ name }) => name);
    assert.ok(names.every((name) => ESSENTIAL.includes(name)), names.join());
  }, { javaScriptEnabled: false }));

test("p10 Global Privacy Control is a refusal, and nobody asks", () =>
  scene.visit(async (page, context) => {
    const image = await scene.service.upload("a.jpg", SAFE);
    await context.addCookies([
      { name: "consent", value: "all", url: scene.service.origin },
    ]);
    await page.goto(new URL(image.url).pathname, { waitUntil: "networkidle" });
    assert.equal(await page.locator("[data-consent]").count(), 0);
    await page.goto("/cookies");
    await page.getByText("Your browser sends Global Privacy Control").waitFor();
    const published = await page.request.get("/.well-known/gpc.json");
    assert.equal((await published.json()).gpc, true);
  }, { extraHTTPHeaders: { "Sec-GPC": "1" } }));

for (const [device, width] of [["phone", 360], ["desktop", 1280]]) {
  test(`p26 every document fits a ${device}`, () =>
    scene.visit(async (page) => {
      for (const name of DOCUMENTS) {
        await page.goto(`/${name}`);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(overflow <= 0, `${name} is ${overflow} px too wide`);
        await screenshot(page, `${name}-${device}`);
      }
    }, { viewport: { width, height: 800 } }));
}
