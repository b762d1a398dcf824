use gif::{Encoder, Frame};

use super::super::fixtures::{gif_carriers, has_marker};
use super::*;
use crate::item::Header;
use crate::stage::testing::{gif, gif_animation};

const HEADER_END: usize = 13 + 768;

/// Pixels that no compressor finds a pattern in, so that the dictionary fills up.
fn noise(n_pixels: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..n_pixels).map(|_| next()).collect()
}

fn noise_gif(width: u16, height: u16) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255).flat_map(|entry| [entry; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &palette).expect("memory");
    let pixels = noise(usize::from(width) * usize::from(height));
    let frame = Frame::from_indexed_pixels(width, height, pixels, None);
    encoder.write_frame(&frame).expect("memory");
    drop(encoder);
    bytes
}

/// The joined compressed data of the only picture.
fn stream(gif: &[u8]) -> Vec<u8> {
    let image = gif[HEADER_END..]
        .iter()
        .position(|byte| *byte == IMAGE)
        .expect("a picture");
    block::read(&mut Cursor::new(&gif[HEADER_END + image + 11..])).expect("whole")
}

#[test]
fn p02_only_the_picture_passes_the_second_look() {
    // What this adds can only be told from picture by rebuilding.
    let inside_the_picture = ["gif colours no pixel has"];
    for (name, file) in gif_carriers() {
        let is_inside = inside_the_picture.contains(&name);
        assert_eq!(verify(&file).is_ok(), is_inside, "{name}");
        let clean = rebuild(&file).unwrap_or_else(|reject| panic!("{name}: {reject}"));
        assert!(verify(&clean).is_ok(), "{name}");
    }
}

#[test]
fn a_full_dictionary_does_not_lose_the_count() {
    for (width, height) in [(1, 1), (3, 1), (64, 64), (300, 200)] {
        let file = noise_gif(width, height);
        let clean = rebuild(&file).expect("a clean file");
        assert_eq!(stream(&clean), stream(&file), "{width} x {height}");
    }
}

#[test]
fn data_is_cut_after_the_last_pixel() {
    let whole = stream(&noise_gif(64, 64));
    let exact = |data: &[u8], pixels| lzw::exact_stream(data, 8, pixels, &mut Used::default());
    let cut = |pixels| exact(&whole, pixels).expect("known codes");
    let half = cut(64 * 32);
    assert!(half.len() < whole.len() / 2 + 16);
    assert_eq!(exact(&half, 64 * 32).as_ref(), Ok(&half));
    assert_eq!(cut(64 * 64), whole);
}

#[test]
fn a_code_that_does_not_exist_is_refused() {
    // Clear, then code 300 of a dictionary of 258, nine bits each.
    let data = [0x00, 0x59, 0x02];
    assert!(matches!(
        lzw::exact_stream(&data, 8, 10, &mut Used::default()),
        Err(Reject::Malformed { .. })
    ));
}

#[test]
fn p02_extensions_with_more_than_they_need_are_cut() {
    let plain = gif(40, 24);
    for extension in [&b"\x21\x77\x11"[..], b"\x21\xF9\x04\x04\x05\0\x09\x11"] {
        let marker = super::super::fixtures::MARKER;
        let file = [
            &plain[..HEADER_END],
            extension,
            marker,
            &[0],
            &plain[HEADER_END..],
        ]
        .concat();
        assert!(has_marker(&file) && !has_marker(&rebuild(&file).expect("a clean file")));
    }
}

#[test]
fn a_missing_trailer_is_added_and_a_missing_block_is_not() {
    let file = gif(40, 24);
    let clean = rebuild(&file).expect("a clean file");
    assert_eq!(rebuild(&file[..file.len() - 1]).as_ref(), Ok(&clean));
    assert_eq!(rebuild(&file[..file.len() - 2]), Err(Reject::Truncated));
}

#[test]
fn a_screen_without_a_size_grows_to_its_first_frame() {
    let mut file = gif(40, 24);
    file[6..10].fill(0);
    let clean = rebuild(&file).expect("a clean file");
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
fn the_loop_count_is_kept_whoever_wrote_it() {
    let plain = gif(40, 24);
    for name in [b"NETSCAPE2.0", b"ANIMEXTS1.0"] {
        let extension = [&[0x21, 0xFF, 11], &name[..], &[3, 1, 7, 0, 0]].concat();
        let file = [&plain[..HEADER_END], &extension, &plain[HEADER_END..]].concat();
        let clean = rebuild(&file).expect("a clean file");
        assert!(clean[HEADER_END..].starts_with(b"\x21\xFF\x0BNETSCAPE2.0\x03\x01\x07\0\0"));
    }
}

#[test]
fn p02_colours_no_pixel_has_are_black() {
    let mut file = gif_animation(40, 24, 2);
    // The frames have tables of their own: grey, and a transparent 9, 9, 9.
    let table = file
        .windows(6)
        .position(|colours| colours == [0, 0, 0, 9, 9, 9])
        .expect("the first frame's table");
    file[table + 3..table + 6].copy_from_slice(b"GPS");
    let clean = rebuild(&file).expect("a clean file");
    assert!(!clean.windows(3).any(|three| three == b"GPS"));
    let plain = rebuild(&gif_animation(40, 24, 2)).expect("a clean file");
    assert_eq!(clean, plain);
}
