//! Files that are small to send and long to read: every step must be done with
//! them in time that grows with the file and no faster.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::testing::{self, GifFrame, PngFrame, WebpFrame, png_chunk, webp_chunk};
use crate::error::PipelineError;
use crate::item::Prepared;
use crate::limits::Limits;
use crate::memory::DecodeMemory;
use crate::path::{self, StageClock};

/// Many times what the slowest of these computes. What is not bounded takes
/// minutes.
const LONG: Duration = Duration::from_secs(10);

/// After the PNG's signature and header.
const PNG_HEAD: usize = 8 + 25;

/// Every step, with the memory that the service has by default.
fn prepared(name: &str, bytes: Vec<u8>) -> Result<Prepared, PipelineError> {
    let memory = DecodeMemory::new(1 << 30);
    let before = computed();
    let prepared = path::prepare(
        bytes.into(),
        &Limits::default(),
        4.into(),
        &StageClock::default(),
        &|bytes| memory.reserve(bytes, Duration::ZERO),
    );
    let took = computed().saturating_sub(before);
    assert!(took < LONG, "{name}: {took:?}");
    prepared
}

/// Time this thread has had a core for: other work on the machine is not in it.
fn computed() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Accepted, and as small as the picture without the flood.
fn assert_dried_up(name: &str, flooded: Vec<u8>, plain: &[u8]) {
    let clean = |bytes| prepared(name, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (flooded, plain) = (clean(flooded), clean(plain.to_vec()));
    assert!(flooded.scrubbed.bytes() == plain.scrubbed.bytes(), "{name}");
    assert!(flooded.slots == plain.slots, "{name}");
}

fn code(name: &str, bytes: Vec<u8>) -> &'static str {
    match prepared(name, bytes) {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    }
}

fn deflated(raw_bytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..raw_bytes >> 20 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn png_chunks() {
    let plain = testing::png(40, 24);
    let (head, rest) = plain.split_at(PNG_HEAD);
    for (name, chunk) in [
        ("a million private chunks", png_chunk(b"prVt", b"")),
        ("a million texts", png_chunk(b"tEXt", b"a\0b")),
        ("a million times", png_chunk(b"tIME", &[0; 7])),
    ] {
        assert_dried_up(
            name,
            [head, &chunk.repeat(1_000_000), rest].concat(),
            &plain,
        );
    }
    let large = png_chunk(b"eXIf", &vec![0; 8 << 20]);
    assert_dried_up("a large Exif", [head, &large, rest].concat(), &plain);
}

#[test]
fn png_pixels_in_a_million_chunks() {
    let plain = testing::png(40, 24);
    let data_at = plain.windows(4).position(|name| name == b"IDAT").unwrap();
    let length = u32::from_be_bytes(plain[data_at - 4..data_at].try_into().unwrap()) as usize;
    let (data, end) = (
        &plain[data_at + 4..data_at + 4 + length],
        &plain[data_at + 8 + length..],
    );
    let mut flooded = plain[..data_at - 4].to_vec();
    for byte in data {
        flooded.extend(png_chunk(b"IDAT", b"").repeat(500));
        flooded.extend(png_chunk(b"IDAT", &[*byte]));
    }
    flooded.extend_from_slice(end);
    assert_dried_up("pixels byte by byte", flooded, &plain);
}

#[test]
fn png_bombs_are_not_inflated() {
    let plain = testing::png(40, 24);
    let (head, rest) = plain.split_at(PNG_HEAD);
    let bomb = deflated(1 << 30);
    for (name, data) in [
        (b"zTXt", [b"a\0\0", &bomb[..]].concat()),
        (b"iTXt", [b"a\0\x01\0\0\0", &bomb[..]].concat()),
        (b"iCCP", [b"a\0\0", &bomb[..]].concat()),
    ] {
        let name_text = String::from_utf8_lossy(name);
        let flooded = [head, &png_chunk(name, &data).repeat(30), rest].concat();
        assert_dried_up(&name_text, flooded, &plain);
    }
    // Small enough to be inflated, and broken, so that the next is looked for.
    let profile = png_chunk(b"iCCP", &[b"a\0\0", &deflated(4 << 20)[..]].concat());
    let flooded = [head, &profile.repeat(8_000), rest].concat();
    assert_dried_up("many profiles", flooded, &plain);
}

#[test]
fn png_pixels_that_inflate_beyond_the_picture() {
    let header = png_chunk(b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0]);
    let bytes = |data: &[u8]| {
        [
            b"\x89PNG\r\n\x1A\n",
            &header[..],
            &png_chunk(b"IDAT", data),
            &png_chunk(b"IEND", b""),
        ]
        .concat()
    };
    // 8 rows of 25 bytes, then a gigabyte.
    let bomb = prepared("a gigabyte of pixels", bytes(&deflated(1 << 30))).unwrap();
    assert!(bomb.scrubbed.bytes().len() < 200);
}

#[test]
fn apng_frames() {
    let frames = [PngFrame::plain_colours(8, 6)[0]; 901];
    assert_eq!(
        code("901 frames", testing::apng(&frames, (8, 6), false)),
        "too-many-frames"
    );
    let plain = testing::apng(&frames[..2], (8, 6), false);
    let control = plain.windows(4).position(|name| name == b"fcTL").unwrap();
    let mut empty = plain.clone();
    empty[control + 8..control + 12].fill(0);
    assert_eq!(code("a frame without width", empty), "malformed-image");
}

