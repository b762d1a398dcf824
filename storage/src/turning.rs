//! The eight ways in which a picture can lie.

use serde::{Deserialize, Serialize};

use crate::{PerceptualHash, hex_bytes};

/// Bits along each side of a perceptual hash: a row a frequency from top to bottom,
/// a column one from left to right.
const SIDE: usize = 16;

/// What was done to a picture.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Turning {
    /// Nothing.
    #[default]
    Upright,
    /// Left is right.
    Mirrored,
    /// Top is bottom.
    Flipped,
    /// Turned by 180 degrees.
    HalfTurn,
    /// Turned to the right by 90 degrees.
    RightTurn,
    /// Turned to the left by 90 degrees.
    LeftTurn,
    /// Mirrored along the diagonal that falls to the right.
    Transposed,
    /// Mirrored along the diagonal that rises to the right.
    Transverse,
}

impl Turning {
    /// What makes it upright again.
    #[must_use]
    pub fn inverse(self) -> Self {
        match self {
            Self::RightTurn => Self::LeftTurn,
            Self::LeftTurn => Self::RightTurn,
            own => own,
        }
    }
}

/// The perceptual hashes of a picture as it would be once turned. Those of the other
/// four ways follow from these and from the upright picture's: see
/// [`PerceptualHash::turnings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnedHashes {
    /// Of the picture mirrored.
    #[serde(with = "hex_bytes")]
    pub mirrored: [u8; 32],
    /// Of the picture flipped.
    #[serde(with = "hex_bytes")]
    pub flipped: [u8; 32],
    /// Of the picture turned by 180 degrees.
    #[serde(with = "hex_bytes")]
    pub half_turned: [u8; 32],
}

impl TurnedHashes {
    /// What can be said where nothing but a hash is known: of a list's, and of images
    /// stored before these were kept.
    ///
    /// The frequencies of a turned picture are those of the upright one, some with
    /// the other sign. Their bits say on which side of the median they lie, and the
    /// median is next to zero. So most bits are right: in photos up to 20 of the 256
    /// were not, 8 in the middle, the fewest in large ones; of drawings in pixels up
    /// to 60.
    fn guessed(hash: &[u8; 32]) -> Self {
        let inverted = |is_inverted: fn(usize, usize) -> bool| {
            of_bits(|row, column| bit(hash, row, column) != is_inverted(row, column))
        };
        Self {
            mirrored: inverted(|_, column| is_odd(column)),
            flipped: inverted(|row, _| is_odd(row)),
            half_turned: inverted(|row, column| is_odd(row) != is_odd(column)),
        }
    }
}

impl PerceptualHash {
    /// A hash of which nothing more is known.
    #[must_use]
    pub fn bare(hash: [u8; 32], quality: u8) -> Self {
        Self {
            hash,
            quality,
            turned: None,
        }
    }

    /// The hashes that the picture has in each way of lying, the upright one first.
    ///
    /// With width and height exchanged, frequencies along one are those along the
    /// other: the same bits, read column by column.
    #[must_use]
    pub fn turnings(&self) -> [(Turning, [u8; 32]); 8] {
        let turned = self
            .turned
            .unwrap_or_else(|| TurnedHashes::guessed(&self.hash));
        [
            (Turning::Upright, self.hash),
            (Turning::Mirrored, turned.mirrored),
            (Turning::Flipped, turned.flipped),
            (Turning::HalfTurn, turned.half_turned),
            (Turning::RightTurn, by_columns(&turned.flipped)),
            (Turning::LeftTurn, by_columns(&turned.mirrored)),
            (Turning::Transposed, by_columns(&self.hash)),
            (Turning::Transverse, by_columns(&turned.half_turned)),
        ]
    }
}

fn by_columns(hash: &[u8; 32]) -> [u8; 32] {
    of_bits(|row, column| bit(hash, column, row))
}

/// Whether the frequency of a row or column is: the first is 1.
fn is_odd(idx: usize) -> bool {
    idx.is_multiple_of(2)
}

/// The last bits come first.
fn bit(hash: &[u8; 32], row: usize, column: usize) -> bool {
    let idx = row * SIDE + column;
    hash[31 - idx / 8] >> (idx % 8) & 1 == 1
}

fn of_bits(bit: impl Fn(usize, usize) -> bool) -> [u8; 32] {
    let mut hash = [0; 32];
    for row in 0..SIDE {
        for column in 0..SIDE {
            let idx = row * SIDE + column;
            hash[31 - idx / 8] |= u8::from(bit(row, column)) << (idx % 8);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(hash: [u8; 32], turned: Option<TurnedHashes>) -> PerceptualHash {
        PerceptualHash {
            turned,
            ..PerceptualHash::bare(hash, 100)
        }
    }

    fn turned(pdq: &PerceptualHash, by: Turning) -> [u8; 32] {
        let turnings = pdq.turnings();
        turnings
            .into_iter()
            .find(|(turning, _)| *turning == by)
            .unwrap()
            .1
    }

    const ALL: [Turning; 8] = [
        Turning::Upright,
        Turning::Mirrored,
        Turning::Flipped,
        Turning::HalfTurn,
        Turning::RightTurn,
        Turning::LeftTurn,
        Turning::Transposed,
        Turning::Transverse,
    ];

    proptest! {
        #[test]
        fn what_was_turned_back_is_upright(hash: [u8; 32]) {
            for turning in ALL {
                let there = turned(&of(hash, None), turning);
                prop_assert_eq!(turned(&of(there, None), turning.inverse()), hash);
            }
        }

        #[test]
        fn two_quarter_turns_are_a_half(hash: [u8; 32]) {
            for quarter in [Turning::LeftTurn, Turning::RightTurn] {
                let once = of(turned(&of(hash, None), quarter), None);
                let half = turned(&of(hash, None), Turning::HalfTurn);
                prop_assert_eq!(turned(&once, quarter), half);
            }
        }
    }

    #[test]
    fn what_is_known_is_not_guessed() {
        let known = TurnedHashes {
            mirrored: [1; 32],
            flipped: [2; 32],
            half_turned: [3; 32],
        };
        let pdq = of([0; 32], Some(known));
        assert_eq!(turned(&pdq, Turning::Mirrored), [1; 32]);
        assert_eq!(turned(&pdq, Turning::Flipped), [2; 32]);
        assert_eq!(turned(&pdq, Turning::HalfTurn), [3; 32]);
        assert_eq!(turned(&pdq, Turning::Transposed), [0; 32]);
    }

    /// The first row of frequencies is the last two bytes, its first bit the lowest
    /// of the last.
    #[test]
    fn rows_become_columns() {
        let mut row = [0; 32];
        row[31] = 0b0000_0110;
        let mut column = [0; 32];
        (column[29], column[27]) = (1, 1);
        assert_eq!(turned(&of(row, None), Turning::Transposed), column);
    }
}
