//! Reduces each sampled frame to the square the classifier reads.

use imgshare_kernels::cpu::bilinear::{RgbView, resize_align_corners};

use crate::item::{Looked, Pixels, Prepared};

/// Samples every frame into a square of `side` pixels, the way the models'
/// preprocessing id names.
///
/// # Panics
/// If `side` is zero.
pub fn resize(looked: Looked, side: u32) -> Prepared {
    let Looked { clean, sha256, pdq } = looked;
    let slots = clean.frames.iter().map(|frame| slot(frame, side)).collect();
    Prepared {
        scrubbed: clean.scrubbed,
        sha256,
        pdq,
        slots,
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

    #[test]
    fn every_frame_fills_a_slot() {
        let header = Header {
            width: 3,
            height: 2,
            frames: 2,
        };
        let scrubbed = Scrubbed {
            bytes: [0].into(),
            format: Format::Gif,
            header,
        };
        let frame = |grey| Pixels {
            width: 3,
            height: 2,
            rgb: vec![grey; 18],
        };
        let clean = Clean {
            scrubbed,
            frames: vec![frame(0), frame(255)],
        };
        let prepared = resize(
            Looked {
                clean,
                sha256: [7; 32],
                pdq: None,
            },
            5,
        );
        assert_eq!(prepared.sha256, [7; 32]);
        assert_eq!(prepared.slots.len(), 2);
        assert_eq!(*prepared.slots[0], [0; 75]);
        assert_eq!(*prepared.slots[1], [65_535; 75]);
    }
}
