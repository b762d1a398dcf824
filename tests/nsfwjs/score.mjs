// Scores raw RGB8 pictures with nsfwjs itself and prints one JSON object a line.
// Usage: node score.mjs [--model ID] FILE:WIDTHxHEIGHT...
//        node score.mjs [--model ID] --golden
// The second form scores the golden vectors, as models/src/golden.rs generates them.
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

// Name, definition, and the side of the input square.
const MODELS = {
  mobilenet_v2: ["MobileNetV2", MobileNetV2Model, 224],
  mobilenet_v2_mid: ["MobileNetV2Mid", MobileNetV2MidModel, 224],
  inception_v3: ["InceptionV3", InceptionV3Model, 299],
};

// Black, grey, red, blue and a slanted ramp: the byte at column, row and channel.
const PATTERNS = [
  () => 0,
  () => 128,
  (x, y, channel) => (channel === 0 ? 255 : 0),
  (x, y, channel) => (channel === 2 ? 255 : 0),
  (x, y, channel) => (3 * x + 5 * y + 7 * channel) % 256,
];

const pictures = process.argv.slice(2);
const id = pictures[0] === "--model" ? pictures.splice(0, 2)[1] : "mobilenet_v2";
const [name, definition, side] = MODELS[id];

const require = createRequire(import.meta.url);
setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
await tf.setBackend("wasm");
// nsfwjs greets on stdout, which carries the scores here.
console.info = () => {};
const nsfw = await load(name, { modelDefinitions: [definition] });

if (pictures[0] === "--golden") {
  for (const pattern of PATTERNS) {
    const pixels = Uint8Array.from({ length: side * side * 3 }, (_, index) => {
      const place = Math.floor(index / 3);
      return pattern(place % side, Math.floor(place / side), index % 3);
    });
    score(pixels, side, side);
  }
} else {
  for (const argument of pictures) {
    const [, file, width, height] = /^(.*):(\d+)x(\d+)$/.exec(argument);
    score(new Uint8Array(readFileSync(file)), Number(width), Number(height));
  }
}

function score(pixels, width, height) {
  const scores = tf.tidy(() => {
    const picture = tf.tensor3d(pixels, [height, width, 3], "int32");
    return nsfw.infer(picture).dataSync();
  });
  const named = CLASSES.map((name, index) => [name, scores[index]]);
  console.log(JSON.stringify(Object.fromEntries(named)));
}
