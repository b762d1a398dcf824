//! Whatever the bytes, the answer is a file or a refusal: no panic, no long run.

use std::time::{Duration, Instant};

use imgshare_kernels::cpu::pdq::LumaPdq;

use super::*;

/// Each fixture takes well under a millisecond.
const LONG: Duration = Duration::from_secs(5);

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut files = every_jpeg(24, 16);
    files.push(("refined".to_owned(), jpeg_refined().0));
    files
}

/// A mutation may name a huge picture; what that would take is known before.
fn try_out(name: &str, file: &[u8]) {
    const BYTES_MAX: u64 = 4 << 20;
    let small = bytes_needed(file).is_ok_and(|needed| needed <= BYTES_MAX);
    if !small {
        return;
    }
    let started = Instant::now();
    for turn in [Turn::NONE, every_turn().last().expect("eight")] {
        if let Ok(Some(turned)) = turned(file, turn) {
            assert!(read(&turned).is_ok(), "{name}: what is written can be read");
        }
    }
    if let Ok(cut) = without_tails(file) {
        assert_eq!(without_tails(&cut), Ok(cut), "{name}");
    }
    for eighths in [Eighths::One, Eighths::Two, Eighths::Four] {
        let _ = reduced(file, eighths);
    }
    if has_rows(file) == Ok(true) {
        let size = read(file).map(|source| source.frame().expect("a frame").size());
        if let Ok((width, height)) = size {
            let size = (usize::from(width), usize::from(height));
            let mut hash = LumaPdq::new(size);
            let _ = read_rows(file, size, &mut [&mut hash]);
        }
    }
    assert!(started.elapsed() < LONG, "{name}");
}

#[test]
fn files_cut_at_every_length() {
    for (name, file) in fixtures() {
        for length in 0..file.len() {
            assert!(
                turned(&file[..length], Turn::NONE).is_err(),
                "{name} {length}"
            );
            let ended = [&file[..length], &[0xFF, EOI]].concat();
            try_out(&format!("{name} ended at {length}"), &ended);
        }
    }
}

#[test]
fn files_with_every_byte_changed() {
    for (name, file) in fixtures() {
        let mut changed = file.clone();
        for at in 0..file.len() {
            for byte in [file[at] ^ 1, file[at] ^ 0x80, !file[at], 0, 0xFF] {
                changed[at] = byte;
                try_out(&format!("{name}: {byte:#X} at {at}"), &changed);
            }
            changed[at] = file[at];
        }
    }
}

/// The scan header and tables of a grey picture, with data of one's own.
fn grey(marker: u8, table: &[u8], interval: u16, scans: &[(&[u8; 3], &[u8])]) -> Vec<u8> {
    let mut file = vec![0xFF, SOI];
    let mut segment = |marker, payload: &[u8]| {
        write_segment(marker, payload, &mut file).expect("short");
    };
    segment(DQT_MARKER, &[1; 65]);
    segment(marker, &[8, 0, 64, 0, 64, 1, 1, 0x11, 1]);
    for class in [0, 0x10] {
        segment(0xC4, &[&[class], table].concat());
    }
    segment(0xDD, &interval.to_be_bytes());
    for (band, data) in scans {
        write_segment(SOS, &[&[1, 1, 0], &band[..]].concat(), &mut file).expect("short");
        file.extend_from_slice(data);
    }
    file.extend_from_slice(&[0xFF, EOI]);
    file
}

#[test]
fn codes_and_runs_that_lead_nowhere_are_refused() {
    let no_codes = [0; 16];
    let one = |symbol: u8| {
        let mut table = [0; 17];
        (table[0], table[16]) = (1, symbol);
        table
    };
    let zeros = [0; 64];
    for (name, file) in [
        (
            "no codes",
            grey(0xC0, &no_codes, 0, &[(&[0, 63, 0], &zeros)]),
        ),
        (
            "sixteen zeros for ever",
            grey(0xC0, &one(0xF0), 0, &[(&[0, 63, 0], &zeros)]),
        ),
        (
            "past the last",
            grey(0xC0, &one(0xE1), 0, &[(&[0, 63, 0], &zeros)]),
        ),
        (
            "numbers of 16 bits",
            grey(0xC0, &one(0x10), 0, &[(&[0, 63, 0], &zeros)]),
        ),
        ("nothing", grey(0xC0, &one(0), 0, &[(&[0, 63, 0], &[])])),
        (
            "fewer intervals",
            grey(0xC0, &one(0), 1, &[(&[0, 63, 0], &zeros)]),
        ),
        ("AC first", grey(0xC2, &one(0), 0, &[(&[1, 63, 0], &zeros)])),
        (
            "refining nothing",
            grey(0xC2, &one(0), 0, &[(&[0, 0, 0x10], &zeros)]),
        ),
        (
            "too high",
            grey(0xC2, &one(0x0F), 0, &[(&[0, 0, 0x0D], &[0x7F; 640])]),
        ),
    ] {
        assert!(turned(&file, Turn::NONE).is_err(), "{name}");
    }
    let again: [(&[u8; 3], &[u8]); 2] = [(&[0, 0, 0], &zeros), (&[0, 0, 0], &zeros)];
    assert_eq!(
        turned(&grey(0xC2, &one(0), 0, &again), Turn::NONE),
        Err(BROKEN)
    );
}

#[test]
fn an_interval_longer_than_the_picture_is_the_picture() {
    let mut table = [0; 17];
    table[0] = 1;
    let file = grey(0xC0, &table, u16::MAX, &[(&[0, 63, 0], &[0; 16])]);
    assert_eq!(
        turned(&file, Turn::NONE).map(|file| file.is_some()),
        Ok(true)
    );
}

/// A run of ended blocks reaches past the last block.
#[test]
fn a_run_ends_with_its_interval() {
    let mut table = [0; 17];
    (table[0], table[16]) = (1, 0xE0);
    let dc_is_zero = grey(
        0xC2,
        &[&[1][..], &[0; 15], &[0]].concat(),
        0,
        &[(&[0, 0, 0], &[0; 8])],
    );
    let (head, end) = dc_is_zero.split_at(dc_is_zero.len() - 2);
    let mut ac = Vec::new();
    write_segment(0xC4, &[&[0x10], &table[..]].concat(), &mut ac).expect("short");
    write_segment(SOS, &[1, 1, 0, 1, 63, 0], &mut ac).expect("short");
    let file = [head, &ac, &[0x7F, 0xFE], end].concat();
    assert_eq!(
        turned(&file, Turn::NONE).map(|file| file.is_some()),
        Ok(true)
    );
}
