// Scores raw RGB8 pictures with nsfwjs itself and prints one JSON object a line.
// Usage: node score.mjs [--model ID] FILE:WIDTHxHEIGHT...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { load } from "nsfwjs/core";
import { InceptionV3Model } from "nsfwjs/models/inception_v3";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";
import { MobileNetV2MidModel } from "nsfwjs/models/mobilenet_v2_mid";

const CLASSES = ["drawing", "hentai", "neutral", "porn", "sexy"];

const MODELS = {
  mobilenet_v2: ["MobileNetV2", MobileNetV2Model],
  mobilenet_v2_mid: ["MobileNetV2Mid", MobileNetV2MidModel],
  inception_v3: ["InceptionV3", InceptionV3Model],
};

const pictures = process.argv.slice(2);
const id = pictures[0] === "--model" ? pictures.splice(0, 2)[1] : "mobilenet_v2";
const [name, definition] = MODELS[id];

const require = createRequire(import.meta.url);
setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
await tf.setBackend("wasm");
// nsfwjs greets on stdout, which carries the scores here.
console.info = () => {};
const nsfw = await load(name, { modelDefinitions: [definition] });

for (const argument of pictures) {
  const [, file, width, height] = /^(.*):(\d+)x(\d+)$/.exec(argument);
  const pixels = new Uint8Array(readFileSync(file));
  const scores = tf.tidy(() => {
    const picture = tf.tensor3d(pixels, [Number(height), Number(width), 3], "int32");
    return nsfw.infer(picture).dataSync();
  });
  const named = CLASSES.map((name, index) => [name, scores[index]]);
  console.log(JSON.stringify(Object.fromEntries(named)));
}
