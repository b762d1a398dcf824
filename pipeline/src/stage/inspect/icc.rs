//! What an ICC profile says besides what colours mean (ICC.1:2022, 7.2 and 9.2).

use super::listing::Listing;

const HEADER_BYTES: usize = 128;
const TAGS_MAX: usize = 1_000;

/// Header fields that name a colour engine, a date, a device, an owner or the
/// profile itself.
const NAMING_FIELDS: [std::ops::Range<usize>; 5] = [4..8, 24..36, 40..44, 48..56, 80..100];

/// Tags whose values are texts, dates, serial numbers or private.
fn holds_numbers_only(name: &[u8]) -> bool {
    const NUMERIC: [&[u8; 4]; 24] = [
        b"wtpt", b"bkpt", b"chad", b"chrm", b"lumi", b"cicp", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC",
        b"gTRC", b"bTRC", b"kTRC", b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"D2B0",
        b"B2D0", b"gamt", b"tech", b"view",
    ];
    NUMERIC.iter().any(|numeric| name == *numeric)
}

/// The texts that our own profiles carry because a profile must have some.
fn is_neutral_text(text: &[u8]) -> bool {
    const NEUTRAL: [&str; 7] = [
        "Embedded",
        "None",
        "sRGB",
        "Display P3",
        "Adobe RGB (1998) compatible",
        "ProPhoto RGB compatible",
        "Grey Gamma 2.2",
    ];
    let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
    NEUTRAL.iter().any(|neutral| plain == neutral.as_bytes())
}

/// Lists what names anything in a profile that begins at `offset` of the file.
/// One that came in pieces, or compressed, is listed as a whole there.
pub(super) fn list(profile: &[u8], offset: usize, listing: &mut Listing) {
    let Some(header) = profile.get(..HEADER_BYTES) else {
        listing.add("ICC profile that cannot be read", offset, profile.len());
        return;
    };
    let names = |field: std::ops::Range<usize>| header[field].iter().any(|byte| *byte != 0);
    if NAMING_FIELDS.into_iter().any(names) {
        let what = "ICC profile header with a date, a device or an owner";
        listing.add(what, offset, HEADER_BYTES);
    }
    let texts = texts(profile);
    if texts != Some(0) {
        let what = "ICC profile with texts or private tags";
        listing.add(what, offset, profile.len());
    }
}

/// How many tags are neither numbers nor one of our own texts. `None` when the
/// tags cannot be read.
fn texts(profile: &[u8]) -> Option<usize> {
    let number = |at: usize| -> Option<usize> {
        let four = profile.get(at..)?.first_chunk()?;
        usize::try_from(u32::from_be_bytes(*four)).ok()
    };
    let n_tags = number(HEADER_BYTES)?;
    if n_tags > TAGS_MAX {
        return None;
    }
    let mut n_texts = 0;
    for tag_idx in 0..n_tags {
        let entry = HEADER_BYTES + 4 + 12 * tag_idx;
        let name = profile.get(entry..)?.get(..4)?;
        let (start, bytes) = (number(entry + 4)?, number(entry + 8)?);
        let body = profile.get(start..)?.get(..bytes)?;
        if !holds_numbers_only(name) && !tag_text(body).is_some_and(is_neutral_text) {
            n_texts += 1;
        }
    }
    Some(n_texts)
}

/// The text of a tag of one of the three types that our own profiles use.
fn tag_text(body: &[u8]) -> Option<&[u8]> {
    match body.first_chunk()? {
        b"text" => body.get(8..),
        b"desc" => body.get(12..),
        // One record, whose text begins behind the header and the record.
        b"mluc" => body.get(28..),
        _ => None,
    }
}
