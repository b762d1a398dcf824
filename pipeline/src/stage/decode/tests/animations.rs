use ::gif::DisposalMethod;
use ::png::{BlendOp, DisposeOp};

use super::*;
use crate::stage::testing::{GifFrame, PngFrame, WebpFrame};

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const BLACK: [u8; 3] = [0, 0, 0];

/// The colours of the left and the right half of each sampled frame.
fn halves(bytes: &[u8]) -> Vec<[[u8; 3]; 2]> {
    let halves = |frame: &Pixels| {
        let middle = frame.width / 2;
        [
            colour_of(frame, 0..middle),
            colour_of(frame, middle..frame.width),
        ]
    };
    frames(bytes).unwrap().iter().map(halves).collect()
}

fn gif_frame(area: [u16; 4], colour: [u8; 3], dispose: DisposalMethod) -> GifFrame {
    GifFrame {
        area,
        colour,
        transparent_rows: 0,
        dispose,
        interlaced: false,
    }
}

#[test]
fn frames_are_sampled_by_place_and_by_their_difference_from_the_first() {
    for (n_frames, sampled) in [
        (1, &[0][..]),
        (2, &[0, 1]),
        (3, &[0, 1, 2]),
        (7, &[0, 1, 2, 3, 4, 5, 6]),
        (9, &[0, 2, 4, 5, 6, 7, 8]),
        (100, &[0, 25, 50, 75, 97, 98, 99]),
    ] {
        let frames = frames(&testing::gif_animation(4, 4, n_frames)).unwrap();
        let greys: Vec<u8> = frames.iter().map(|frame| frame.rgb[0]).collect();
        assert_eq!(greys, sampled, "of {n_frames}");
    }
}

/// The only picture that differs, wherever it stands and in whatever format.
#[test]
fn one_frame_that_differs_is_sampled_wherever_it_stands() {
    for differing in 0..40_usize {
        let colour = |frame_idx| if frame_idx == differing { RED } else { GREEN };
        let gif_frames: Vec<GifFrame> = (0..40)
            .map(|idx| gif_frame([0, 0, 8, 6], colour(idx), DisposalMethod::Keep))
            .collect();
        let [png_frame, ..] = PngFrame::plain_colours(8, 6);
        let [webp_frame, ..] = WebpFrame::plain_colours(8, 6);
        let rgba = |idx| {
            let [r, g, b] = colour(idx);
            [r, g, b, 255]
        };
        let png_frames: Vec<PngFrame> = (0..40)
            .map(|idx| PngFrame {
                colour: rgba(idx),
                ..png_frame
            })
            .collect();
        let webp_frames: Vec<WebpFrame> = (0..40)
            .map(|idx| WebpFrame {
                colour: rgba(idx),
                ..webp_frame
            })
            .collect();
        for (format, bytes) in [
            ("gif", testing::gif_of_frames(&gif_frames, (8, 6))),
            ("apng", testing::apng(&png_frames, (8, 6), false)),
            ("webp", testing::webp_animation(&webp_frames, (8, 6))),
        ] {
            let shown = halves(&bytes);
            // The others are all alike and are classified once.
            assert_eq!(shown.len(), 2, "{format}, {differing}");
            assert!(shown.contains(&[RED, RED]), "{format}, {differing}");
        }
    }
}

/// A short scene differs less from the first frame than another does, and is
/// not at any quarter point.
#[test]
fn the_two_most_different_frames_count() {
    let colour = |frame_idx| match frame_idx {
        // Nearly the first frame's colour.
        7..10 => [0, 250, 0],
        13 => RED,
        23 => BLUE,
        _ => GREEN,
    };
    let frames: Vec<GifFrame> = (0..40)
        .map(|idx| gif_frame([0, 0, 8, 6], colour(idx), DisposalMethod::Keep))
        .collect();
    let shown = halves(&testing::gif_of_frames(&frames, (8, 6)));
    assert_eq!(shown, [[GREEN, GREEN], [RED, RED], [BLUE, BLUE]]);
}

#[test]
fn a_small_part_that_differs_is_enough() {
    let mut frames = vec![gif_frame([0, 0, 640, 480], GREEN, DisposalMethod::Keep); 12];
    // A hundredth of the area, gone again with the next frame.
    frames[5] = gif_frame([300, 200, 64, 48], RED, DisposalMethod::Previous);
    frames[6] = gif_frame([0, 0, 1, 1], GREEN, DisposalMethod::Keep);
    let bytes = testing::gif_of_frames(&frames, (640, 480));
    let sampled = super::frames(&bytes).unwrap();
    assert_eq!(sampled.len(), 2);
    let inside = 3 * (220 * 640 + 320);
    assert_eq!(sampled[1].rgb[inside..inside + 3], RED);
}

#[test]
fn invisible_colour_is_no_difference_but_alpha_is() {
    let [mut frame, ..] = PngFrame::plain_colours(8, 6);
    frame.colour = [255, 0, 0, 255];
    let mut half = frame;
    half.colour = [255, 0, 0, 128];
    let mut frames = [frame; 12];
    frames[5] = half;
    let sampled = super::frames(&testing::apng(&frames, (8, 6), false)).unwrap();
    assert_eq!(sampled.len(), 2);
    assert_eq!(sampled[1].alpha, Some(vec![128; 48]));
}