#[test]
fn gif_blocks() {
    const HEAD_AND_PALETTE: usize = 13 + 3 * 256;
    let plain = testing::gif(40, 24);
    let (head, rest) = plain.split_at(HEAD_AND_PALETTE);
    for (name, block) in [
        ("a million comments", &b"\x21\xFE\x01a\0"[..]),
        ("a million empty extensions", b"\x21\x42\0"),
        ("a million controls", b"\x21\xF9\x04\0\0\0\0\0"),
        ("XMP after XMP", b"\x21\xFF\x0BXMP DataXMP\x01a\x01b\x01c\0"),
    ] {
        let repeated = [head, &block.repeat(1_000_000), rest].concat();
        let flooded = prepared(name, repeated).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The last graphic control counts, as it should.
        assert!(flooded.scrubbed.bytes().len() <= plain.len() + 16, "{name}");
    }
}

#[test]
fn gif_codes_beyond_the_picture() {
    // 2 x 1 pixels, then clear codes and pixels without end.
    let mut bytes = b"GIF89a\x02\0\x01\0\x80\0\0\0\0\0\xFF\xFF\xFF".to_vec();
    bytes.extend_from_slice(b"\x2C\0\0\0\0\x02\0\x01\0\0\x02");
    let block = [&[255][..], &[0b0100_0100; 255]].concat();
    bytes.extend(block.repeat(100_000));
    bytes.extend_from_slice(b"\0;");
    let prepared = prepared("LZW", bytes).unwrap();
    assert!(prepared.scrubbed.bytes().len() < 100);
}

#[test]
fn gif_frames_larger_than_the_limits() {
    let frame = |area| GifFrame {
        area,
        colour: [1; 3],
        transparent_rows: 0,
        dispose: gif::DisposalMethod::Previous,
        interlaced: false,
    };
    let mut bytes = testing::gif_of_frames(&[frame([0, 0, 2, 2]), frame([0, 0, 2, 2])], (2, 2));
    // The second frame claims four billion pixels.
    let second = bytes
        .windows(5)
        .rposition(|part| part == [0x2C, 0, 0, 0, 0]);
    bytes[second.unwrap() + 5..][..4].fill(0xFF);
    assert_eq!(
        code("a frame beyond everything", bytes),
        "animation-too-large"
    );
}

#[test]
fn webp_chunks() {
    let plain = testing::webp_animation(&WebpFrame::plain_colours(40, 24), (40, 24));
    let flooded = |chunk: &[u8]| {
        let body = [&plain[8..], &chunk.repeat(1_000_000)].concat();
        webp_chunk(b"RIFF", &body)
    };
    assert_dried_up(
        "a million unknown chunks",
        flooded(&webp_chunk(b"JUNK", b"")),
        &plain,
    );
    assert_dried_up(
        "a million Exif chunks",
        flooded(&webp_chunk(b"EXIF", b"ab")),
        &plain,
    );
    let frames = [WebpFrame::plain_colours(8, 6)[0]; 901];
    assert_eq!(
        code("901 frames", testing::webp_animation(&frames, (8, 6))),
        "too-many-frames"
    );
}

#[test]
fn a_webp_whose_tables_take_gigabytes() {
    // 64 x 64 pixels whose one pixel of entropy image names group 65,535; each
    // group then takes a few bits here and 54 KB there.
    let mut bits = vec![0x2F, 0x3F, 0xC0, 0x0F, 0];
    // No transform, no cache, groups, blocks of 64 pixels, no cache; green and
    // red have one symbol, 255, the others 0.
    let stream =
        "0 0 1 001 0  101 11111111  101 11111111  101 00000000  101 00000000  101 00000000";
    let ones: Vec<bool> = stream
        .chars()
        .filter(|bit| *bit != ' ')
        .map(|bit| bit == '1')
        .collect();
    for byte in ones.chunks(8) {
        let set = byte
            .iter()
            .rev()
            .fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        bits.push(set);
    }
    bits.resize(bits.len() + 1_000_000, 0);
    let body = [b"WEBP", &webp_chunk(b"VP8L", &bits)[..]].concat();
    assert_eq!(
        code("tables", webp_chunk(b"RIFF", &body)),
        "needs-too-much-memory"
    );
}

#[test]
fn jpeg_segments() {
    let plain = testing::jpeg(40, 24);
    let (head, rest) = plain.split_at(2);
    for (name, segment, n) in [
        ("a million comments", &b"\xFF\xFE\0\x03a"[..], 1_000_000),
        (
            "a million Exif segments",
            b"\xFF\xE1\0\x08Exif\0\0",
            1_000_000,
        ),
        ("fill bytes", &[0xFF; 40], 100_000),
    ] {
        assert_dried_up(name, [head, &segment.repeat(n), rest].concat(), &plain);
    }
}

#[test]
fn jpeg_tables_defined_over_and_over() {
    // A Huffman table of one symbol.
    let table = [&b"\xFF\xC4\0\x14\0\x01"[..], &[0; 16]].concat();
    for kind in [testing::JpegKind::Baseline, testing::JpegKind::Progressive] {
        let plain = testing::jpeg_of_kind(40, 24, kind);
        let flooded = |n| [&plain[..2], &table.repeat(n), &plain[2..]].concat();
        assert_dried_up("a hundred tables", flooded(100), &plain);
        assert_eq!(
            code("a million tables", flooded(1_000_000)),
            "malformed-image"
        );
    }
    // Between the scans, where they are read again.
    let plain = testing::jpeg_of_kind(40, 24, testing::JpegKind::Progressive);
    let scan = plain.windows(2).rposition(|marker| marker == [0xFF, 0xDA]);
    let (head, rest) = plain.split_at(scan.unwrap());
    let flooded = [head, &table.repeat(1_000_000), rest].concat();
    assert_eq!(code("tables between scans", flooded), "malformed-image");
}
