use super::super::fixtures::{
    before_last, has_marker, jpeg_carriers, profile, segment, with_segments,
};
use super::super::icc::Space;
use super::super::scrub_encoded;
use super::*;
use crate::item::{Format, Header};
use crate::stage::testing::{JpegKind, jpeg, jpeg_of_kind};

/// Where the first segment of a marker begins.
fn find(jpeg: &[u8], marker: u8) -> usize {
    jpeg.windows(2)
        .position(|two| two == [0xFF, marker])
        .expect("the segment")
}

fn count(jpeg: &[u8], marker: u8) -> usize {
    jpeg.windows(2).filter(|two| *two == [0xFF, marker]).count()
}

#[test]
fn p02_only_the_picture_passes_the_second_look() {
    let header = Header {
        width: 40,
        height: 24,
        frames: 1,
    };
    for (name, file) in jpeg_carriers() {
        assert!(verify(&file).is_err(), "{name}");
        let clean = scrub_encoded(file.into(), Format::Jpeg, header);
        let clean = clean.unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert_eq!(verify(clean.bytes()), Ok(header), "{name}");
    }
}

/// Ones, zeros, stuffed bytes and whole intervals; behind scans and intervals.
#[test]
fn p02_nothing_hides_behind_the_last_block() {
    let header = Header {
        width: 40,
        height: 24,
        frames: 1,
    };
    let scrubbed = |file: &[u8]| scrub_encoded(file.into(), Format::Jpeg, header);
    let ends: [fn(u8) -> bool; 3] = [
        |marker| marker == EOI,
        |marker| marker == SOS || marker == DHT,
        |marker| matches!(marker, 0xD0..=0xD7),
    ];
    for (kind, n_ends) in [
        (JpegKind::Baseline, 1),
        (JpegKind::Cmyk, 1),
        (JpegKind::Progressive, 2),
        (JpegKind::Restarts, 3),
    ] {
        let plain = jpeg_of_kind(40, 24, kind);
        let clean = scrubbed(&plain).expect("a clean file");
        assert!(verify(clean.bytes()) == Ok(header), "{kind:?}");
        let ends = ends.iter().take(n_ends).enumerate();
        for (end, is_end) in ends.filter(|(end, _)| *end != 1 || kind == JpegKind::Progressive) {
            for hidden in [&[0xFF, 0][..], &[0], &[0x80; 9], &[0; 500], b"48.2514N"] {
                let dirty = before_last(clean.bytes(), is_end, hidden);
                assert_eq!(verify(&dirty), Err(TAIL), "{kind:?} {end}");
                let cut = scrubbed(&dirty).expect("a clean file");
                assert!(cut.bytes() == clean.bytes(), "{kind:?} {end}");
            }
        }
    }
    let restarts = scrubbed(&jpeg_of_kind(40, 24, JpegKind::Restarts)).expect("a clean file");
    let interval = [&[0xFF, 0xD1][..], b"48.2514N"].concat();
    let dirty = before_last(restarts.bytes(), |marker| marker == EOI, &interval);
    assert!(verify(&dirty).is_err());
    assert!(scrubbed(&dirty).is_ok_and(|cut| cut.bytes() == restarts.bytes()));
}

#[test]
fn scans_that_are_overwritten_or_reach_too_far_are_refused() {
    let file = rebuild(&jpeg_of_kind(40, 24, JpegKind::Progressive)).expect("a clean file");
    let last_scan = file
        .windows(2)
        .rposition(|two| two == [0xFF, SOS])
        .expect("scans");
    let end = file.len() - 2;
    let twice = [&file[..end], &file[last_scan..]].concat();
    assert!(verify(&twice).is_err_and(|unclean| unclean.contains("overwritten")));

    // One code of one bit; 15 blocks. The first says that each block ends, the
    // second that 2^14 do, and 14 bits more say how many others.
    let grey = |ac: u8| {
        let scan = |band: [u8; 3]| segment(SOS, &[&[1, 1, 0][..], &band].concat());
        let table = |class, symbol| {
            let counts = [&[1][..], &[0; 15]].concat();
            segment(DHT, &[&[class], &counts[..], &[symbol]].concat())
        };
        [
            &[0xFF, SOI][..],
            &segment(DQT, &[1; 65]),
            &segment(0xC2, &[8, 0, 24, 0, 40, 1, 1, 0x11, 1]),
            &[table(0, 0), scan([0, 0, 0]), vec![0, 1]].concat(),
            &[table(0x10, ac), scan([1, 63, 0]), vec![0, 1]].concat(),
            &[0xFF, EOI],
        ]
        .concat()
    };
    assert!(verify(&grey(0)).is_ok());
    assert!(verify(&grey(0xE0)).is_err_and(|unclean| unclean.contains("blocks")));
}

#[test]
fn compressed_data_is_copied_byte_for_byte() {
    let before = jpeg(40, 24);
    let after = rebuild(&before).expect("a clean file");
    let scan = |jpeg: &[u8]| jpeg[find(jpeg, SOS)..].to_vec();
    assert_eq!(scan(&before), scan(&after));
}

