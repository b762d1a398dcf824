//! The second look at a rewritten profile. Shares no parsing with the rewrite.

use super::super::Unclean;
use super::{D50, HEADER_BYTES, NUMERIC_TAGS};

const NOT_NEUTRAL: Unclean = "the colour profile names its maker, a date or a device";
const UNKNOWN_PART: Unclean = "the colour profile holds more than colours";

/// Accepts a profile only when its header names nobody, each tag is on the list
/// with a numeric type or a text of ours, and every byte belongs to a tag.
pub(in super::super) fn verify(profile: &[u8]) -> Result<(), Unclean> {
    let header = profile.get(..HEADER_BYTES).ok_or(UNKNOWN_PART)?;
    let zero = |range: std::ops::Range<usize>| header[range].iter().all(|byte| *byte == 0);
    let neutral = [4..8, 10..12, 24..36, 40..67, 80..128]
        .into_iter()
        .all(zero);
    if !neutral || header[68..80] != D50 || header[67] > 3 {
        return Err(NOT_NEUTRAL);
    }
    if usize::try_from(be32(profile, 0)?) != Ok(profile.len()) {
        return Err(UNKNOWN_PART);
    }

    let n_tags = usize::try_from(be32(profile, HEADER_BYTES)?).map_err(|_| UNKNOWN_PART)?;
    if n_tags > NUMERIC_TAGS.len() + 2 {
        return Err(UNKNOWN_PART);
    }
    let table_end = HEADER_BYTES + 4 + 12 * n_tags;
    let mut spans = Vec::new();
    for entry in (HEADER_BYTES + 4..table_end).step_by(12) {
        let start = usize::try_from(be32(profile, entry + 4)?).map_err(|_| UNKNOWN_PART)?;
        let size = usize::try_from(be32(profile, entry + 8)?).map_err(|_| UNKNOWN_PART)?;
        let end = start.checked_add(size).ok_or(UNKNOWN_PART)?;
        let body = profile.get(start..end).ok_or(UNKNOWN_PART)?;
        check_tag(&profile[entry..entry + 4], body)?;
        spans.push((start, end));
    }
    every_byte_belongs(profile, table_end, spans)
}

/// The only texts there may be, written out: version 2 and version 4.
const DESCRIPTIONS: [&[u8]; 2] = [
    b"desc\0\0\0\0\0\0\0\x09Embedded",
    b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\x10\0\0\0\x1c\0E\0m\0b\0e\0d\0d\0e\0d",
];
const COPYRIGHTS: [&[u8]; 2] = [
    b"text\0\0\0\0None",
    b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS\0\0\0\x08\0\0\0\x1c\0N\0o\0n\0e",
];

fn check_tag(name: &[u8], body: &[u8]) -> Result<(), Unclean> {
    let allowed = match name {
        b"desc" => DESCRIPTIONS.iter().any(|text| is_text(body, text)),
        b"cprt" => COPYRIGHTS.iter().any(|text| is_text(body, text)),
        _ => NUMERIC_TAGS.iter().any(|(allowed, types)| {
            name == *allowed && types.iter().any(|kind| body.starts_with(*kind))
        }),
    };
    if allowed { Ok(()) } else { Err(UNKNOWN_PART) }
}

/// The text and nothing after it but the zeros its type ends with.
fn is_text(body: &[u8], text: &[u8]) -> bool {
    body.strip_prefix(text)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

fn every_byte_belongs(
    profile: &[u8],
    table_end: usize,
    mut spans: Vec<(usize, usize)>,
) -> Result<(), Unclean> {
    spans.sort_unstable();
    spans.dedup();
    let mut at = table_end;
    for (start, end) in spans {
        // Tags start on a multiple of four; the padding before one is zero.
        let padding = profile.get(at..start).ok_or(UNKNOWN_PART)?;
        if padding.len() > 3 || padding.iter().any(|byte| *byte != 0) {
            return Err(UNKNOWN_PART);
        }
        at = end;
    }
    let padding = profile.get(at..).ok_or(UNKNOWN_PART)?;
    if padding.len() > 3 || padding.iter().any(|byte| *byte != 0) {
        return Err(UNKNOWN_PART);
    }
    Ok(())
}

fn be32(bytes: &[u8], at: usize) -> Result<u32, Unclean> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    four.map(|four| u32::from_be_bytes(*four))
        .ok_or(UNKNOWN_PART)
}
