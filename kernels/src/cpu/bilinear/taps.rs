//! Where each output position samples the source along one axis.

/// Two neighbouring source positions and the weight of the second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    pub(super) near: usize,
    pub(super) far: usize,
    /// 0.0..1.0
    pub(super) far_weight: f32,
}

/// One tap for each of `output` positions along an axis of `input` positions,
/// each index multiplied by `stride`. Both lengths are at least 1.
///
/// The scale is an f32, as in the tfjs backends that users run (WebGL, wasm);
/// a square of one pixel has no far corner and samples the first position.
pub(super) fn taps(input: usize, output: usize, stride: usize) -> Vec<Tap> {
    let last = input - 1;
    let scale = if output > 1 {
        to_f32(last) / to_f32(output - 1)
    } else {
        0.0
    };
    let tap = |idx| {
        let position = to_f32(idx) * scale;
        let near = floor(position).min(last);
        Tap {
            near: near * stride,
            far: (near + 1).min(last) * stride,
            // The product can round up to or past the last position, where
            // there is nothing left to blend with.
            far_weight: if near == last {
                0.0
            } else {
                position - to_f32(near)
            },
        }
    };
    (0..output).map(tap).collect()
}

#[expect(clippy::cast_precision_loss, reason = "image sides are far below 2^24")]
fn to_f32(value: usize) -> f32 {
    value as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position is never negative and below 2^24"
)]
fn floor(position: f32) -> usize {
    position as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tap_stays_inside() {
        for input in [1, 2, 3, 223, 224, 225, 4608, 12_000, 65_535] {
            for output in [1, 2, 3, 224, 299] {
                let taps = taps(input, output, 1);
                assert_eq!(taps.len(), output);
                assert_eq!(
                    taps[0],
                    Tap {
                        near: 0,
                        far: 1.min(input - 1),
                        far_weight: 0.0
                    }
                );
                for tap in &taps {
                    assert!(
                        tap.near < input && tap.far < input,
                        "{input} -> {output}: {tap:?}"
                    );
                    assert!(
                        (0.0..1.0).contains(&tap.far_weight),
                        "{input} -> {output}: {tap:?}"
                    );
                }
            }
        }
    }
}
