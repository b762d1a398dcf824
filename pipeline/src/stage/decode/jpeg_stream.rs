//! Reduces a JPEG to the parts that carry pixels, and finds out where it ends.
//!
//! zune-jpeg is then strict about what matters, the coded data, without
//! refusing a phone's photo for odd bytes between segments, and copies no
//! metadata. What zune-jpeg 0.5 would read otherwise than libjpeg is decided
//! or refused here.

use std::io::BufRead;

use super::jpeg_head::{Head, check_tables, push_segment, skip};
use crate::error::Reject;
use crate::stage::cursor::Cursor;
use crate::stage::sniff::jpeg::{ADVICE, next_marker, segment};

/// libjpeg-turbo writes 10, mozjpeg up to 20. Each costs a pass over all
/// coefficients, however few bytes it takes.
const SCANS_MAX: u32 = 64;

/// zune-jpeg reads up to 8 bytes ahead; the rest keeps it from taking the
/// second last row of a flat image for the last.
const LOOKAHEAD: [u8; 16] = [0; 16];

const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: [u8; 2] = [0xFF, 0xD9];

/// The smallest JPEG with the same pixels as `bytes`.
///
/// # Errors
/// [`Reject::Truncated`] without an end-of-image marker; [`Reject::Malformed`]
/// for parts that contradict each other; [`Reject::UnsupportedFormat`] for a
/// sequential JPEG whose components come one after another.
pub(super) fn pixels_only(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let (head, mut stream) = up_to_the_end(bytes)?;
    if head.is_progressive() {
        stream.extend_from_slice(&EOI);
    } else {
        // Without a marker at its end the decoder cannot make up the rest of
        // a scan that stops early: it runs out of data and says so.
        stream.extend_from_slice(&LOOKAHEAD);
    }
    Ok(stream)
}

/// As [`pixels_only`], as a file that ends as the standard wants it.
///
/// # Errors
/// As [`pixels_only`].
pub(super) fn file_of_pixels(bytes: &[u8]) -> Result<Vec<u8>, Reject> {
    let (_, mut file) = up_to_the_end(bytes)?;
    file.extend_from_slice(&EOI);
    Ok(file)
}

fn up_to_the_end(bytes: &[u8]) -> Result<(Head, Vec<u8>), Reject> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SOI.len())?;
    let head = Head::read(&mut cursor)?;
    let mut stream = Vec::with_capacity(bytes.len());
    stream.extend_from_slice(&SOI);
    head.write(&mut stream);
    if head.is_progressive() {
        copy_scans(&head, cursor, &mut stream)?;
    } else {
        copy_only_scan(&head, cursor, &mut stream)?;
    }
    Ok((head, stream))
}

fn copy_only_scan(head: &Head, mut cursor: Cursor<'_>, stream: &mut Vec<u8>) -> Result<(), Reject> {
    let n_components = copy_scan(head, &mut cursor, stream)?;
    // zune-jpeg 0.5 decodes the components of several scans to noise where
    // they are subsampled or have restarts, and reports success.
    if n_components != head.n_components() {
        return Err(Reject::UnsupportedFormat { advice: ADVICE });
    }
    loop {
        match next_marker(&mut cursor)? {
            0xD9 => return Ok(()),
            0xDA => {
                return Err(Reject::Malformed {
                    detail: "the JPEG repeats a scan",
                });
            }
            0xC4 | 0xDB | 0xDD => {
                segment(&mut cursor)?;
            }
            code => skip(code, &mut cursor)?,
        }
    }
}

fn copy_scans(head: &Head, mut cursor: Cursor<'_>, stream: &mut Vec<u8>) -> Result<(), Reject> {
    copy_scan(head, &mut cursor, stream)?;
    let mut scans = 1;
    let mut tables_len = head.tables_len();
    loop {
        match next_marker(&mut cursor)? {
            0xD9 => return Ok(()),
            0xDA => {
                scans += 1;
                if scans > SCANS_MAX {
                    return Err(Reject::Malformed {
                        detail: "the JPEG has too many scans",
                    });
                }
                copy_scan(head, &mut cursor, stream)?;
            }
            code @ (0xC4 | 0xDD) => {
                let table = segment(&mut cursor)?;
                tables_len += 4 + table.len();
                check_tables(tables_len)?;
                push_segment(stream, code, table);
            }
            // zune-jpeg takes the tables once, libjpeg when a component begins.
            0xDB => {
                return Err(Reject::Malformed {
                    detail: "the JPEG changes its tables",
                });
            }
            code => skip(code, &mut cursor)?,
        }
    }
}

/// Copies a scan's header and coded data; returns how many components it has.
fn copy_scan(head: &Head, cursor: &mut Cursor<'_>, stream: &mut Vec<u8>) -> Result<usize, Reject> {
    let scan = segment(cursor)?;
    head.write_scan(scan, stream)?;
    let coded = cursor.take(coded_length(cursor.rest())?)?;
    stream.extend_from_slice(coded);
    Ok(scan.first().copied().map_or(0, usize::from))
}

