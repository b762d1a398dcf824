//! PDQ, a perceptual hash of 256 bits: pictures that look alike have hashes
//! that differ in few bits, whatever their size, quality or container.
//!
//! As published by Meta, "The PDQ image hashing algorithm" (ThreatExchange,
//! `hashing.pdf`): luma, a tent filter as two passes of box filters, 64 x 64
//! samples of it, the 16 x 16 lowest frequencies without the constant ones, and
//! a bit for each that says whether it lies above their median.
//!
//! Two hashes are taken for the same picture up to a distance of 31 bits; a
//! hash of a quality below 50 says too little to be compared.

mod frequencies;
mod luma;
#[cfg(test)]
mod scalar;
mod shrink;
mod tent;

pub use luma::LumaPdq;

use super::bilinear::RgbView;

/// Samples along each side of what the hash is taken of.
const SIDE: usize = 64;

/// The least width and height that has a hash, in pixels.
const SIDE_MIN: usize = 5;

/// A perceptual hash and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdq {
    /// The bits, the highest frequencies first, as PDQ is written in
    /// hexadecimal.
    pub hash: [u8; 32],
    /// What the hash would be if the picture were turned.
    pub turned: Turned,
    /// How much there is to tell the picture by, 0..=100.
    pub quality: u8,
}

/// The hashes of a picture as it would be after it was turned, without turning it:
/// a picture that somebody mirrored or turned has another hash than before.
///
/// With the hash of the upright picture these are four of the eight ways in which
/// a picture can lie. The other four have width and height exchanged besides, and
/// need no hashes of their own: their bits are these with the 16 x 16 of them read
/// column by column. `mirrored` read so is the hash of the picture turned to the
/// left by 90 degrees, `flipped` to the right, `half_turned` that of the picture
/// mirrored along the diagonal that rises to the right, and the upright one's that
/// of the other diagonal.
///
/// They are those of the turned pixels but for bits whose frequency lies within
/// rounding errors of the median.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Left for right.
    pub mirrored: [u8; 32],
    /// Top for bottom.
    pub flipped: [u8; 32],
    /// Both: by 180 degrees.
    pub half_turned: [u8; 32],
}

/// Hashes a picture; `None` for one with a side below five pixels, which the
/// reference does not hash either.
///
/// Equal to the reference's hash but for bits whose frequency lies within
/// rounding errors of the median: the reference's running sums in f32 drift,
/// the weighted sums here do not.
#[must_use]
pub fn pdq(src: RgbView<'_>) -> Option<Pdq> {
    (src.width.min(src.height) >= SIDE_MIN).then(|| of_samples(&shrink::shrink(src)))
}

/// Row-major luma, 0.0..=255.0.
type Samples = [[f32; SIDE]; SIDE];

/// From which end of an axis the samples are placed.
///
/// The filter is not the same from both: its windows lie up to one and a half
/// pixels off the middle, to the right and below. That is a third of the distance
/// between samples in a picture of 480 pixels, and more in smaller ones; without
/// its being heeded, 18 of the 256 bits were wrong in photos of 640 x 480.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forwards,
    Backwards,
}

/// Samples by the way of their rows, then by that of their columns. All have the
/// order of the upright picture.
type Ways = [[Samples; 2]; 2];

fn of_samples(ways: &Ways) -> Pdq {
    let (hash, turned) = frequencies::hashes(ways);
    Pdq {
        hash,
        turned,
        quality: quality(&ways[0][0]),
    }
}

/// The sum of the differences between neighbours, each in whole percent of the
/// range so that only those that can be seen count. Scaled by the constant that
/// the reference found by trial.
fn quality(samples: &Samples) -> u8 {
    let percent = |from: f32, to: f32| ((from - to) * 100.0 / 255.0).abs().trunc();
    let across = samples
        .iter()
        .flat_map(|row| row.windows(2).map(|pair| percent(pair[0], pair[1])));
    let down = samples.windows(2).flat_map(|rows| {
        let pairs = rows[0].iter().zip(&rows[1]);
        pairs.map(|(&above, &below)| percent(above, below))
    });
    // At most 8,064 differences of 100: exact in f32.
    let total: f32 = across.chain(down).sum();
    percentage((total / 90.0).min(100.0))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value lies in 0.0..=100.0"
)]
fn percentage(value: f32) -> u8 {
    value as u8
}

#[cfg(test)]
mod tests;
