// Times nsfwjs on pictures of its default model's square, for benches/peers.
// Usage: node measure.mjs FILE, with the RGB8 pixels of pictures back to back.
// Prints their scores as one line of JSON. From then on each line on stdin is a number
// of seconds to work for, and is answered with the images a second.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { start } from "./model.mjs";

const { side, score } = await start("mobilenet_v2");
const bytes = new Uint8Array(readFileSync(process.argv[2]));
const length = side * side * 3;
const pictures = Array.from({ length: bytes.length / length }, (_, index) =>
  bytes.subarray(index * length, (index + 1) * length),
);
console.log(JSON.stringify(pictures.map((pixels) => Array.from(score(pixels, side, side)))));

for await (const line of createInterface({ input: process.stdin })) {
  const milliseconds = Number(line) * 1000;
  const started = performance.now();
  let elapsed = 0;
  let images = 0;
  while (elapsed < milliseconds) {
    score(pictures[images % pictures.length], side, side);
    images += 1;
    elapsed = performance.now() - started;
  }
  console.log((images * 1000) / elapsed);
}
