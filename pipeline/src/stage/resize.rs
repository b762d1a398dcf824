//! Reduces each sampled frame to the squares the classifier reads.

use imgshare_kernels::cpu::bilinear::{RgbView, resize_align_corners};

use super::backdrop::{blend_with_black, turn_black_to_white};
use crate::item::{Looked, Pixels, Prepared};

/// Samples every frame into squares of `side` pixels, the way the models'
/// preprocessing id names: one square of an opaque frame; two of one that
/// something shines through, over black and over white, because a picture may
/// be seen on one background and not on the other.
///
/// # Panics
/// If `side` is zero.
pub fn resize(looked: Looked, side: u32) -> Prepared {
    let Looked { clean, sha256, pdq } = looked;
    let slots = clean
        .frames
        .into_iter()
        .flat_map(|frame| slots(frame, side))
        .collect();
    Prepared {
        scrubbed: clean.scrubbed,
        sha256,
        pdq,
        slots,
    }
}

fn slots(mut frame: Pixels, side: u32) -> Vec<Box<[u16]>> {
    let Some(alpha) = frame.alpha.take() else {
        return vec![slot(&frame, side)];
    };
    blend_with_black(&mut frame.rgb, &alpha);
    let over_black = slot(&frame, side);
    turn_black_to_white(&mut frame.rgb, &alpha);
    vec![over_black, slot(&frame, side)]
}

fn slot(frame: &Pixels, side: u32) -> Box<[u16]> {
    let view = RgbView::new(&frame.rgb, frame.width, frame.height)
        .expect("a decoded frame holds three bytes for each of its pixels");
    let side_px = usize::try_from(side).expect("a side of 32 bits fits the address space");
    let mut slot = vec![0; side_px * side_px * 3].into_boxed_slice();
    resize_align_corners(view, side, &mut slot);
    slot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Clean, Format, Header, Scrubbed};

    fn resized(frames: Vec<Pixels>, side: u32) -> Prepared {
        let scrubbed = Scrubbed {
            bytes: [0].into(),
            format: Format::Gif,
            header: Header {
                width: 3,
                height: 2,
                frames: 2,
            },
        };
        let looked = Looked {
            clean: Clean { scrubbed, frames },
            sha256: [7; 32],
            pdq: None,
        };
        resize(looked, side)
    }

    #[test]
    fn every_opaque_frame_fills_a_slot() {
        let frame = |grey| Pixels {
            width: 3,
            height: 2,
            rgb: vec![grey; 18],
            alpha: None,
        };
        let prepared = resized(vec![frame(0), frame(255)], 5);
        assert_eq!(prepared.sha256, [7; 32]);
        assert_eq!(prepared.slots.len(), 2);
        assert_eq!(*prepared.slots[0], [0; 75]);
        assert_eq!(*prepared.slots[1], [65_535; 75]);
    }

    #[test]
    fn what_shines_through_is_seen_over_black_and_over_white() {
        // One pixel a case: as large as the square, so that none is mixed.
        for (sample, alpha, over_black, over_white) in [
            (200, 255, 200, 200),
            (200, 0, 0, 255),
            (200, 128, 100, 227),
            (0, 128, 0, 127),
            (255, 128, 128, 255),
            (255, 1, 1, 255),
            (3, 170, 2, 87),
        ] {
            let frame = Pixels {
                width: 1,
                height: 1,
                rgb: vec![sample; 3],
                alpha: Some(vec![alpha]),
            };
            let slots = resized(vec![frame], 1).slots;
            let filled = |grey: u16| vec![grey * 257; 3].into_boxed_slice();
            assert_eq!(slots, [filled(over_black), filled(over_white)]);
        }
    }
}
