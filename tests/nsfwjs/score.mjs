// Scores raw RGB8 pictures with nsfwjs itself and prints one JSON object a line.
// Usage: node score.mjs [--model ID] FILE:WIDTHxHEIGHT...
//        node score.mjs [--model ID] --golden
// The second form scores the golden vectors, as models/src/golden.rs generates them.
import { readFileSync } from "node:fs";
import { start } from "./model.mjs";

const CLASSES = ["drawing", "hentai", "neutral", "porn", "sexy"];

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
const { side, score } = await start(id);

if (pictures[0] === "--golden") {
  for (const pattern of PATTERNS) {
    const pixels = Uint8Array.from({ length: side * side * 3 }, (_, index) => {
      const place = Math.floor(index / 3);
      return pattern(place % side, Math.floor(place / side), index % 3);
    });
    print(score(pixels, side, side));
  }
} else {
  for (const argument of pictures) {
    const [, file, width, height] = /^(.*):(\d+)x(\d+)$/.exec(argument);
    print(score(new Uint8Array(readFileSync(file)), Number(width), Number(height)));
  }
}

function print(scores) {
  const named = CLASSES.map((name, index) => [name, scores[index]]);
  console.log(JSON.stringify(Object.fromEntries(named)));
}
