//! What holds for any file at all, checked: the tests run it over corpora they
//! make, the fuzzers over what they find.

use crate::error::Reject;
use crate::item::{Header, Scrubbed, Shrunk, Sniffed, Upload};
use crate::limits::Limits;
use crate::stage::colour::converter_of;
use crate::stage::decode::{decode, decode_for, first_picture};
use crate::stage::inspect::carried;
use crate::stage::scrub::scrub_encoded;
use crate::stage::sniff::sniff;
use crate::stage::variant::{Shape, VariantSpec, variant};

/// Of the square that is looked at.
const SIDE: u32 = 32;

/// Takes a file through sniff, scrub and decode, and checks what each promises
/// about the others.
///
/// # Errors
/// The first [`Reject`], which is an answer like any other.
///
/// # Panics
/// If a promise is broken: a header beyond the limits; scrubbed bytes that change
/// when they are scrubbed again, carry something, or show another picture; a
/// decoder that finds another size than the header; a picture that cannot be made
/// smaller.
pub fn hold_to_promises(bytes: &[u8], limits: &Limits) -> Result<(), Reject> {
    let upload = |bytes: &[u8]| Upload {
        bytes: bytes.into(),
    };
    let sniffed = sniff(upload(bytes), limits)?;
    let (format, header) = (sniffed.format, sniffed.header);
    assert_within(header, limits);
    let scrubbed = scrub_encoded(sniffed.bytes.clone(), format, header);
    if let Ok(clean) = &scrubbed {
        assert_stays_clean(clean, limits);
    }

    let looked_at = decode_for(sniffed.clone(), limits, SIDE.into())?.shrunk;
    if let (Some(before), Ok(clean)) = (&looked_at, &scrubbed) {
        assert_looks_alike(before, clean, limits);
    }
    let before = decode(sniffed, limits)?;
    for frame in &before.frames {
        assert_eq!(
            (frame.width, frame.height),
            (header.width, header.height),
            "the decoder and the header disagree"
        );
    }
    let clean = scrubbed?;
    let after = decode(again(&clean, limits), limits).expect("scrubbed bytes still decode");
    assert!(before.frames == after.frames, "scrubbing changed a pixel");
    let first = |bytes: &[u8]| first_picture(bytes, format, header, limits).map(|it| it.samples);
    assert!(
        first(bytes) == first(clean.bytes()),
        "scrubbing changed a pixel or its alpha"
    );
    assert_can_be_made_smaller(&clean, limits);
    Ok(())
}

/// Rows show the same before and after, and the whole can be decoded, too.
fn assert_looks_alike(before: &Shrunk, clean: &Scrubbed, limits: &Limits) {
    let after = decode_for(again(clean, limits), limits, SIDE.into());
    let after = after.expect("scrubbed bytes still decode").shrunk;
    assert!(after.as_ref() == Some(before), "scrubbing changed a pixel");
    let whole = decode(again(clean, limits), limits);
    assert!(
        whole.is_ok(),
        "what is read row by row is not decoded: {whole:?}"
    );
}

fn again(clean: &Scrubbed, limits: &Limits) -> Sniffed {
    let upload = Upload {
        bytes: clean.bytes().clone(),
    };
    sniff(upload, limits).expect("scrubbed bytes are still a picture")
}

fn assert_can_be_made_smaller(clean: &Scrubbed, limits: &Limits) {
    let Header { width, height, .. } = clean.header();
    let quarter = VariantSpec {
        name: "quarter",
        width_max: (width / 4).max(1),
        height_max: (height / 4).max(1),
        shape: Shape::Fit,
    };
    // Colours are settled before anything is stored, which is not done here.
    if converter_of(clean.bytes(), clean.format()).is_ok() {
        let made = variant(clean, quarter, limits).expect("what is stored has its variants");
        let header = made.header();
        assert_eq!((header.width, header.height), quarter.fitted(width, height));
    }
}

fn assert_within(header: Header, limits: &Limits) {
    let Header {
        width,
        height,
        frames,
    } = header;
    let pixels = u64::from(width) * u64::from(height);
    assert!(width > 0 && height > 0 && frames > 0, "{header:?}");
    assert!(width.max(height) <= limits.side_px_max, "{header:?}");
    assert!(pixels <= limits.pixels_max, "{header:?}");
    assert!(frames <= limits.frames_max, "{header:?}");
    assert!(
        frames == 1 || pixels * u64::from(frames) <= limits.animation_pixels_max,
        "{header:?}"
    );
}

fn assert_stays_clean(clean: &Scrubbed, limits: &Limits) {
    let (format, header) = (clean.format(), clean.header());
    let upload = Upload {
        bytes: clean.bytes().clone(),
    };
    let sniffed = sniff(upload, limits).expect("scrubbed bytes are still a picture");
    assert_eq!((sniffed.format, sniffed.header), (format, header));
    let twice = scrub_encoded(clean.bytes().clone(), format, header)
        .expect("scrubbed bytes can be scrubbed");
    assert!(
        twice.bytes() == clean.bytes(),
        "scrubbing twice is not scrubbing once"
    );
    let carried = carried(clean.bytes(), format);
    assert!(carried.is_empty(), "the lister finds {carried:?}");
}
