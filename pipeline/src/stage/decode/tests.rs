mod animations;
mod avifs;
mod jpegs;
mod mutations;
mod shrunk;
mod stills;

use super::*;
use crate::item::Upload;
use crate::stage::sniff::sniff;
use crate::stage::testing;

fn frames(bytes: &[u8]) -> Result<Vec<Pixels>, Reject> {
    let limits = Limits::default();
    let sniffed = sniff(
        Upload {
            bytes: bytes.into(),
        },
        &limits,
    )?;
    decode(sniffed, &limits).map(|decoded| decoded.frames)
}

/// The only frame of a still.
fn still(bytes: &[u8]) -> Pixels {
    let mut frames = frames(bytes).unwrap();
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

/// The largest difference of any sample.
fn distance(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap_or(0)
}

fn assert_shows_gradient(name: &str, pixels: &Pixels, tolerance: u8) {
    let gradient = testing::gradient(pixels.width, pixels.height);
    let found = distance(&pixels.rgb, &gradient);
    assert!(found <= tolerance, "{name} differs by {found}");
}

/// The colour of a picture that has only one within `columns`.
fn colour_of(pixels: &Pixels, columns: std::ops::Range<u32>) -> [u8; 3] {
    let (rgb, _) = pixels.rgb.as_chunks::<3>();
    let mut colours: Vec<[u8; 3]> = (0..)
        .zip(rgb)
        .filter(|(pixel_idx, _)| columns.contains(&(pixel_idx % pixels.width)))
        .map(|(_, colour)| *colour)
        .collect();
    colours.dedup();
    assert_eq!(colours.len(), 1, "{colours:?}");
    colours[0]
}
