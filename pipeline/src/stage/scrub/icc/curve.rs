//! Tone curves as functions from 0..=1 to 0..=1 (ICC.1:2022, 10.6 and 10.18).

use crate::stage::cursor::Cursor;

/// From a device value to linear light.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stage) enum Curve {
    /// Values at equal distances, with straight lines between them.
    Table(Vec<u16>),
    /// Function type and its parameters g, a, b, c, d, e, f.
    Parametric(u16, [f64; 7]),
}

/// The curve of sRGB (IEC 61966-2-1).
pub(in crate::stage) const SRGB: Curve = Curve::Parametric(
    3,
    [
        2.4,
        1.0 / 1.055,
        0.055 / 1.055,
        1.0 / 12.92,
        0.040_45,
        0.0,
        0.0,
    ],
);

impl Curve {
    /// A power of the device value.
    pub(in crate::stage) fn gamma(exponent: f64) -> Self {
        Self::Parametric(0, [exponent, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    }

    /// The curve of a canonical `curv` or `para` element.
    pub(in crate::stage) fn read(element: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(element);
        let kind: [u8; 4] = cursor.array().ok()?;
        cursor.take(4).ok()?;
        if kind == *b"para" {
            let function = cursor.u16_be().ok()?;
            cursor.take(2).ok()?;
            let mut parameters = [0.0; 7];
            for parameter in &mut parameters {
                let Ok(number) = cursor.u32_be() else { break };
                *parameter = f64::from(number.cast_signed()) / 65_536.0;
            }
            return Some(Self::Parametric(function, parameters));
        }
        let count = cursor.u32_be().ok()?;
        let (values, _) = cursor.rest().as_chunks::<2>();
        Some(match (count, values) {
            (0, _) => Self::gamma(1.0),
            (1, [exponent, ..]) => Self::gamma(f64::from(u16::from_be_bytes(*exponent)) / 256.0),
            _ => Self::Table(
                values
                    .iter()
                    .map(|value| u16::from_be_bytes(*value))
                    .collect(),
            ),
        })
    }

    /// The element that [`Curve::read`] reads.
    pub(super) fn element(&self) -> Vec<u8> {
        match self {
            Self::Table(values) => {
                let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
                let values = values.iter().flat_map(|value| value.to_be_bytes());
                [
                    b"curv\0\0\0\0",
                    &count.to_be_bytes()[..],
                    &values.collect::<Vec<_>>(),
                ]
                .concat()
            }
            Self::Parametric(function, parameters) => {
                let n_parameters = [1, 3, 4, 5, 7];
                let n_parameters = n_parameters.get(usize::from(*function)).copied();
                let numbers = parameters[..n_parameters.unwrap_or(0)].iter();
                let numbers = numbers.flat_map(|number| fixed(*number).to_be_bytes());
                [
                    b"para\0\0\0\0",
                    &function.to_be_bytes()[..],
                    &[0, 0],
                    &numbers.collect::<Vec<_>>(),
                ]
                .concat()
            }
        }
    }

    /// Linear light of a device value; both 0..=1.
    pub(in crate::stage) fn linear(&self, value: f64) -> f64 {
        let light = match self {
            Self::Table(values) => interpolate(values, value),
            Self::Parametric(function, parameters) => parametric(*function, *parameters, value),
        };
        // Roots of negative numbers and divisions by zero are black.
        if light.is_nan() {
            0.0
        } else {
            light.clamp(0.0, 1.0)
        }
    }
}

/// A number as s15Fixed16.
pub(super) fn fixed(number: f64) -> i32 {
    let scaled = (number * 65_536.0).round();
    // Saturating by the language's rules; in range for every caller.
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    {
        scaled as i32
    }
}

fn interpolate(values: &[u16], value: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else {
        return value;
    };
    let last_u32 = u32::try_from(last).unwrap_or(u32::MAX);
    let position = value.clamp(0.0, 1.0) * f64::from(last_u32);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to the last index"
    )]
    let below = position as usize;
    let above = (below + 1).min(last);
    let share = position - position.floor();
    let [below, above] = [below, above].map(|at| f64::from(values[at.min(last)]) / 65_535.0);
    below + (above - below) * share
}

/// Table 68.
fn parametric(function: u16, [g, a, b, c, d, e, f]: [f64; 7], x: f64) -> f64 {
    match function {
        0 => x.powf(g),
        1 if x >= -b / a => (a * x + b).powf(g),
        1 => 0.0,
        2 if x >= -b / a => (a * x + b).powf(g) + c,
        2 => c,
        3 if x >= d => (a * x + b).powf(g),
        3 => c * x,
        4 if x >= d => (a * x + b).powf(g) + e,
        4 => c * x + f,
        _ => x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_what_the_standard_says() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(close(SRGB.linear(0.5), 0.214_041_14));
        assert!(close(SRGB.linear(0.02), 0.02 / 12.92));
        assert!(close(Curve::gamma(2.0).linear(0.5), 0.25));
        let table = Curve::Table(vec![0, 0, 65_535]);
        assert!(close(table.linear(0.5), 0.0) && close(table.linear(0.75), 0.5));
        assert!(close(table.linear(1.0), 1.0));
        let toe = Curve::Parametric(4, [2.0, 1.0, 0.0, 0.5, 0.1, 0.25, 0.125]);
        assert!(close(toe.linear(0.5), 0.5) && close(toe.linear(0.05), 0.15));
        let broken = Curve::Parametric(1, [0.5, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(close(broken.linear(0.5), 0.0));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for curve in [
            Curve::gamma(1.0),
            Curve::Table(vec![0, 9, 65_535]),
            Curve::Parametric(4, [2.0, 1.0, -0.5, 0.25, 0.125, 3.0, 0.0]),
        ] {
            assert_eq!(Curve::read(&curve.element()), Some(curve));
        }
        let exponent = b"curv\0\0\0\0\0\0\0\x01\x02\x33";
        assert_eq!(Curve::read(exponent), Some(Curve::gamma(2.199_218_75)));
        let identity = b"curv\0\0\0\0\0\0\0\0";
        assert_eq!(Curve::read(identity), Some(Curve::gamma(1.0)));
    }
}
