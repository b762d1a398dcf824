//! Reduces each sampled frame to the squares the classifier reads.

use imgshare_kernels::cpu::bilinear::{RgbView, resize_align_corners};

use super::backdrop::{blend_with_black, turn_black_to_white};
use crate::item::{Looked, Pixels, Prepared, Sides, Squares};

/// Samples every frame into squares of `sides`, the way the models'
/// preprocessing id names: one square of an opaque frame; two of one that
/// something shines through, over black and over white, because a picture may
/// be seen on one background and not on the other.
///
/// # Panics
/// If a side is zero.
pub fn resize(looked: Looked, sides: Sides) -> Prepared {
    let Looked { clean, sha256, pdq } = looked;
    let mut prepared = Prepared {
        scrubbed: clean.scrubbed,
        sha256,
        pdq,
        slots: Vec::new(),
        second_slots: Vec::new(),
        shadow_slots: Vec::new(),
    };
    if let Some(shrunk) = clean.shrunk {
        prepared.push(shrunk.squares);
    }
    for mut frame in clean.frames {
        let Some(alpha) = frame.alpha.take() else {
            prepared.sample(&frame, sides);
            continue;
        };
        blend_with_black(&mut frame.rgb, &alpha);
        prepared.sample(&frame, sides);
        turn_black_to_white(&mut frame.rgb, &alpha);
        prepared.sample(&frame, sides);
    }
    prepared
}

impl Prepared {
    fn sample(&mut self, frame: &Pixels, sides: Sides) {
        self.push(Squares::of(sides, |side| slot(frame, side)));
    }

    fn push(&mut self, squares: Squares) {
        self.slots.push(squares.first);
        self.second_slots.extend(squares.second);
        self.shadow_slots.extend(squares.shadow);
    }
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
        resize(looked(frames), side.into())
    }

    fn looked(frames: Vec<Pixels>) -> Looked {
        let scrubbed = Scrubbed {
            bytes: [0].into(),
            format: Format::Gif,
            header: Header {
                width: 3,
                height: 2,
                frames: 2,
            },
        };
        Looked {
            clean: Clean {
                scrubbed,
                frames,
                shrunk: None,
            },
            sha256: [7; 32],
            pdq: None,
        }
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
    fn a_cascade_has_every_frame_in_both_sizes() {
        let frame = |alpha| Pixels {
            width: 3,
            height: 2,
            rgb: vec![255; 18],
            alpha,
        };
        let frames = vec![frame(None), frame(Some(vec![0; 6]))];
        let sides = Sides {
            first: 5,
            second: Some(7),
            shadow: None,
        };
        let prepared = resize(looked(frames), sides);
        let lengths = |slots: &[Box<[u16]>]| slots.iter().map(|slot| slot.len()).collect();
        let (first, second): (Vec<_>, Vec<_>) =
            (lengths(&prepared.slots), lengths(&prepared.second_slots));
        assert_eq!((first, second), (vec![75; 3], vec![147; 3]));
        assert_eq!(*prepared.second_slots[1], [0; 147]);
        assert_eq!(*prepared.second_slots[2], [65_535; 147]);
        assert!(resized(vec![frame(None)], 5).second_slots.is_empty());
    }

    #[test]
    fn a_candidate_has_every_frame_in_its_own_size() {
        let frame = Pixels {
            width: 3,
            height: 2,
            rgb: (0..18).collect(),
            alpha: Some(vec![9; 6]),
        };
        for (side, second) in [(5, None), (7, Some(7)), (9, Some(7)), (9, None)] {
            let sides = Sides {
                first: 5,
                second,
                shadow: Some(side),
            };
            let prepared = resize(looked(vec![frame.clone()]), sides);
            let alone = resized(vec![frame.clone()], side);
            assert_eq!(
                prepared.shadow_slots, alone.slots,
                "{side} beside {second:?}"
            );
        }
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