#[test]
fn fill_bytes_before_a_restart_marker_are_left_out() {
    let plain = jpeg_of_kind(40, 24, JpegKind::Restarts);
    let scan = find(&plain, SOS);
    let restart = scan + find(&plain[scan..], 0xD0);
    let filled = [&plain[..restart], &[0xFF, 0xFF], &plain[restart..]].concat();
    assert_eq!(rebuild(&filled), rebuild(&plain));
    assert!(rebuild(&plain).is_ok());
}

#[test]
fn compressed_data_behind_a_scan_is_refused() {
    let plain = jpeg(40, 24);
    let (scan, end) = plain.split_at(plain.len() - 2);
    for stray in [&[0xFF, 0x01][..], &[0xFF, 0xFE, 0, 2, 1, 0xFF, 0xD0]] {
        let file = [scan, stray, end].concat();
        assert!(matches!(rebuild(&file), Err(Reject::Malformed { .. })));
    }
}

#[test]
fn a_jfif_header_keeps_its_meaning_whatever_its_units() {
    let plain = jpeg(40, 24);
    let units = find(&plain, APP0) + 4 + 7;
    let mut odd = plain.clone();
    odd[units] = 3;
    let clean = rebuild(&odd).expect("a clean file");
    assert_eq!(clean[units..units + 5], [0, 0, 1, 0, 1]);
}

#[test]
fn a_file_without_its_end_is_cut_off() {
    let mut file = jpeg(40, 24);
    file.truncate(file.len() - 2);
    assert_eq!(rebuild(&file), Err(Reject::Truncated));
}

#[test]
fn a_picture_inside_the_picture_is_refused() {
    let nested = with_segments(&jpeg(40, 24), &[0xFF, SOI]);
    assert!(matches!(rebuild(&nested), Err(Reject::Malformed { .. })));
}

#[test]
fn restart_markers_need_an_interval() {
    let file = jpeg_of_kind(40, 24, JpegKind::Restarts);
    assert!(rebuild(&file).is_ok());
    let interval = find(&file, DRI);
    let without = [&file[..interval], &file[interval + 6..]].concat();
    assert!(matches!(rebuild(&without), Err(Reject::Malformed { .. })));
}

#[test]
fn a_table_is_written_once_and_only_if_used() {
    let file = jpeg(40, 24);
    let steps = segment(DQT, &[&[3], &[9; 64][..]].concat());
    let repeated = with_segments(&file, &steps.repeat(5));
    let clean = rebuild(&repeated).expect("a clean file");
    assert_eq!(clean, rebuild(&file).expect("a clean file"));
    assert_eq!(count(&clean, DQT), 2);
}

#[test]
fn tables_that_are_no_code_are_refused() {
    let mut counts = [0; 16];
    counts[0] = 3;
    let impossible = segment(DHT, &[&[0], &counts[..], &[1, 2, 3]].concat());
    let with_a_tail = segment(DQT, &[&[0], &[9; 64][..], b"tail"].concat());
    for tables in [impossible, with_a_tail] {
        let file = with_segments(&jpeg(40, 24), &tables);
        assert!(matches!(rebuild(&file), Err(Reject::Malformed { .. })));
    }
}

#[test]
fn a_scan_without_its_table_is_refused() {
    let file = jpeg(40, 24);
    let (start, end) = (find(&file, DHT), find(&file, SOS));
    let without = [&file[..start], &file[end..]].concat();
    assert!(matches!(rebuild(&without), Err(Reject::Malformed { .. })));
}

#[test]
fn the_colour_transform_survives_without_its_company_and_density_does_not() {
    let jfif = segment(APP0, b"JFIF\0\x01\x02\x01\0\x48\0\x49\0\0");
    let adobe = segment(APP14, b"Adobe\0\x65\x80\0\0\0\x01");
    let plain = jpeg(40, 24);
    let jfif_end = find(&plain, APP0) + 2 + 16;
    let bare = [&plain[..2], &plain[jfif_end..]].concat();
    let clean = rebuild(&with_segments(&bare, &[jfif, adobe].concat())).expect("a clean file");
    let expected = [
        &[0xFF, SOI][..],
        &segment(APP0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        &segment(APP14, b"Adobe\0\x64\0\0\0\0\x01"),
    ]
    .concat();
    assert!(clean.starts_with(&expected));
    // A file without JFIF gets none: it decides how colours are read.
    assert_eq!(count(&rebuild(&bare).expect("a clean file"), APP0), 0);
}

#[test]
fn a_profile_in_chunks_is_joined_in_order() {
    let profile = profile();
    let (first, second) = profile.split_at(100);
    let chunk =
        |number: u8, count: u8, data: &[u8]| segment(APP2, &[ICC, &[number, count], data].concat());
    let whole = with_segments(&jpeg(40, 24), &chunk(1, 1, &profile));
    let swapped = with_segments(
        &jpeg(40, 24),
        &[chunk(2, 2, second), chunk(1, 2, first)].concat(),
    );
    let clean = rebuild(&swapped).expect("a clean file");
    assert_eq!(clean, rebuild(&whole).expect("a clean file"));
    assert!(count(&clean, APP2) == 1 && !has_marker(&clean));

    let ours = Space::AdobeRgb.profile().expect("it has one");
    assert!(clean.windows(ours.len()).any(|window| window == ours));

    let missing = with_segments(&jpeg(40, 24), &chunk(2, 2, second));
    assert_eq!(count(&rebuild(&missing).expect("a clean file"), APP2), 0);
}
