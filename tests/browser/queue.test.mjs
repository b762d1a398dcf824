// The queue: two moderators at once by keyboard, the grid, the figures.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join as joined } from "node:path";
import { after, before, test } from "node:test";
import { FIXTURES } from "./service.mjs";
import { gif, png } from "./pictures.mjs";
import { join } from "./staff.mjs";
import { Scene, screenshot } from "./visitor.mjs";

const IMAGES = Number(process.env.IMGSHARE_TEST_QUEUE ?? 60);
const MEDIAN_MS_MAX = 100;
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };
const FIXED = ["scene.jpg", "pattern_scored_porn.png", "pattern_scored_sexy.png", "pattern_scored_hentai.png"];

let scene;
before(async () => {
  // Everything that passes is drawn, so that every upload is queued.
  scene = await Scene.open({ IMGSHARE_MODERATION_SAMPLE_RATE: "1" });
});
after(() => scene.close());

async function seed(n) {
  const ids = [];
  for (const name of FIXED) ids.push(await scene.service.upload(name, readFileSync(joined(FIXTURES, name))));
  ids.push(await scene.service.upload("moving.gif", gif()));
  for (let each = ids.length; each < n; each += 1) {
    ids.push(await scene.service.upload(`${each}.png`, png(each)));
  }
  return ids.map(({ id }) => id);
}

const stage = (page) => page.locator("[data-stage]");
const shown = (page) => stage(page).getAttribute("data-image");
const whenShown = (page) => page.locator("[data-stage][data-image]").waitFor();

// Notes for every decision how long it took from the key to the next image on
// the screen.
async function watch(page) {
  await page.evaluate(() => {
    const stage = document.querySelector("[data-stage]");
    window.taken = [];
    let since = null;
    addEventListener("keydown", (event) => (since = event.timeStamp), { capture: true });
    new MutationObserver(() => {
      const begun = since;
      since = null;
      if (begun === null || !stage.dataset.image) return;
      requestAnimationFrame(() => window.taken.push(performance.now() - begun));
    }).observe(stage, { attributes: true, attributeFilter: ["data-image"] });
  });
}

// What a moderator does with the n-th image.
function keysOf(n) {
  if (n % 17 === 16) return ["e", "1"];
  if (n % 7 === 6) return ["r", String(1 + (n % 9))];
  return n % 3 === 2 ? ["n"] : ["s"];
}

// Works until nothing waits; `between` may look at the page after each image.
async function work(page, between = async () => {}) {
  const decided = [];
  for (;;) {
    const image = await Promise.race([
      whenShown(page).then(() => shown(page)),
      page.getByText("Nothing waits").waitFor().then(() => null),
    ]);
    if (!image) return decided;
    for (const key of keysOf(decided.length)) await page.keyboard.press(key);
    decided.push(image);
    await page.waitForFunction((known) => document.querySelector("[data-stage]").dataset.image !== known, image);
    await between(decided.length);
  }
}

const remindAfter = (images) =>
  localStorage.setItem("staff-breaks", JSON.stringify({ minutes: 600, images }));

const untilSent = (page) =>
  page.waitForFunction(() => document.querySelector("[data-unsent]").textContent === "");

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

// The JSON of the API, as the page's own script would fetch it.
const fetched = (page, path) => page.evaluate(async (path) => (await fetch(path)).json(), path);

test("one image is shown veiled, then as asked for", () =>
  scene.visit(async (page) => {
    await seed(6);
    await join(page, scene.service, "moderator", "vera");
    const asked = [];
    page.on("request", (request) => {
      const { pathname, search } = new URL(request.url());
      if (pathname.startsWith("/staff/preview/") || pathname.startsWith("/i/")) asked.push(pathname + search);
    });
    await page.goto("/staff/queue");
    await whenShown(page);
    await page.locator(".scores").waitFor();
    await page.locator("[data-kin] p").first().waitFor();
    assert.ok(asked.length > 0 && asked.every((path) => path.endsWith("?look=veiled")), asked.join());
    await screenshot(page, "queue-veiled");

    // The harmful ones come first; this one has scores that say so.
    await page.keyboard.press(" ");
    await page.waitForFunction(() => document.querySelector("[data-stage] img")?.naturalWidth > 0);
    assert.ok(asked.at(-1).endsWith("?look=clear"));
    await screenshot(page, "queue-shown");
    await page.keyboard.press(" ");
    assert.equal(await stage(page).getAttribute("data-look"), "veiled");

    const answer = await page.request.get(`/staff/preview/${await shown(page)}`);
    assert.equal(answer.headers()["cache-control"], "no-store");
    assert.equal(answer.headers()["content-type"], "image/jpeg");

    await page.keyboard.press("?");
    await page.getByRole("heading", { name: "Keys" }).waitFor();
    await screenshot(page, "queue-keys");
    await page.keyboard.press("Escape");
    await page.keyboard.press("r");
    await page.getByRole("heading", { name: "Remove, against" }).waitFor();
    await screenshot(page, "queue-remove");
    await page.keyboard.press("Escape");

    const first = await shown(page);
    await page.keyboard.press("s");
    assert.notEqual(await shown(page), first);
    await page.keyboard.press("u");
    await page.waitForFunction((first) => document.querySelector("[data-stage]").dataset.image === first, first);

    await page.keyboard.press("v");
    await page.waitForFunction(() => document.querySelector("[data-stage] img").dataset.veil === "medium");
    await page.waitForFunction(() => document.querySelector("[data-stage] img").complete);
    await screenshot(page, "queue-medium");
    await page.keyboard.press("i");
    await page.getByText("Nothing that is stored is alike.").waitFor();
  }));