/// Length of the coded data up to the marker that ends it. Stuffed bytes and
/// restart markers belong to it; fill bytes (T.81 B.1.1.2) belong to the marker
/// they precede.
fn coded_length(bytes: &[u8]) -> Result<usize, Reject> {
    let mut rest = bytes;
    loop {
        // On a slice this is memchr, and cannot fail.
        let skipped = rest.skip_until(0xFF).unwrap_or(0);
        if skipped == 0 {
            return Err(Reject::Truncated);
        }
        let marker_start = bytes.len() - rest.len() - 1;
        let n_fill = rest.iter().take_while(|&&byte| byte == 0xFF).count();
        match rest.get(n_fill).ok_or(Reject::Truncated)? {
            0x00 | 0xD0..=0xD7 => rest = &rest[n_fill + 1..],
            _ => return Ok(marker_start),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = &[0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    const PROGRESSIVE: &[u8] = &[0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0];
    const HUFFMAN: &[u8] = &[0xFF, 0xC4, 0, 3, 7];

    fn jpeg(parts: &[&[u8]]) -> Vec<u8> {
        [&SOI[..]]
            .into_iter()
            .chain(parts.iter().copied())
            .flatten()
            .copied()
            .collect()
    }

    #[test]
    fn keeps_what_carries_pixels_and_nothing_else() {
        let coded = &[1, 0xFF, 0, 2, 0xFF, 0xD0, 3, 0xFF, 0xFF, 0xD1, 4];
        let exif = &[0xFF, 0xE1, 0, 6, b'E', b'x', b'i', b'f'];
        let comment = &[0xFF, 0xFE, 0, 3, b'!'];
        let given = jpeg(&[
            exif, HUFFMAN, FRAME, b"junk", comment, SCAN, coded, &EOI, b"trailer", FRAME,
        ]);
        assert_eq!(
            pixels_only(&given),
            Ok(jpeg(&[FRAME, HUFFMAN, SCAN, coded, &LOOKAHEAD]))
        );
        let filled = jpeg(&[HUFFMAN, FRAME, SCAN, coded, &[0xFF; 3], &EOI]);
        assert_eq!(pixels_only(&filled), pixels_only(&given));

        let given = jpeg(&[
            PROGRESSIVE,
            SCAN,
            coded,
            comment,
            HUFFMAN,
            SCAN,
            coded,
            &EOI,
            &EOI,
        ]);
        let kept = jpeg(&[PROGRESSIVE, SCAN, coded, HUFFMAN, SCAN, coded, &EOI]);
        assert_eq!(pixels_only(&given), Ok(kept));
    }

    #[test]
    fn components_are_renamed_to_their_positions() {
        let frame = |ids: &[u8; 3]| {
            let components = ids.iter().flat_map(|id| [*id, 0x11, 0]);
            [0xFF, 0xC0, 0, 17, 8, 0, 8, 0, 8, 3]
                .into_iter()
                .chain(components)
                .collect::<Vec<_>>()
        };
        let scan = |ids: &[u8; 3]| {
            let selectors = ids.iter().flat_map(|id| [*id, 0]);
            let head = [0xFF, 0xDA, 0, 12, 3].into_iter().chain(selectors);
            head.chain([0, 63, 0]).collect::<Vec<u8>>()
        };
        let adobe = [&[0xFF, 0xEE, 0, 14][..], b"Adobe\0\x64\0\0\0\0\0"].concat();
        let given = jpeg(&[&frame(b"RGB"), &scan(b"RGB"), &[5], &EOI]);
        let kept = jpeg(&[
            &adobe,
            &frame(&[1, 2, 3]),
            &scan(&[1, 2, 3]),
            &[5],
            &LOOKAHEAD,
        ]);
        assert_eq!(pixels_only(&given), Ok(kept));
        assert_eq!(
            pixels_only(&jpeg(&[&frame(b"RGB"), &scan(b"RGX"), &[5], &EOI])),
            Err(Reject::Malformed {
                detail: "a scan names an unknown component"
            })
        );
    }

    #[test]
    fn a_missing_end_is_a_truncation() {
        for frame in [FRAME, PROGRESSIVE] {
            let whole = jpeg(&[frame, SCAN, &[1, 2, 3], &EOI]);
            for length in SOI.len()..whole.len() {
                assert_eq!(
                    pixels_only(&whole[..length]),
                    Err(Reject::Truncated),
                    "{length}"
                );
            }
        }
        assert_eq!(pixels_only(&jpeg(&[FRAME, &EOI])), Err(Reject::Truncated));
    }

    #[test]
    fn contradictions_are_refused() {
        let detail = |parts: &[&[u8]]| match pixels_only(&jpeg(parts)) {
            Err(Reject::Malformed { detail }) => detail,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            detail(&[FRAME, FRAME, SCAN, &EOI]),
            "the JPEG has two frame headers"
        );
        assert_eq!(detail(&[SCAN, FRAME, &EOI]), "the JPEG has no frame header");
        assert_eq!(
            detail(&[FRAME, SCAN, SCAN, &EOI]),
            "the JPEG repeats a scan"
        );
        assert_eq!(
            detail(&[FRAME, SCAN, &[0xFF, 0xDC, 0, 4, 0, 8], &EOI]),
            "the JPEG mixes kinds of coding"
        );
        assert_eq!(
            detail(&[PROGRESSIVE, SCAN, FRAME, &EOI]),
            "the JPEG mixes kinds of coding"
        );
        assert_eq!(
            detail(&[PROGRESSIVE, SCAN, &[0xFF, 0xDB, 0, 2], &EOI]),
            "the JPEG changes its tables"
        );
        let scans = SCAN.repeat(65);
        assert_eq!(
            detail(&[PROGRESSIVE, &scans, &EOI]),
            "the JPEG has too many scans"
        );
    }
}
