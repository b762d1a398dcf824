//! Whatever the bytes, the answer is pixels or a refusal: no panic, no long run.

use std::time::{Duration, Instant};

use super::*;

/// Every fixture decodes in well under a millisecond; a mutation may enlarge it
/// up to the limits below.
const LONG: Duration = Duration::from_secs(2);

fn limits() -> Limits {
    Limits {
        side_px_max: 1_000,
        pixels_max: 200_000,
        frames_max: 20,
        animation_pixels_max: 400_000,
        ..Limits::default()
    }
}

fn try_out(name: &str, change: &str, bytes: &[u8]) {
    let started = Instant::now();
    if let Ok(sniffed) = sniff(
        Upload {
            bytes: bytes.into(),
        },
        &limits(),
    ) {
        let (format, header) = (sniffed.format, sniffed.header);
        let _ = first_picture(bytes, format, header, &limits());
        if let Ok(decoded) = decode(sniffed, &limits()) {
            for frame in decoded.frames {
                let area = u64::from(frame.width) * u64::from(frame.height);
                assert_eq!(frame.rgb.len() as u64, area * 3, "{name}, {change}");
            }
        }
    }
    assert!(
        started.elapsed() < LONG,
        "{name}, {change}: {:?}",
        started.elapsed()
    );
}

#[test]
fn files_cut_at_every_length() {
    for (name, bytes) in testing::every_kind() {
        for length in 0..bytes.len() {
            try_out(name, &format!("cut at {length}"), &bytes[..length]);
        }
    }
}

#[test]
fn files_with_every_byte_flipped() {
    for (name, bytes) in testing::every_kind() {
        let mut mutated = bytes.clone();
        for offset in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xFF] {
                mutated[offset] = bytes[offset] ^ mask;
                try_out(name, &format!("{mask:#X} at {offset}"), &mutated);
                if let Some(mended) = testing::png_with_checksums_mended(&mutated) {
                    try_out(name, &format!("{mask:#X} at {offset}, mended"), &mended);
                }
            }
            mutated[offset] = bytes[offset];
        }
    }
}

#[test]
fn files_with_a_part_taken_out_or_repeated() {
    for (name, bytes) in testing::every_kind() {
        for start in (0..bytes.len()).step_by(7) {
            for length in [1, 5, 40] {
                let end = (start + length).min(bytes.len());
                let without = [&bytes[..start], &bytes[end..]].concat();
                try_out(name, &format!("without {start}..{end}"), &without);
                let twice = [&bytes[..end], &bytes[start..]].concat();
                try_out(name, &format!("{start}..{end} twice"), &twice);
            }
        }
    }
}
