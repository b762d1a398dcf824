//! Brings colours that are coded for other screens to sRGB: wide gamuts, linear
//! light, and the HDR curves PQ and HLG.
//!
//! HDR is not mapped cleverly. What is brighter than the reference white of
//! 203 cd/m2 (ITU-R BT.2408) becomes white: faces and skies keep the brightness
//! that classifiers know, and highlights lose their detail.

/// Highest level that comes in.
pub(super) const LEVEL_MAX: u16 = 4095;

const ONE: i64 = 1 << 20;
/// The steps of the way back are 2^-14, finer than a step of sRGB at black.
const BACK_SHIFT: u32 = 6;

const REFERENCE_WHITE: f64 = 203.0;

/// The way from one coding of colours to sRGB.
pub(super) struct Light {
    /// Light of each level; [`ONE`] is sRGB's white.
    linear: Vec<i64>,
    /// To the primaries of sRGB.
    mix: [[i64; 3]; 3],
    /// The sRGB level of a light.
    back: Vec<u8>,
}

impl Light {
    /// `None` for what is shown as sRGB as it is: that, and the curves of video,
    /// which browsers do not tell from it.
    pub(super) fn new(primaries: u8, transfer: u8) -> Option<Self> {
        let mix = match primaries {
            9 => BT_2020,
            11 | 12 => DISPLAY_P3,
            _ => SAME,
        };
        let curve: fn(f64) -> f64 = match transfer {
            4 => |level| level.powf(2.2),
            5 => |level| level.powf(2.8),
            8 => |level| level,
            16 => pq,
            18 => hlg,
            _ if mix == SAME => return None,
            _ => srgb,
        };
        let level = |step: u16| f64::from(step) / f64::from(LEVEL_MAX);
        let linear = (0..=LEVEL_MAX).map(|step| fixed(curve(level(step)).clamp(0.0, 1000.0)));
        let back = (0..=ONE >> BACK_SHIFT).map(|step| {
            let light = step << BACK_SHIFT;
            back_to_srgb(light)
        });
        Some(Self {
            linear: linear.collect(),
            mix: mix.map(|row| row.map(fixed)),
            back: back.collect(),
        })
    }

    /// The sRGB pixel of three levels.
    pub(super) fn srgb(&self, levels: [u16; 3]) -> [u8; 3] {
        let light = levels.map(|level| self.linear[usize::from(level.min(LEVEL_MAX))]);
        self.mix.map(|row| {
            let sum: i64 = row
                .iter()
                .zip(light)
                .map(|(share, light)| share * light)
                .sum();
            let light = (sum / ONE).clamp(0, ONE);
            let step = usize::try_from((light + (1 << (BACK_SHIFT - 1))) >> BACK_SHIFT);
            step.ok()
                .and_then(|step| self.back.get(step))
                .copied()
                .unwrap_or(u8::MAX)
        })
    }
}

const SAME: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// ITU-R BT.2087, annex 2.
const BT_2020: [[f64; 3]; 3] = [
    [1.6605, -0.5876, -0.0728],
    [-0.1246, 1.1329, -0.0083],
    [-0.0182, -0.1006, 1.1187],
];

/// SMPTE EG 432-1's primaries at D65; the cinema's own white is not shown.
const DISPLAY_P3: [[f64; 3]; 3] = [
    [1.2249, -0.2247, 0.0],
    [-0.0420, 1.0419, 0.0],
    [-0.0197, -0.0786, 1.0979],
];

/// IEC 61966-2-1.
fn srgb(level: f64) -> f64 {
    if level <= 0.04045 {
        level / 12.92
    } else {
        ((level + 0.055) / 1.055).powf(2.4)
    }
}

/// SMPTE ST 2084.
fn pq(level: f64) -> f64 {
    let (m1, m2) = (2610.0 / 16384.0, 2523.0 / 32.0);
    let (c1, c2, c3) = (3424.0 / 4096.0, 2413.0 / 128.0, 2392.0 / 128.0);
    let root = level.powf(1.0 / m2);
    let nits = 10_000.0 * ((root - c1).max(0.0) / (c2 - c3 * root)).powf(1.0 / m1);
    nits / REFERENCE_WHITE
}

/// ITU-R BT.2100 on a screen of 1,000 cd/m2, its gamma taken channel by channel.
fn hlg(level: f64) -> f64 {
    let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73);
    let scene = if level <= 0.5 {
        level * level / 3.0
    } else {
        (((level - c) / a).exp() + b) / 12.0
    };
    scene.powf(1.2) * 1_000.0 / REFERENCE_WHITE
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the light of a table's step, below 2^21, rounded on purpose"
)]
fn fixed(value: f64) -> i64 {
    (value * ONE as f64).round() as i64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "light is between 0 and 1 and so is its level"
)]
fn back_to_srgb(light: i64) -> u8 {
    let light = light as f64 / ONE as f64;
    let level = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (level.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_and_video_are_shown_as_they_are() {
        for transfer in [1, 2, 6, 13, 14, 15] {
            assert!(Light::new(1, transfer).is_none());
            assert!(Light::new(2, transfer).is_none());
        }
    }

    #[test]
    fn grey_stays_grey_and_white_stays_white() {
        for (primaries, transfer) in [(9, 13), (12, 13), (1, 8), (1, 4), (9, 16), (9, 18)] {
            let light = Light::new(primaries, transfer).expect("not sRGB");
            for level in (0..=LEVEL_MAX).step_by(65) {
                let [red, green, blue] = light.srgb([level; 3]).map(i32::from);
                let spread = (red - green).abs().max((green - blue).abs());
                assert!(spread <= 1, "{primaries} {transfer} {level}");
            }
            assert_eq!(light.srgb([0; 3]), [0; 3]);
            assert_eq!(light.srgb([LEVEL_MAX; 3]), [255; 3]);
        }
    }

    #[test]
    fn srgb_in_a_wide_gamut_keeps_its_levels() {
        let light = Light::new(12, 13).expect("a wide gamut");
        for level in 0..=255_u16 {
            let fine = u16::try_from(u32::from(level) * 4095 / 255).unwrap();
            let [red, ..] = light.srgb([fine; 3]);
            assert!(u16::from(red).abs_diff(level) <= 1, "{level} {red}");
        }
        // Display P3's red is out of reach: as red as sRGB can.
        assert_eq!(light.srgb([LEVEL_MAX, 0, 0]), [255, 0, 0]);
    }

    #[test]
    fn reference_white_of_hdr_is_white() {
        // 58 % of PQ and 75 % of HLG are 203 cd/m2 (BT.2408, table 1).
        let pq = Light::new(9, 16).expect("HDR");
        let hlg = Light::new(9, 18).expect("HDR");
        let [at_white, ..] = pq.srgb([2379; 3]);
        assert!(at_white >= 253, "{at_white}");
        let [at_white, ..] = hlg.srgb([3071; 3]);
        assert!(at_white >= 253, "{at_white}");
        let [dim, ..] = pq.srgb([1200; 3]);
        assert!(dim < 90, "{dim}");
    }
}
