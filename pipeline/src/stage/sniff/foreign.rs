//! Files that are no image we accept, but that people try: what to do instead.

use super::brands::brands;

const VIDEO: &str = "This is a video; videos are not accepted.";
const JPEG_2000: &str = "This is JPEG 2000: save it as JPEG or PNG.";
const ICON: &str = "This is an icon: save it as PNG.";
const POSTSCRIPT: &str = "This is PostScript: export the page as PNG.";

/// Advice for a file recognised by name; `None` for anything else.
pub(super) fn advice(bytes: &[u8]) -> Option<&'static str> {
    if let Some(major) = brands(bytes).next() {
        let animated_avif = brands(bytes).any(|brand| brand == *b"avis");
        return Some(iso_advice(major, animated_avif));
    }
    still_advice(bytes)
        .or_else(|| video_advice(bytes))
        .or_else(|| is_svg(bytes).then_some("This is an SVG: export it as PNG."))
}

fn still_advice(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        _ if is_apples_png(bytes) => {
            "This is a PNG in Apple's own form, as apps hold them: open it on a Mac or \
             an iPhone and save it as an ordinary PNG."
        }
        _ if is_tga(bytes) => "This is a TGA: save it as PNG.",
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => {
            "This is JPEG XL: save it as JPEG or PNG."
        }
        [b'I', b'I', 0xBC, ..] => "This is JPEG XR: save it as JPEG or PNG.",
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => {
            "This is a TIFF or a camera's raw file: export it as JPEG or PNG."
        }
        [b'B', b'M', ..] => "This is a BMP: save it as PNG.",
        [0, 0, 1 | 2, 0, low, high, ..] if (*low, *high) != (0, 0) => ICON,
        [b'8', b'B', b'P', b'S', ..] => "This is a Photoshop document: export it as PNG.",
        [b'g', b'i', b'm', b'p', b' ', b'x', b'c', b'f', ..] => {
            "This is a GIMP document: export it as PNG."
        }
        [0, 0, 0, 12, b'j', b'P', ..] | [0xFF, 0x4F, 0xFF, 0x51, ..] => JPEG_2000,
        [0x76, 0x2F, 0x31, 0x01, ..] => "This is OpenEXR: export it as JPEG or PNG.",
        [b'q', b'o', b'i', b'f', ..] => "This is QOI: save it as PNG.",
        [b'%', b'P', b'D', b'F', ..] => "This is a PDF: export the page as PNG.",
        [b'%', b'!', b'P', b'S', ..] | [0xC5, 0xD0, 0xD3, 0xC6, ..] => POSTSCRIPT,
        _ => return None,
    })
}

/// A PNG that Xcode has changed: a chunk before the header says so, and no other
/// decoder reads what follows.
pub(super) fn is_apples_png(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1A\n") && bytes.get(12..16) == Some(b"CgBI")
}

/// TGA has no magic bytes at its start: its header must make sense, all of it.
fn is_tga(bytes: &[u8]) -> bool {
    let Some(&[_, has_map, kind, m0, m1, n0, n1, entry_bits, ref rest @ ..]) =
        bytes.first_chunk::<18>()
    else {
        return false;
    };
    let [_, _, _, _, w0, w1, h0, h1, bits, order] = *rest;
    let map = match (has_map, kind & !8) {
        (1, 1) => (n0, n1) != (0, 0) && matches!(entry_bits, 15 | 16 | 24 | 32),
        (0, 2 | 3) => [m0, m1, n0, n1, entry_bits] == [0; 5],
        _ => false,
    };
    let has_size = (w0, w1) != (0, 0) && (h0, h1) != (0, 0);
    // The two highest bits say how rows alternate, which no writer used.
    map && has_size && matches!(bits, 8 | 15 | 16 | 24 | 32) && order & 0xC0 == 0
}

/// Matroska and WebM, AVI, Ogg, Flash, Windows Media, MPEG streams, and
/// QuickTime files from before there were brands.
fn video_advice(bytes: &[u8]) -> Option<&'static str> {
    let is_video = matches!(
        bytes,
        [0x1A, 0x45, 0xDF, 0xA3, ..]
            | [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', ..]
            | [b'O', b'g', b'g', b'S', ..]
            | [b'F', b'L', b'V', 1, ..]
            | [0x30, 0x26, 0xB2, 0x75, ..]
            | [0, 0, 1, 0xB3 | 0xBA, ..]
    ) || bytes.get(4..8).is_some_and(|name| {
        [b"moov", b"mdat", b"wide", b"pnot"]
            .iter()
            .any(|known| name == *known)
    });
    is_video.then_some(VIDEO)
}

fn iso_advice(major: [u8; 4], animated_avif: bool) -> &'static str {
    if animated_avif {
        return "This is an animated AVIF: save it as an animated WebP or GIF.";
    }
    match &major {
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" | b"mif1"
        | b"msf1" => {
            "This is HEIC: save it as JPEG; an iPhone does so under \
             Settings, Camera, Formats, Most Compatible."
        }
        b"jpx " | b"jp2 " | b"jpm " => JPEG_2000,
        b"crx " => "This is a camera's raw file: export it as JPEG.",
        _ => VIDEO,
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    // An XML declaration, comments and a doctype may come first.
    const LOOKED_AT_BYTES: usize = 1024;
    let start = bytes.get(..LOOKED_AT_BYTES).unwrap_or(bytes);
    let start = start
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start)
        .trim_ascii_start();
    start.starts_with(b"<")
        && start
            .windows(5)
            .any(|window| window == b"<svg " || window == b"<svg>")
}