test("a removal says why, in a moderator's words, by keyboard alone", () =>
  scene.visit(async (page) => {
    await seed(6);
    await join(page, scene.service, "moderator", "wanda");
    await page.goto("/staff/queue");
    await whenShown(page);
    const first = await shown(page);
    await page.keyboard.press("r");
    await page.keyboard.press("w");
    // Digits are text here, and no policy.
    await page.keyboard.type("sold on 3 sites, s n u");
    await screenshot(page, "queue-words");
    await page.keyboard.press("Enter");
    assert.equal(await shown(page), first);
    await page.keyboard.press("8");
    await page.waitForFunction((first) => document.querySelector("[data-stage]").dataset.image !== first, first);
    // What was begun and left is not said of the next one.
    const next = await shown(page);
    await page.keyboard.press("e");
    await page.keyboard.press("w");
    await page.keyboard.type("left behind");
    await page.keyboard.press("Escape");
    await page.keyboard.press("r");
    await page.keyboard.press("8");
    await untilSent(page);
    const said = async (id) => (await fetched(page, `/api/v1/images/${id}`)).statement;
    assert.deepEqual([(await said(first)).policy, (await said(first)).reason], ["spam", "sold on 3 sites, s n u"]);
    assert.equal((await said(next)).reason, "");
  }, { expectedErrors: [/410/] }));

test("what looks like an image is found with it", () =>
  scene.visit(async (page) => {
    const [one, other] = [
      await scene.service.upload("one.png", png(901)),
      await scene.service.upload("other.png", png(901, 240, 160, true)),
    ];
    await join(page, scene.service, "moderator", "lena");
    for (const [image, alike] of [[one, other], [other, one]]) {
      const kin = await fetched(page, `/staff/api/kin/${image.id}?near=true`);
      assert.deepEqual([kin.n_same, kin.n_near, kin.near[0].image], [0, 1, alike.id]);
      assert.ok(kin.near[0].distance <= 31);
    }
  }));

test("an animation stands still until it is asked to play", () =>
  scene.visit(async (page) => {
    const { id } = await scene.service.upload("moving.gif", gif(96));
    await join(page, scene.service, "moderator", "gus");
    const typeOf = async (look) => {
      const answer = await page.request.get(`/staff/preview/${id}?look=${look}`);
      assert.equal(answer.status(), 200, look);
      return answer.headers()["content-type"];
    };
    for (const look of ["veiled", "small", "clear"]) assert.notEqual(await typeOf(look), "image/gif");
    assert.equal(await typeOf("original"), "image/gif");
  }));

test("what could not be sent is sent later, and what was lost is told", () =>
  scene.visit(async (page, context) => {
    await seed(8);
    await page.addInitScript(remindAfter, 4);
    await join(page, scene.service, "moderator", "olga");
    await page.goto("/staff/queue");
    await whenShown(page);
    await page.waitForFunction(() => document.querySelector(".scores"));
    await context.setOffline(true);
    const first = await shown(page);
    await page.keyboard.press("n");
    await page.keyboard.press("n");
    await page.getByText("2 on their way · no connection").waitFor();
    await screenshot(page, "queue-offline");
    const asked = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    const dialog = await asked;
    assert.equal(dialog.type(), "beforeunload");
    await dialog.dismiss();
    await context.setOffline(false);
    await untilSent(page);
    const job = await fetched(page, `/staff/api/queue/${first}`);
    assert.equal(job.decision.verdict.kind, "nsfw");

    // Its lease is given back behind the page's back.
    await whenShown(page);
    const image = await shown(page);
    await page.evaluate(async (image) => {
      const { lease, version } = await (await fetch(`/staff/api/queue/${image}`)).json();
      const csrf = document.querySelector("[data-desk]").dataset.csrf;
      await fetch(`/staff/api/queue/${image}/release`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": csrf },
        body: JSON.stringify({ lease: lease.token, version }),
      });
    }, image);
    await page.keyboard.press("s");
    // The page may have claimed it anew before the decision came.
    await page.getByText(/went back to the queue undecided|given it anew/).waitFor();
    await page.getByRole("heading", { name: "Time for a break" }).waitFor();
    await screenshot(page, "queue-break");
  }, { expectedErrors: [/ERR_INTERNET_DISCONNECTED/, /409/] }));

