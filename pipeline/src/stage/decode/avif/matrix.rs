//! From luma and chroma to red, green and blue (ITU-T H.273, 8.3), in integers,
//! so that every machine gives the same pixels.

use crate::error::Reject;
use crate::stage::sniff::avif::ColourConfig;

/// Fraction bits of every factor. The samples have up to 16 bits and the sum of
/// three products stays below 2^60; the rounding of factors is felt at 2^-15.
const FRACTION_BITS: u32 = 32;
const HALF: i64 = 1 << (FRACTION_BITS - 1);

/// Chroma comes in sixteenths, as the blending of four neighbours gives it.
pub(super) const CHROMA_PARTS: i64 = 16;

/// The rule for one picture: to three numbers from 0 to `white`.
pub(super) struct Matrix {
    white: i64,
    luma: Scale,
    colour: Colour,
}

/// An offset to take off and a factor to multiply with.
#[derive(Clone, Copy)]
struct Scale {
    offset: i64,
    factor: i64,
}

enum Colour {
    /// The channels are green, blue and red themselves.
    Identity { other: Scale },
    /// What blue and red chroma add to red, green and blue.
    Differences { offset: i64, adds: [[i64; 2]; 3] },
}

impl Matrix {
    /// The rule for the matrix coefficients with the number `matrix`.
    ///
    /// # Errors
    /// Coefficients that are not linear, or that stills are never coded with.
    pub(super) fn new(
        config: ColourConfig,
        matrix: u8,
        full_range: bool,
        white: u16,
    ) -> Result<Self, Reject> {
        let depth = config.depth;
        let (black, luma_span, chroma_span) = if full_range {
            let span = (1_u32 << depth) - 1;
            (0, span, span)
        } else {
            let unit = 1_u32 << (depth - 8);
            (16 * unit, 219 * unit, 224 * unit)
        };
        let whole = f64::from(white);
        let luma = Scale {
            offset: i64::from(black),
            factor: fixed(whole / f64::from(luma_span)),
        };
        let colour = if config.monochrome {
            Colour::Differences {
                offset: 0,
                adds: [[0; 2]; 3],
            }
        } else if matrix == 0 {
            if config.halved_across {
                return Err(UNSUPPORTED);
            }
            Colour::Identity {
                other: Scale {
                    offset: i64::from(black) * CHROMA_PARTS,
                    factor: fixed(whole / f64::from(luma_span) / 16.0),
                },
            }
        } else {
            let unit = whole / f64::from(chroma_span) / 16.0;
            Colour::Differences {
                offset: CHROMA_PARTS << (depth - 1),
                adds: differences(matrix)?.map(|row| row.map(|factor| fixed(factor * unit))),
            }
        };
        Ok(Self {
            white: i64::from(white),
            luma,
            colour,
        })
    }

    /// One pixel; chroma in parts of [`CHROMA_PARTS`], zero where there is none.
    pub(super) fn rgb(&self, luma: u16, chroma: [i64; 2]) -> [u16; 3] {
        let y = self.luma.of(luma.into());
        let sums = match &self.colour {
            Colour::Identity { other } => [other.of(chroma[1]), y, other.of(chroma[0])],
            Colour::Differences { offset, adds } => {
                let [u, v] = chroma.map(|part| part - offset);
                adds.map(|[of_u, of_v]| y + of_u * u + of_v * v)
            }
        };
        sums.map(|sum| self.round(sum))
    }

    /// Luma alone, for grey and for alpha.
    pub(super) fn grey(&self, luma: u16) -> u16 {
        self.round(self.luma.of(luma.into()))
    }

    fn round(&self, sum: i64) -> u16 {
        let level = ((sum + HALF) >> FRACTION_BITS).clamp(0, self.white);
        u16::try_from(level).unwrap_or(u16::MAX)
    }
}

impl Scale {
    fn of(self, sample: i64) -> i64 {
        (sample - self.offset) * self.factor
    }
}

const UNSUPPORTED: Reject = Reject::UnsupportedFormat {
    advice: Some(
        "This AVIF describes its colours in a way we do not read: save it as PNG or JPEG.",
    ),
};

