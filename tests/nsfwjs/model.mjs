// nsfwjs with one of its models on the wasm backend, as it runs in Node.
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { load } from "nsfwjs/core";
import { InceptionV3Model } from "nsfwjs/models/inception_v3";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";
import { MobileNetV2MidModel } from "nsfwjs/models/mobilenet_v2_mid";

// Name, definition, and the side of the input square.
const MODELS = {
  mobilenet_v2: ["MobileNetV2", MobileNetV2Model, 224],
  mobilenet_v2_mid: ["MobileNetV2Mid", MobileNetV2MidModel, 224],
  inception_v3: ["InceptionV3", InceptionV3Model, 299],
};

// The side of the model's square, and `score`: from RGB8 pixels to five probabilities.
export async function start(id) {
  const [name, definition, side] = MODELS[id];
  const require = createRequire(import.meta.url);
  setWasmPaths(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) + sep);
  await tf.setBackend("wasm");
  // nsfwjs greets on stdout, which carries the scores here.
  console.info = () => {};
  const nsfw = await load(name, { modelDefinitions: [definition] });
  const score = (pixels, width, height) =>
    tf.tidy(() => nsfw.infer(tf.tensor3d(pixels, [height, width, 3], "int32")).dataSync());
  return { side, score };
}
