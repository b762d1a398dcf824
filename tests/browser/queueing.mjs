// A service with a queue, for the tests of the staff's pages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gif, png } from "./pictures.mjs";
import { FIXTURES } from "./service.mjs";
import { Scene } from "./visitor.mjs";

const FIXED = ["scene.jpg", "pattern_scored_porn.png", "pattern_scored_sexy.png", "pattern_scored_hentai.png"];

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true };

// Everything that passes is drawn, so that every upload is queued.
export const queueing = () => Scene.open({ IMGSHARE_MODERATION_SAMPLE_RATE: "1" });

// Uploads `n` images, at least five, and gives their ids.
export async function seeded(scene, n) {
  const ids = [];
  for (const name of FIXED) ids.push(await scene.service.upload(name, readFileSync(join(FIXTURES, name))));
  ids.push(await scene.service.upload("moving.gif", gif()));
  for (let each = ids.length; each < n; each += 1) {
    ids.push(await scene.service.upload(`${each}.png`, png(each)));
  }
  return ids.map(({ id }) => id);
}
