// The queue: two moderators at once by keyboard.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gif, png } from "./pictures.mjs";
import { PHONE, queueing, seeded } from "./queueing.mjs";
import { join, logIn } from "./staff.mjs";
import { screenshot } from "./visitor.mjs";

const IMAGES = Number(process.env.IMGSHARE_TEST_QUEUE ?? 60);
const MEDIAN_MS_MAX = 100;

let scene;
before(async () => {
  scene = await queueing();
});
after(() => scene.close());

const seed = (n) => seeded(scene, n);
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
    await whenShown(page);
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

    // Its lease is given back behind the page's back: nobody was faster, so the
    // decision counts under a new one.
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
    await untilSent(page);
    const mended = await fetched(page, `/staff/api/queue/${image}`);
    assert.equal(mended.decision.verdict.kind, "safe");
    await page.getByRole("heading", { name: "Time for a break" }).waitFor();
    await screenshot(page, "queue-break");
  }, { expectedErrors: [/ERR_INTERNET_DISCONNECTED/, /409/] }));

test("a decision outlives its session, and nobody else's takes it over", () =>
  scene.visit(async (page, context) => {
    await seed(8);
    const secret = await join(page, scene.service, "moderator", "lars");
    await page.goto("/staff/queue");
    await whenShown(page);
    const image = await shown(page);
    const other = await context.newPage();
    await other.goto("/staff");
    await other.getByRole("button", { name: "Log out" }).click();
    await other.getByRole("heading", { name: "Staff" }).waitFor();
    await page.keyboard.press("n");
    await page.getByText("1 on their way · log in again in another window").waitFor();
    await screenshot(page, "queue-logged-out");
    // Somebody else does not decide in this name.
    await join(other, scene.service, "moderator", "mona");
    await page.getByText(/is logged in now; log in as/).waitFor();
    await other.getByRole("button", { name: "Log out" }).click();
    await other.getByRole("heading", { name: "Staff" }).waitFor();
    await logIn(other, "lars", secret);
    await untilSent(page);
    const job = await fetched(page, `/staff/api/queue/${image}`);
    const me = await page.locator("[data-desk]").getAttribute("data-me");
    assert.deepEqual([job.decision.verdict.kind, job.decision.by], ["nsfw", me]);
    // The keys after it count as well.
    await whenShown(page);
    const next = await shown(page);
    await page.keyboard.press("s");
    await untilSent(page);
    assert.equal((await fetched(page, `/staff/api/queue/${next}`)).decision.verdict.kind, "safe");
  }, { expectedErrors: [/401/, /403/, /409/] }));

test("what was decided can be undone after the page is gone", () =>
  scene.visit(async (page) => {
    await seed(8);
    await join(page, scene.service, "moderator", "dora");
    await page.goto("/staff/queue");
    await whenShown(page);
    const first = await shown(page);
    await page.keyboard.press("s");
    await page.waitForFunction((first) => document.querySelector("[data-stage]").dataset.image !== first, first);
    await whenShown(page);
    const second = await shown(page);
    for (const key of ["e", "2"]) await page.keyboard.press(key);
    await untilSent(page);
    await whenShown(page);
    const third = await shown(page);
    // What child safety has stays there, and nothing older is undone instead.
    for (const press of [1, 2]) {
      await page.keyboard.press("u");
      await page.getByText("You have passed it on: it is with child safety").waitFor();
      assert.equal(await shown(page), third, `press ${press}`);
    }
    await screenshot(page, "queue-passed-on");
    await page.reload();
    await whenShown(page);
    await page.keyboard.press("u");
    await page.getByText("You have passed it on: it is with child safety").waitFor();
    assert.equal((await fetched(page, `/staff/api/queue/${first}`)).decision.verdict.kind, "safe");

    // One decision more, and another page.
    const again = await shown(page);
    await page.keyboard.press("n");
    await untilSent(page);
    await page.reload();
    await whenShown(page);
    await page.keyboard.press("u");
    await page.waitForFunction((again) => document.querySelector("[data-stage]").dataset.image === again, again);

    await page.getByRole("link", { name: "Decided" }).first().click();
    await page.getByRole("heading", { name: "Decided" }).waitFor();
    const rows = page.locator(".decided > li");
    assert.equal(await rows.count(), 2);
    await rows.first().getByText("Passed on to child safety").waitFor();
    assert.equal(await rows.first().getByRole("button", { name: "Undo" }).count(), 0);
    assert.equal(await rows.first().locator("img").count(), 0, second);
    await rows.nth(1).locator("img").evaluate((picture) => picture.decode());
    await screenshot(page, "decided");
    await rows.nth(1).getByRole("button", { name: "Undo" }).click();
    await page.getByRole("status").getByText("waits in the queue").waitFor();
    await page.getByRole("link", { name: "Decide it anew" }).click();
    await whenShown(page);
    assert.equal(await shown(page), first);
  }, { expectedErrors: [/404/] }));

test("an empty queue says why, and what is seen is counted once", () =>
  scene.visit(async (page, context) => {
    const counted = () => page.locator("[data-exposure]").innerText();
    await seed(6);
    await join(page, scene.service, "moderator", "emil");
    await page.goto("/staff/queue");
    await whenShown(page);
    const before = Number((await counted()).match(/(\d+) image/)[1]);
    const first = await shown(page);
    for (const key of ["s", "u", "s"]) {
      await page.keyboard.press(key);
      await page.waitForFunction(([first, isBack]) => {
        const { image } = document.querySelector("[data-stage]").dataset;
        return image && (image === first) === isBack;
      }, [first, key === "u"]);
    }
    await page.waitForFunction((n) => document.querySelector("[data-exposure]").textContent.includes(`${n} images`), before + 1);
    assert.match(await counted(), / 0 of them unveiled/);
    await page.locator("select[data-veil]").selectOption("light");
    assert.match(await counted(), / 1 of them unveiled/);
    await page.locator("[name=reason]").selectOption("appeal");
    await page.getByText("Nothing waits that these filters let through.").waitFor();
    await screenshot(page, "queue-filtered");
    await page.getByRole("button", { name: "Without filters" }).click();
    await whenShown(page);
    await page.locator("[name=reason]").selectOption("appeal");
    await page.getByText("Nothing waits that").waitFor();
    await context.setOffline(true);
    await page.locator("[name=reason]").selectOption("rule");
    await page.getByText("Nothing is known of what waits: no connection.").waitFor();
    await context.setOffline(false);
  }, { expectedErrors: [/ERR_INTERNET_DISCONNECTED/] }));

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

test("without JavaScript images are decided one form at a time", () =>
  scene.visit(async (page) => {
    await seed(6);
    await join(page, scene.service, "moderator", "nora");
    await page.goto("/staff/queue");
    await page.getByRole("button", { name: "Everybody's queue" }).click();
    await page.getByText("Score 0").waitFor();
    await screenshot(page, "queue-plain");
    await page.getByRole("button", { name: "Nsfw" }).click();
    await page.getByText("The last one was marked nsfw.").waitFor();
    await page.getByRole("button", { name: "Undo that" }).click();
    await page.getByText("It is taken back. Decide it anew.").waitFor();
    await page.getByRole("button", { name: "Nsfw" }).click();
    await page.getByText("The last one was marked nsfw.").waitFor();
    await page.getByRole("button", { name: "Stop here" }).click();
    await page.getByText("Nothing is claimed.").waitFor();
  }, { javaScriptEnabled: false }));
