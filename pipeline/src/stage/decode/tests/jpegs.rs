use super::*;
use crate::stage::testing::JpegKind;

#[test]
fn colour_is_close() {
    for kind in [
        JpegKind::Baseline,
        JpegKind::Progressive,
        JpegKind::Restarts,
        JpegKind::Ycck,
    ] {
        let pixels = still(&testing::jpeg_of_kind(64, 48, kind));
        assert_shows_gradient(&format!("{kind:?}"), &pixels, 16);
    }
    // No colour is halved.
    assert_shows_gradient(
        "cmyk",
        &still(&testing::jpeg_of_kind(64, 48, JpegKind::Cmyk)),
        6,
    );
}

/// Where the markers contradict each other, browsers believe JFIF.
#[test]
fn the_colour_space_is_the_one_browsers_show() {
    let jpeg = testing::jpeg(64, 48);
    let shown = still(&jpeg);
    let rgb_by_adobe = [&[0xFF, 0xEE, 0, 14][..], b"Adobe\0\x64\0\0\0\0\0"].concat();
    let both = [&jpeg[..20], &rgb_by_adobe, &jpeg[20..]].concat();
    assert_eq!(still(&both), shown);
    let adobe_only = [&jpeg[..2], &rgb_by_adobe, &jpeg[20..]].concat();
    assert_ne!(still(&adobe_only), shown);

    let mut rgb_by_name = jpeg.clone();
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    let scan = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDA])
        .unwrap();
    for (component_idx, id) in b"RGB".iter().enumerate() {
        rgb_by_name[frame + 10 + 3 * component_idx] = *id;
        rgb_by_name[scan + 5 + 2 * component_idx] = *id;
    }
    assert_eq!(still(&rgb_by_name), shown);
    let name_only = [&rgb_by_name[..2], &rgb_by_name[20..]].concat();
    assert_eq!(still(&name_only), still(&adobe_only));
}

/// zune-jpeg 0.5.15 decodes these to noise and reports success.
#[test]
fn what_would_be_decoded_to_noise_is_refused() {
    let several_scans = testing::jpeg_of_several_scans(64, 48);
    assert_eq!(
        frames(&several_scans).unwrap_err().code(),
        "unsupported-format"
    );

    let jpeg = testing::jpeg(64, 48);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    for (luma, chroma) in [
        (0x11, 0x22),
        (0x11, 0x21),
        (0x21, 0x12),
        (0x31, 0x11),
        (0x31, 0x21),
    ] {
        let mut bytes = jpeg.clone();
        bytes[frame + 11] = luma;
        bytes[frame + 14] = chroma;
        let code = frames(&bytes).unwrap_err().code();
        assert_eq!(code, "unsupported-format", "{luma:#X} {chroma:#X}");
    }
}

#[test]
fn grey_is_repeated_in_every_channel() {
    let pixels = still(&testing::jpeg_of_kind(64, 48, JpegKind::Grey));
    let green: Vec<u8> = testing::gradient(64, 48)
        .into_iter()
        .skip(1)
        .step_by(3)
        .flat_map(|g| [g; 3])
        .collect();
    assert!(distance(&pixels.rgb, &green) <= 4);
}

#[test]
fn odd_sizes_decode() {
    for (width, height) in [(1, 1), (1, 40), (40, 1), (15, 17), (16, 16), (17, 33)] {
        for kind in [JpegKind::Baseline, JpegKind::Progressive, JpegKind::Grey] {
            let pixels = still(&testing::jpeg_of_kind(width, height, kind));
            assert_eq!(
                (pixels.width, pixels.height),
                (width.into(), height.into()),
                "{kind:?}"
            );
        }
    }
}

/// Phones write such files; libjpeg shows them with a warning at most.
#[test]
fn a_sloppy_photo_is_accepted() {
    let jpeg = testing::jpeg(64, 48);
    let clean = still(&jpeg);
    let exif = [&[0xFF, 0xE1, 0, 10][..], b"Exif\0\0II"].concat();
    let broken_iptc = [0xFF, 0xED, 0, 2];
    let second_picture = testing::jpeg(16, 16);
    for (name, bytes) in [
        ("trailing bytes", [&jpeg[..], b"SEFT motion photo"].concat()),
        (
            "a second picture behind it",
            [&jpeg[..], &second_picture].concat(),
        ),
        (
            "odd bytes between segments",
            [&jpeg[..20], &[0; 40], &jpeg[20..]].concat(),
        ),
        ("fill bytes", [&jpeg[..2], &[0xFF; 7], &jpeg[2..]].concat()),
        (
            "metadata",
            [&jpeg[..2], &exif, &broken_iptc, &jpeg[2..]].concat(),
        ),
        (
            "zeros before the end",
            [&jpeg[..jpeg.len() - 2], &[0; 64], &jpeg[jpeg.len() - 2..]].concat(),
        ),
    ] {
        assert_eq!(
            frames(&bytes).map(|frames| frames[0].rgb == clean.rgb),
            Ok(true),
            "{name}"
        );
    }
}

#[test]
fn a_jpeg_cut_anywhere_is_truncated() {
    for kind in [
        JpegKind::Baseline,
        JpegKind::Progressive,
        JpegKind::Restarts,
        JpegKind::Grey,
    ] {
        let bytes = testing::jpeg_of_kind(64, 48, kind);
        for length in 3..bytes.len() {
            assert_eq!(
                frames(&bytes[..length]),
                Err(Reject::Truncated),
                "{kind:?} at {length}"
            );
        }
    }
}

#[test]
fn a_scan_that_stops_early_is_truncated_though_the_file_has_an_end() {
    for kind in [
        JpegKind::Baseline,
        JpegKind::Restarts,
        JpegKind::Grey,
        JpegKind::Cmyk,
    ] {
        let bytes = testing::jpeg_of_kind(160, 120, kind);
        let scan = bytes
            .windows(2)
            .rposition(|pair| pair == [0xFF, 0xDA])
            .unwrap()
            + 20;
        for length in [scan, scan + (bytes.len() - scan) / 2, bytes.len() - 60] {
            let cut = [&bytes[..length], &[0xFF, 0xD9]].concat();
            assert_eq!(frames(&cut), Err(Reject::Truncated), "{kind:?} at {length}");
        }
    }
}

#[test]
fn a_flat_jpeg_is_not_mistaken_for_a_short_one() {
    // A whole row of a flat picture takes fewer bytes than the decoder reads ahead.
    for side in [8, 16, 24, 64, 200, 640] {
        let mut bytes = Vec::new();
        let grey = vec![128; 3 * usize::from(side) * usize::from(side)];
        jpeg_encoder::Encoder::new(&mut bytes, 50)
            .encode(&grey, side, side, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        assert!(
            still(&bytes)
                .rgb
                .iter()
                .all(|sample| sample.abs_diff(128) <= 1),
            "{side}"
        );
    }
}

#[test]
fn a_second_frame_header_cannot_enlarge_the_image() {
    let small = testing::jpeg(16, 16);
    let large = testing::jpeg_with_size(60_000, 60_000);
    let frame = |bytes: &[u8]| {
        bytes
            .windows(2)
            .position(|pair| pair == [0xFF, 0xC0])
            .unwrap()
    };
    let header = &large[frame(&large)..frame(&large) + 19];
    let at = frame(&small) + 19;
    let bytes = [&small[..at], header, &small[at..]].concat();
    assert_eq!(
        frames(&bytes),
        Err(Reject::Malformed {
            detail: "the JPEG has two frame headers"
        })
    );
}