/// What full blue and red chroma add to red, green and blue.
fn differences(matrix: u8) -> Result<[[f64; 2]; 3], Reject> {
    // The shares of red and blue in the luma (table 4).
    let (red, blue) = match matrix {
        1 => (0.2126, 0.0722),
        // Unspecified: what libavif and with it browsers take it for.
        2 | 5 | 6 => (0.299, 0.114),
        4 => (0.30, 0.11),
        7 => (0.212, 0.087),
        // YCgCo: green and orange instead of blue and red.
        8 => return Ok([[-1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]]),
        9 => (0.2627, 0.0593),
        _ => return Err(UNSUPPORTED),
    };
    let green = 1.0 - red - blue;
    let (of_blue, of_red) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
    Ok([
        [0.0, of_red],
        [-of_blue * blue / green, -of_red * red / green],
        [of_blue, 0.0],
    ])
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "factors are below 2^10 and are rounded on purpose"
)]
fn fixed(value: f64) -> i64 {
    (value * f64::from(1_u32 << 16) * f64::from(1_u32 << 16)).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(depth: u8) -> ColourConfig {
        ColourConfig {
            depth,
            monochrome: false,
            halved_across: false,
            halved_down: false,
            chroma_position: 0,
            primaries: 2,
            transfer: 2,
            matrix: 2,
            full_range: true,
        }
    }

    /// H.273, equations 20 to 58, solved for the colours, in floating point.
    fn oracle(
        (depth, matrix, full_range): (u8, u8, bool),
        [y, u, v]: [u16; 3],
        white: f64,
    ) -> [f64; 3] {
        let top = f64::from((1_u32 << depth) - 1);
        let unit = f64::from(1_u32 << (depth - 8));
        let [y, u, v] = [y, u, v].map(f64::from);
        let luma = |sample: f64| {
            if full_range {
                sample / top
            } else {
                (sample - 16.0 * unit) / (219.0 * unit)
            }
        };
        if matrix == 0 {
            return [luma(v), luma(y), luma(u)].map(|level| level * white);
        }
        let chroma = |sample: f64| {
            let centred = sample - 128.0 * unit;
            if full_range {
                centred / top
            } else {
                centred / (224.0 * unit)
            }
        };
        let (y, pb, pr) = (luma(y), chroma(u), chroma(v));
        if matrix == 8 {
            let rest = y - pb;
            return [rest + pr, y + pb, rest - pr].map(|level| level * white);
        }
        let (kr, kb) = match matrix {
            1 => (0.2126, 0.0722),
            9 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        let r = y + 2.0 * (1.0 - kr) * pr;
        let b = y + 2.0 * (1.0 - kb) * pb;
        let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|level| level * white)
    }

    #[test]
    fn every_rule_rounds_as_floating_point_does() {
        for depth in [8, 10, 12] {
            for matrix in [0, 1, 2, 6, 8, 9] {
                for (full_range, white) in [(true, 255), (false, 255), (false, 4095)] {
                    let rule = Matrix::new(config(depth), matrix, full_range, white)
                        .expect("a linear rule");
                    let top = (1_u16 << depth) - 1;
                    let levels = || {
                        (0..=top)
                            .step_by(usize::from(top / 36))
                            .chain([top, top / 2 + 1])
                    };
                    for y in levels() {
                        for u in levels() {
                            for v in levels() {
                                let exact =
                                    oracle((depth, matrix, full_range), [y, u, v], white.into());
                                let chroma = [u, v].map(|part| i64::from(part) * CHROMA_PARTS);
                                let found = rule.rgb(y, chroma);
                                for (found, exact) in found.into_iter().zip(exact) {
                                    let exact = exact.clamp(0.0, white.into());
                                    let off = (f64::from(found) - exact).abs();
                                    // A half by rounding, and the factors' own.
                                    assert!(off < 0.5 + 1e-4, "{depth} {matrix} {y} {u} {v}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn grey_reaches_from_black_to_white() {
        let mono = |depth, full_range| {
            let config = ColourConfig {
                monochrome: true,
                ..config(depth)
            };
            Matrix::new(config, 2, full_range, 255).expect("grey needs no matrix")
        };
        assert_eq!([0, 1, 255].map(|y| mono(8, true).grey(y)), [0, 1, 255]);
        assert_eq!(
            [0, 16, 126, 235, 255].map(|y| mono(8, false).grey(y)),
            [0, 0, 128, 255, 255]
        );
        assert_eq!([64, 940].map(|y| mono(10, false).grey(y)), [0, 255]);
    }

    #[test]
    fn rules_that_are_not_linear_are_refused() {
        for matrix in [3, 10, 11, 13, 14, 200] {
            let refused = Matrix::new(config(10), matrix, false, 255).err();
            assert_eq!(refused, Some(UNSUPPORTED), "{matrix}");
        }
        let halved = ColourConfig {
            halved_across: true,
            ..config(8)
        };
        assert!(Matrix::new(halved, 0, true, 255).is_err());
    }
}