#[test]
fn frames_build_on_each_other() {
    let expected = [[RED, RED], [GREEN, RED], [GREEN, BLUE]];
    let png = testing::apng(&PngFrame::plain_colours(8, 6), (8, 6), false);
    assert_eq!(halves(&png), expected);
    let webp = testing::webp_animation(&WebpFrame::plain_colours(8, 6), (8, 6));
    assert_eq!(halves(&webp), expected);
    let gif = testing::gif_of_frames(
        &[
            gif_frame([0, 0, 8, 6], RED, DisposalMethod::Keep),
            gif_frame([0, 0, 4, 6], GREEN, DisposalMethod::Any),
            gif_frame([4, 0, 4, 6], BLUE, DisposalMethod::Keep),
        ],
        (8, 6),
    );
    assert_eq!(halves(&gif), expected);
}

#[test]
fn extensions_nobody_knows_are_skipped() {
    const HEADER_AND_PALETTE: usize = 13 + 3 * 256;
    let plain = testing::gif(8, 6);
    let (head, image) = plain.split_at(HEADER_AND_PALETTE);
    let extended = [head, &[0x21, 0x42, 2, 7, 7, 1, 7, 0], image].concat();
    assert!(frames(&extended) == frames(&plain) && frames(&plain).is_ok());
}

#[test]
fn a_gif_disposes_as_it_says() {
    let shown = |dispose| {
        let left = gif_frame([0, 0, 4, 6], GREEN, dispose);
        let first = gif_frame([0, 0, 8, 6], RED, DisposalMethod::Keep);
        let last = gif_frame([4, 0, 4, 6], BLUE, DisposalMethod::Keep);
        halves(&testing::gif_of_frames(&[first, left, last], (8, 6)))[2]
    };
    assert_eq!(shown(DisposalMethod::Keep), [GREEN, BLUE]);
    assert_eq!(shown(DisposalMethod::Background), [BLACK, BLUE]);
    assert_eq!(shown(DisposalMethod::Previous), [RED, BLUE]);
}

#[test]
fn a_webp_disposes_and_blends_as_it_says() {
    let [first, mut left, mut right] = WebpFrame::plain_colours(8, 6);
    left.disposes = true;
    let shown = halves(&testing::webp_animation(&[first, left, right], (8, 6)));
    assert_eq!(shown, [[RED, RED], [GREEN, RED], [BLACK, BLUE]]);

    right.colour = [0, 0, 255, 0];
    right.blends = true;
    let shown = halves(&testing::webp_animation(&[first, left, right], (8, 6)));
    assert_eq!(shown[2], [BLACK, RED]);
}

#[test]
fn an_apng_disposes_and_blends_as_it_says() {
    let [first, mut left, mut right] = PngFrame::plain_colours(8, 6);
    left.dispose = DisposeOp::Background;
    let shown = halves(&testing::apng(&[first, left, right], (8, 6), false));
    assert_eq!(shown[2], [BLACK, BLUE]);

    left.dispose = DisposeOp::Previous;
    right.colour = [0, 0, 255, 0];
    right.blend = BlendOp::Over;
    let shown = halves(&testing::apng(&[first, left, right], (8, 6), false));
    // The last frame shows what the first did.
    assert_eq!(shown, [[RED, RED], [GREEN, RED]]);
}

/// A still that only old viewers show would otherwise be a hiding place.
#[test]
fn the_still_beside_an_apng_is_classified_too() {
    let frames = PngFrame::plain_colours(8, 6);
    let shown = halves(&testing::apng(&frames, (8, 6), true));
    let white = [[255; 3]; 2];
    assert_eq!(shown, [white, [RED, RED], [GREEN, RED], [GREEN, BLUE]]);
}

#[test]
fn transparency_interlacing_and_offsets_of_a_gif() {
    let mut lower = gif_frame([2, 2, 4, 8], GREEN, DisposalMethod::Keep);
    lower.transparent_rows = 3;
    lower.interlaced = true;
    let first = gif_frame([0, 0, 8, 10], RED, DisposalMethod::Keep);
    let frames = frames(&testing::gif_of_frames(&[first, lower], (8, 10))).unwrap();
    let (rgb, _) = frames[1].rgb.as_chunks::<3>();
    for (pixel_idx, colour) in rgb.iter().enumerate() {
        let (x, y) = (pixel_idx % 8, pixel_idx / 8);
        let inside = (2..6).contains(&x) && (2..7).contains(&y);
        assert_eq!(*colour, if inside { GREEN } else { RED }, "{x}, {y}");
    }
}

#[test]
fn a_broken_last_frame_is_found() {
    let gif = testing::gif_animation(64, 64, 5);
    let last = gif
        .windows(5)
        .rposition(|block| block == [0x2C, 0, 0, 0, 0])
        .unwrap();
    let mut bytes = gif.clone();
    // The first code after the palette, where the clear code belongs.
    let coded = last + 10 + 6 + 2;
    bytes[coded..gif.len() - 3].fill(0xFF);
    assert!(frames(&bytes).is_err());

    let png = testing::apng(&PngFrame::plain_colours(8, 6), (8, 6), false);
    let mut bytes = png.clone();
    let last = png.windows(4).rposition(|name| name == b"fdAT").unwrap();
    bytes[last + 12] ^= 0xFF;
    assert!(frames(&bytes).is_err());
}