test("on a phone there are buttons, and it can be dark", () =>
  scene.visit(async (page) => {
    await join(page, scene.service, "moderator", "paul");
    await page.goto("/staff/queue");
    await whenShown(page);
    await page.locator(".scores").waitFor();
    await screenshot(page, "queue-phone-dark");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= PHONE.viewport.width, `${width} px wide`);
    const first = await shown(page);
    await page.getByRole("button", { name: "Safe" }).tap();
    assert.notEqual(await shown(page), first);
    await untilSent(page);
    const job = await fetched(page, `/staff/api/queue/${first}`);
    assert.equal(job.decision.verdict.kind, "safe");
  }, { ...PHONE, colorScheme: "dark" }));

test("two moderators lose none and decide none twice", { timeout: 600_000 }, () =>
  scene.visit(async (one, context) => {
    const ids = await seed(IMAGES);
    await join(one, scene.service, "moderator", "ann");
    const other = await scene.browser.newContext({ baseURL: scene.service.origin });
    const two = await other.newPage();
    // Nobody here needs a break.
    for (const each of [context, other]) await each.addInitScript(remindAfter, 100_000);
    await join(two, scene.service, "moderator", "ben");
    await Promise.all([one.goto("/staff/queue"), two.goto("/staff/queue")]);
    await Promise.all([watch(one), watch(two)]);
    const decided = await Promise.all([one, two].map((page) => work(page)));
    await Promise.all([untilSent(one), untilSent(two)]);
    const all = decided.flat();
    assert.equal(new Set(all).size, all.length, "an image was decided twice");
    for (const id of ids) assert.ok(all.includes(id), `${id} was lost`);

    const jobs = await Promise.all(all.map((id) => fetched(one, `/staff/api/queue/${id}`)));
    for (const job of jobs) {
      const isPassedOn = job.lane === undefined;
      assert.ok(isPassedOn || job.decision, `${job.image} has no decision`);
    }
    const times = (await Promise.all([one, two].map((page) => page.evaluate(() => window.taken)))).flat();
    const [middle, worst] = [median(times), Math.max(...times)];
    console.log(`key to next image: median ${middle.toFixed(1)} ms, worst ${worst.toFixed(1)} ms, ${times.length} decisions`);
    assert.ok(middle < MEDIAN_MS_MAX, `${middle} ms`);
    await other.close();
    await checkAudit(all);
    // What was passed on is not for moderators to look up.
  }, { expectedErrors: [/404/] }));

// Every image has one decision in the audit.
async function checkAudit(ids) {
  await scene.visit(async (page) => {
    await join(page, scene.service, "admin", "boss");
    for (const id of ids) {
      const html = await page.evaluate(async (id) => (await fetch(`/staff/audit?subject=${id}`)).text(), id);
      const made = html.match(/image-(marked-safe|marked-nsfw|removed|escalated)/g) ?? [];
      const undone = html.match(/decision-undone/g) ?? [];
      assert.equal(made.length - undone.length, 1, `${id}: ${made}`);
    }
    await page.goto("/staff/learning");
    await page.getByRole("heading", { name: "What if" }).waitFor();
    await page.locator("input[type=range][name=explicit]").fill("0.3");
    await page.waitForFunction(() => document.querySelector("[data-shown=explicit]").textContent === "0.30");
    await screenshot(page, "learning");
  });
}

test("many are decided at once by who may", () =>
  scene.visit(async (page) => {
    await seed(14);
    await join(page, scene.service, "senior-moderator", "sam");
    await page.goto("/staff/grid");
    await page.getByRole("button", { name: "Take up to 100" }).click();
    await page.locator(".tile").nth(5).waitFor();
    await page.locator(".tile img").first().evaluate((picture) => picture.decode());
    for (const place of [1, 2, 3]) await page.locator(".tile").nth(place).click();
    await screenshot(page, "grid");
    await page.keyboard.press("r");
    await page.keyboard.press("8");
    await page.getByText("remove as spam: 3 images?").waitFor();
    await screenshot(page, "grid-confirm");
    await page.getByRole("button", { name: "Decide them" }).click();
    await page.getByText("3 decided").waitFor();
    await page.getByRole("button", { name: "Give the rest back" }).click();
    await page.getByText("0 of 0 chosen").waitFor();
    await page.goto("/staff/learning");
    await page.getByRole("heading", { name: "What if" }).waitFor();
    await screenshot(page, "learning-senior");
  }));

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
    await page.getByText("remove as spam:").waitFor();
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

test("without JavaScript images are decided one form at a time", () =>
  scene.visit(async (page) => {
    await join(page, scene.service, "moderator", "nora");
    await page.goto("/staff/queue");
    await page.getByRole("button", { name: "Everybody's queue" }).click();
    await page.getByText("Score").waitFor();
    await screenshot(page, "queue-plain");
    await page.getByRole("button", { name: "Nsfw" }).click();
    await page.getByText("The last one was marked nsfw.").waitFor();
    await page.getByRole("button", { name: "Stop here" }).click();
    await page.getByText("Nothing is claimed.").waitFor();
  }, { javaScriptEnabled: false }));
