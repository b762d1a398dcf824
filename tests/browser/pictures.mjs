// Small pictures made up for a test, each unlike the others.
import { deflateSync } from "node:zlib";

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

// A PNG of coloured rings whose place and colours follow from `seed`. With a mark
// it is another file of nearly the same picture.
export function png(seed, width = 240, height = 160, marked = false) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  const [cx, cy] = [(seed * 37) % width, (seed * 53) % height];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const ring = Math.floor(Math.hypot(x - cx, y - cy) / (6 + (seed % 9)));
      if (marked && x < 4 && y < 4) continue;
      rows[at] = (ring * 41 + seed * 7) & 255;
      rows[at + 1] = (ring * 17 + seed * 29) & 255;
      rows[at + 2] = (ring * 73 + seed * 3) & 255;
    }
  }
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

// A GIF of two frames, one red, one blue. Its codes are eight bits wide: the
// table is cleared before they would grow.
export function gif(side = 64) {
  const frame = (colour) => {
    const codes = [];
    for (let pixel = 0; pixel < side * side; pixel += 1) {
      if (pixel % 120 === 0) codes.push(128);
      codes.push(colour);
    }
    codes.push(129);
    const blocks = [];
    for (let at = 0; at < codes.length; at += 255) {
      const part = codes.slice(at, at + 255);
      blocks.push(part.length, ...part);
    }
    const control = [0x21, 0xf9, 4, 4, 20, 0, 0, 0];
    return [...control, 0x2c, 0, 0, 0, 0, side, 0, side, 0, 0, 7, ...blocks, 0];
  };
  const palette = new Array(128 * 3).fill(0);
  palette.splice(0, 6, 220, 30, 30, 30, 30, 220);
  const loop = [0x21, 0xff, 11, ...Buffer.from("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  const screen = [side, 0, side, 0, 0xf6, 0, 0];
  return Buffer.from([...Buffer.from("GIF89a"), ...screen, ...palette, ...loop, ...frame(0), ...frame(1), 0x3b]);
}
