// Members of the staff for tests: invited from the command line, with an app.
import { createHmac } from "node:crypto";

export const PASSWORD = "a long passphrase";

// The path of a new invitation.
export function invite(service, role) {
  const printed = service.command("admin", "invite", "--role", role);
  return new URL(printed.split("\n")[0]).pathname;
}

// The code that an app with this secret shows, `steps` of thirty seconds from now.
export function totp(secret, steps = 0) {
  const bits = [...secret.replaceAll(" ", "")]
    .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 0xf) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

// Opens an invitation and chooses name and password.
export async function choose(page, path, login) {
  await page.goto(path);
  await page.fill("#login", login);
  await page.fill("#password", PASSWORD);
  await page.fill("#again", PASSWORD);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Enrol a second factor" }).waitFor();
}

// Joins and is logged in. Returns the app's secret.
export async function join(page, service, role, login) {
  await choose(page, invite(service, role), login);
  const secret = await page.locator("[data-secret]").innerText();
  await page.fill("#code", totp(secret));
  await page.getByRole("button", { name: "Enrol the app" }).click();
  await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByText("keep your own account").waitFor();
  return secret;
}

// Logs in with a password and the app's next code.
export async function logIn(page, login, secret) {
  await page.goto("/staff/login");
  await page.fill("#login", login);
  await page.fill("#password", PASSWORD);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.fill("#code", totp(secret, 1));
  await page.getByRole("button", { name: "Go on" }).first().click();
  await page.getByText("keep your own account").waitFor();
}
