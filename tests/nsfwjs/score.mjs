// Scores raw RGB8 pictures with nsfwjs itself and prints one JSON object a line.
// Usage: node score.mjs FILE:WIDTHxHEIGHT...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { load } from "nsfwjs/core";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";

const CLASSES = ["drawing", "hentai", "neutral", "porn", "sexy"];

const require = createRequire(import.meta.url);
setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
await tf.setBackend("wasm");
// nsfwjs greets on stdout, which carries the scores here.
console.info = () => {};
const nsfw = await load("MobileNetV2", { modelDefinitions: [MobileNetV2Model] });

for (const argument of process.argv.slice(2)) {
  const [, file, width, height] = /^(.*):(\d+)x(\d+)$/.exec(argument);
  const pixels = new Uint8Array(readFileSync(file));
  const scores = tf.tidy(() => {
    const picture = tf.tensor3d(pixels, [Number(height), Number(width), 3], "int32");
    return nsfw.infer(picture).dataSync();
  });
  const named = CLASSES.map((name, index) => [name, scores[index]]);
  console.log(JSON.stringify(Object.fromEntries(named)));
}
