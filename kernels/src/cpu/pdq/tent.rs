//! Which source positions along one axis each sample averages, and how much
//! each of them weighs.

use std::ops::Range;

use super::SIDE;

/// One sample's weights along an axis; they sum to 1.
pub(super) struct Tent {
    /// The source position of the first weight.
    pub(super) first: usize,
    pub(super) weights: Vec<f32>,
}

/// The tents of all samples along an axis of `input` positions, at least one.
///
/// The reference runs a box filter over the whole picture twice and keeps what
/// lies at the samples' centres. A box of a box is a tent, so that only the
/// tents at the centres are needed: each source position is read once or twice.
/// At the picture's edge the boxes are cut off, and average what is left.
pub(super) fn tents(input: usize) -> Vec<Tent> {
    (0..SIDE).map(|sample| tent(input, sample)).collect()
}

/// The same from the other end: what the samples of the reversed axis average, in
/// the order of this one.
pub(super) fn backwards(input: usize) -> Vec<Tent> {
    let mut tents = tents(input);
    tents.reverse();
    for tent in &mut tents {
        tent.first = input - tent.end();
        tent.weights.reverse();
    }
    tents
}

impl Tent {
    /// The position behind the last weight.
    pub(super) fn end(&self) -> usize {
        self.first + self.weights.len()
    }

    /// How much a source position weighs.
    pub(super) fn weight(&self, position: usize) -> f32 {
        let idx = position.checked_sub(self.first);
        idx.and_then(|idx| self.weights.get(idx).copied())
            .unwrap_or(0.0)
    }
}

fn tent(input: usize, sample: usize) -> Tent {
    let outer = boxed(input, centre(input, sample));
    let first = boxed(input, outer.start).start;
    let end = boxed(input, outer.end - 1).end;
    // Every box adds a step up at its start and a step down behind its end.
    let mut steps = vec![0.0_f64; end - first + 1];
    for position in outer.clone() {
        let inner = boxed(input, position);
        let weight = 1.0 / (to_f64(outer.len()) * to_f64(inner.len()));
        steps[inner.start - first] += weight;
        steps[inner.end - first] -= weight;
    }
    let mut weight = 0.0;
    let weights = steps[..end - first]
        .iter()
        .map(|step| {
            weight += step;
            to_f32(weight)
        })
        .collect();
    Tent { first, weights }
}

/// The source position that a sample is centred on.
pub(super) fn centre(input: usize, sample: usize) -> usize {
    (2 * sample + 1) * input / (2 * SIDE)
}

/// The positions that the box filter averages for one position: half a sample's
/// distance wide, rounded up, and one more behind than before when even.
pub(super) fn boxed(input: usize, position: usize) -> Range<usize> {
    let window = input.div_ceil(2 * SIDE);
    let end = position + window / 2 + 1;
    position.saturating_sub((window - 1) / 2)..end.min(input)
}

#[expect(clippy::cast_precision_loss, reason = "a box is far below 2^52 wide")]
fn to_f64(value: usize) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a weight, 0.0..=1.0")]
fn to_f32(weight: f64) -> f32 {
    weight as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tent_averages_positions_inside() {
        for input in [1, 5, 63, 64, 127, 128, 129, 1000, 3264, 12_000, 65_535] {
            let tents = tents(input);
            assert_eq!(tents.len(), SIDE);
            for tent in &tents {
                assert!(tent.first + tent.weights.len() <= input);
                assert!(tent.weights.iter().all(|&weight| weight >= 0.0));
                let sum: f32 = tent.weights.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{input}: {sum}");
            }
        }
    }

    #[test]
    fn backwards_is_what_the_reversed_axis_has() {
        let weights = |tent: &Tent, input: usize| {
            let before = vec![0.0; tent.first];
            let behind = vec![0.0; input - tent.first - tent.weights.len()];
            [before, tent.weights.clone(), behind].concat()
        };
        for input in [5, 64, 129, 480, 3264] {
            let backwards = backwards(input);
            for (tent, reversed) in tents(input).iter().zip(backwards.iter().rev()) {
                let mut reversed = weights(reversed, input);
                reversed.reverse();
                assert_eq!(weights(tent, input), reversed, "{input}");
            }
        }
    }

    #[test]
    fn a_whole_tent_rises_and_falls_evenly() {
        // 1024 / 128: boxes of 8, and of 8 boxes.
        let tent = tent(1024, 30);
        let expected = (1..=8).chain((1..8).rev()).map(|n| n as f32 / 64.0);
        assert_eq!(tent.weights, expected.collect::<Vec<_>>());
        assert_eq!(tent.first, centre(1024, 30) - 6);
    }

    #[test]
    fn up_to_128_positions_are_only_picked() {
        for input in [5, 64, 128] {
            for (sample, tent) in tents(input).iter().enumerate() {
                assert_eq!(tent.weights, [1.0]);
                assert_eq!(tent.first, centre(input, sample));
            }
        }
    }
}
