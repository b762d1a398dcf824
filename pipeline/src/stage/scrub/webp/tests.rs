use super::super::fixtures::{has_marker, webp_carriers, webp_file};
use super::*;
use crate::item::Header;
use crate::stage::testing::{webp, webp_chunk, webp_lossy};

fn canvas(flags: u8, width: u8) -> Vec<u8> {
    webp_chunk(b"VP8X", &[flags, 0, 0, 0, width - 1, 0, 0, 23, 0, 0])
}

#[test]
fn p02_only_the_picture_passes_the_second_look() {
    let inside_the_picture = [
        "webp behind an uncompressed alpha plane",
        "webp behind a lossless picture",
        "webp behind a lossy picture",
        "webp behind a compressed alpha plane",
    ];
    for (name, file) in webp_carriers() {
        assert_eq!(
            verify(&file).is_ok(),
            inside_the_picture.contains(&name),
            "{name}"
        );
        let clean = rebuild(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(verify(&clean).is_ok() && !has_marker(&clean), "{name}");
    }
}

#[test]
fn flags_say_what_is_there() {
    let picture = &webp(40, 24)[12..];
    let all_flags = webp_file(&[&canvas(0x3D, 40), picture].concat());
    let clean = rebuild(&all_flags).expect("a clean file");
    // Profile, Exif and XMP are not there; alpha is the picture's own affair.
    assert_eq!(clean[20], FLAG_ALPHA);
    assert_eq!(
        verify(&clean),
        Ok(Header {
            width: 40,
            height: 24,
            frames: 1
        })
    );
}

#[test]
fn a_simple_lossless_file_stays_as_it_is() {
    let file = webp(40, 24);
    assert_eq!(rebuild(&file).as_ref(), Ok(&file));
}

#[test]
fn a_lossy_file_loses_no_more_than_its_encoder_added() {
    // libwebp closes its partitions with a byte to spare.
    let file = webp_lossy();
    let clean = rebuild(&file).expect("a clean file");
    assert!(clean.len() <= file.len() && clean.len() + 2 >= file.len());
    assert_eq!(rebuild(&clean).as_ref(), Ok(&clean));
}

#[test]
fn padding_is_written_as_zero() {
    let mut data = webp(40, 24)[20..].to_vec();
    data.resize(data.len() | 1, 0);
    let mut file = webp_file(&webp_chunk(b"VP8L", &data));
    let clean = rebuild(&file).expect("a clean file");
    *file.last_mut().expect("a file") = b'!';
    assert_eq!(rebuild(&file), Ok(clean));
}

#[test]
fn a_picture_that_does_not_fit_its_canvas_is_refused() {
    let file = webp_file(&[&canvas(0, 41), &webp(40, 24)[12..]].concat());
    assert!(matches!(rebuild(&file), Err(Reject::Malformed { .. })));
}

#[test]
fn an_animation_without_frames_is_refused() {
    let file = webp_file(&[canvas(FLAG_ANIMATION, 40), webp_chunk(b"ANIM", &[0; 6])].concat());
    assert!(matches!(rebuild(&file), Err(Reject::Malformed { .. })));
}

#[test]
fn a_file_shorter_than_it_says_is_cut_off() {
    let file = webp(40, 24);
    assert_eq!(rebuild(&file[..file.len() - 1]), Err(Reject::Truncated));
}
