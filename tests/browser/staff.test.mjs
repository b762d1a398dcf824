// The staff: joining with an app and with a passkey, logging in with either.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PASSWORD, choose, invite, totp } from "./staff.mjs";
import { Scene, screenshot } from "./visitor.mjs";

const PHONE = { viewport: { width: 390, height: 844 } };

let scene;
before(async () => {
  scene = await Scene.open();
  // Browsers make passkeys for names, not for addresses.
  scene.service.origin = scene.service.origin.replace("127.0.0.1", "localhost");
});
after(() => scene.close());

async function withAuthenticator(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verifies: (isUserVerified) => devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
  };
}

async function sayPassword(page, login) {
  await page.goto("/staff/login");
  await page.fill("#login", login);
  await page.fill("#password", PASSWORD);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Second factor" }).waitFor();
}

test("without JavaScript one joins and logs in with an app", () =>
  scene.visit(async (page, context) => {
    const path = invite(scene.service, "admin");
    await page.goto(path);
    await screenshot(page, "staff-join");
    await choose(page, path, "boss");
    await screenshot(page, "staff-enrol");
    const secret = await page.locator("[data-secret]").innerText();
    await page.fill("#code", totp(secret));
    await page.getByRole("button", { name: "Enrol the app" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    assert.equal(await page.locator(".codes li").count(), 10);
    await screenshot(page, "staff-recovery-codes");
    await page.getByRole("link", { name: "I have kept them" }).click();
    await page.getByText("manage people").waitFor();
    await screenshot(page, "staff-home");
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);

    await page.getByRole("link", { name: "People" }).first().click();
    await page.getByRole("button", { name: "Make an invitation" }).click();
    await page.locator("[data-invitation]").waitFor();
    await screenshot(page, "staff-people");
    await page.getByRole("link", { name: "Audit" }).first().click();
    await page.getByText("staff-invited").first().waitFor();
    await screenshot(page, "staff-audit");
    await page.getByRole("button", { name: "Log out" }).click();

    await page.getByRole("heading", { name: "Staff" }).waitFor();
    await screenshot(page, "staff-login");
    await sayPassword(page, "boss");
    await screenshot(page, "staff-second-factor");
    await page.fill("#code", totp(secret, 1));
    await page.getByRole("button", { name: "Go on" }).first().click();
    await page.getByText("manage people").waitFor();
  }, { javaScriptEnabled: false }));

test("a passkey is enrolled when joining and opens the next session", () =>
  scene.visit(async (page) => {
    await withAuthenticator(page);
    await choose(page, invite(scene.service, "moderator"), "jane");
    await screenshot(page, "staff-enrol-phone");
    await page.fill("#passkey-name", "My phone");
    await page.getByRole("button", { name: "Make a passkey" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    await page.getByRole("link", { name: "I have kept them" }).click();
    await page.getByText("work the queue").waitFor();
    await page.goto("/staff/account");
    await page.getByText("My phone").waitFor();
    await screenshot(page, "staff-account-phone");
    await page.getByRole("button", { name: "Log out", exact: true }).click();

    await sayPassword(page, "jane");
    assert.equal(await page.locator("#code").count(), 0, "no app is enrolled");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByText("work the queue").waitFor();
    await screenshot(page, "staff-home-phone");

    // An app beside it, from the account's page.
    await page.goto("/staff/account/enrol");
    const secret = await page.locator("[data-secret]").innerText();
    await page.fill("#code", totp(secret));
    await page.getByRole("button", { name: "Enrol the app" }).click();
    await page.getByText("Authenticator app").waitFor();
  }, PHONE));

test("a passkey alone opens a session when it verifies its owner", () =>
  scene.visit(async (page) => {
    const authenticator = await withAuthenticator(page);
    await choose(page, invite(scene.service, "moderator"), "joan");
    await page.getByRole("button", { name: "Make a passkey" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    await page.getByRole("link", { name: "I have kept them" }).click();
    await page.getByText("work the queue").waitFor();
    await page.getByRole("button", { name: "Log out", exact: true }).click();

    // Somebody holds the device and is not its owner.
    await page.getByRole("button", { name: "Log in with a passkey" }).waitFor();
    await screenshot(page, "staff-login-passkey-phone");
    await authenticator.verifies(false);
    await page.getByRole("button", { name: "Log in with a passkey" }).click();
    await page.getByText("No passkey was used").waitFor();

    await authenticator.verifies(true);
    await page.goto("/staff/login?to=/staff/account");
    await page.getByRole("button", { name: "Log in with a passkey" }).click();
    await page.getByRole("heading", { name: "Your account" }).waitFor();
    // It counts as the second factor of this session.
    await page.getByRole("button", { name: "New codes" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  }, PHONE));

test("who has another passkey does not get in", () =>
  scene.visit(async (page) => {
    await withAuthenticator(page);
    await sayPassword(page, "jane");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByText("No passkey was used").waitFor();
    await page.goto("/staff");
    await page.getByText("The second factor is still missing.").waitFor();
    await screenshot(page, "staff-refused-dark");
  }, { colorScheme: "dark", expectedErrors: [/401/] }));
