// What was typed outlives the second factor that is asked for in between: the browser
// itself sends the form on.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { after, before, test } from "node:test";
import { join, totp } from "./staff.mjs";
import { Scene, screenshot } from "./visitor.mjs";

// The factor is fresh for five minutes; in six there are twelve of its steps.
const AHEAD_MS = 6 * 60_000;
const AHEAD_STEPS = 12;

const rules = (name) =>
  `# kept with its lines\n[[rules]]\nname = "${name}"\noutcome = "review"\nwhen = { frames = { at-least = 2 } }`;

let folder, clock, scene;
before(async () => {
  folder = mkdtempSync(path(tmpdir(), "imgshare-clock-"));
  clock = path(folder, "ahead");
  writeFileSync(clock, "0");
  scene = await Scene.open({ IMGSHARE_CLOCK_FILE: clock });
});
after(async () => {
  await scene.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`rules are put in force after the second factor, ${how} scripts`, () =>
    scene.visit(async (page) => {
      writeFileSync(clock, "0");
      const secret = await join(page, scene.service, "senior-moderator", `kim-${how}`);
      await page.goto("/staff/rules");
      await page.fill("#rules", rules(`moving-${how}`));
      await page.getByRole("button", { name: "Preview" }).click();
      await page.getByText("Nothing would change.").waitFor();
      writeFileSync(clock, String(AHEAD_MS));
      // Whoever plans lets the service look at its clock at once.
      scene.service.command("retention", "plan");
      const heading = page.getByRole("heading", { name: "Your second factor again" });
      await page.getByRole("button", { name: "Put these in force" }).click();
      await heading.waitFor();
      await screenshot(page, `step-up-${how}-scripts`);
      await page.fill("#code", "000000");
      await page.getByRole("button", { name: "Go on" }).click();
      await page.getByRole("alert").waitFor();
      await page.fill("#code", totp(secret, AHEAD_STEPS));
      await page.getByRole("button", { name: "Go on" }).click();
      await page.locator(".rules strong", { hasText: `moving-${how}` }).waitFor();
      assert.equal(new URL(page.url()).pathname, "/staff/rules");
      assert.equal(new URL(page.url()).search, "");
    }, { javaScriptEnabled, expectedErrors: [/403/] }));
}
