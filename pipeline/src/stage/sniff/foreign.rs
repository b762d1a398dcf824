//! Files that are no image we accept, but that people try: what to do instead.

/// Advice for a file recognised by name; `None` for anything else.
pub(super) fn advice(bytes: &[u8]) -> Option<&'static str> {
    if let Some(brand) = iso_brand(bytes) {
        return Some(iso_advice(brand));
    }
    match bytes {
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => {
            Some("This is JPEG XL: save it as JPEG or PNG.")
        }
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => {
            Some("This is a TIFF or a camera's raw file: export it as JPEG or PNG.")
        }
        [b'B', b'M', ..] => Some("This is a BMP: save it as PNG."),
        [0, 0, 1, 0, ..] => Some("This is an icon: save it as PNG."),
        [b'8', b'B', b'P', b'S', ..] => Some("This is a Photoshop document: export it as PNG."),
        [0, 0, 0, 12, b'j', b'P', ..] => Some("This is JPEG 2000: save it as JPEG or PNG."),
        [b'%', b'P', b'D', b'F', ..] => Some("This is a PDF: export the page as PNG."),
        [0x1A, 0x45, 0xDF, 0xA3, ..]
        | [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', ..] => {
            Some("This is a video; videos are not accepted.")
        }
        _ if is_svg(bytes) => Some("This is an SVG: export it as PNG."),
        _ => None,
    }
}

/// The major brand of an ISO base media file (ISO/IEC 14496-12, 4.3).
fn iso_brand(bytes: &[u8]) -> Option<[u8; 4]> {
    match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] => Some([*a, *b, *c, *d]),
        _ => None,
    }
}

fn iso_advice(brand: [u8; 4]) -> &'static str {
    match &brand {
        b"avif" | b"avis" => "This is AVIF: save it as JPEG, PNG or WebP.",
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" | b"mif1"
        | b"msf1" => {
            "This is HEIC: save it as JPEG; an iPhone does so under \
             Settings, Camera, Formats, Most Compatible."
        }
        b"crx " => "This is a camera's raw file: export it as JPEG.",
        _ => "This is a video; videos are not accepted.",
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
