//! Colours named by code points, as PNG's `cICP` and AVIF's `nclx` do (ITU-T
//! H.273). The numbers of a registry are nobody's fingerprint.

use super::Meaning;
use super::chromaticity::{BT709, D65, colorants, matrix_profile};
use super::curve::{self, Curve};
use super::space::{self, Space};
use super::structure::{Channels, Profile};

/// What a pair of code points means: a known space, or colours that can be
/// brought to sRGB to be looked at. `None` for what is no display's space.
///
/// Brighter than white does not exist in sRGB: of PQ and HLG, what exceeds the
/// white of ordinary pictures is cut off.
pub(in crate::stage) fn from_code_points(
    primaries: u8,
    transfer: u8,
    picture: Channels,
) -> Option<Meaning> {
    let primaries = colorants(match primaries {
        1 => BT709,
        9 => [D65, [0.708, 0.292], [0.170, 0.797], [0.131, 0.046]],
        12 => [D65, [0.680, 0.320], [0.265, 0.690], [0.150, 0.060]],
        _ => return None,
    })?;
    let curve = match transfer {
        // BT.709's and BT.2020's curves are those of cameras. No display has
        // them; sRGB's is the common reading.
        1 | 13 | 14 | 15 => curve::SRGB,
        8 => Curve::gamma(1.0),
        16 => Curve::Table(table(perceptual_quantiser)),
        17 => Curve::gamma(2.6),
        18 => Curve::Table(table(hybrid_log_gamma)),
        _ => return None,
    };
    let profile: Profile = matrix_profile(&primaries, &curve);
    let space: Option<Space> = space::recognise(&profile, picture);
    Some(space.map_or(Meaning::Odd(profile), Meaning::Known))
}

/// A curve in points close enough for 12 bits.
fn table(light: impl Fn(f64) -> f64) -> Vec<u16> {
    const POINTS: u16 = 4096;
    let value = |point: u16| f64::from(point) / f64::from(POINTS - 1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0..=65,535 after the clamp"
    )]
    let quantised = |light: f64| (light.clamp(0.0, 1.0) * 65_535.0).round() as u16;
    (0..POINTS)
        .map(|point| quantised(light(value(point))))
        .collect()
}

/// SMPTE ST 2084, relative to the 203 cd/m2 that BT.2408 gives white.
fn perceptual_quantiser(value: f64) -> f64 {
    const M1: f64 = 1305.0 / 8192.0;
    const M2: f64 = 2523.0 / 32.0;
    const C1: f64 = 107.0 / 128.0;
    const C2: f64 = 2413.0 / 128.0;
    const C3: f64 = 2392.0 / 128.0;
    let root = value.powf(1.0 / M2);
    let light = ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1);
    light * 10_000.0 / 203.0
}

/// BT.2100's HLG, relative to the 75 % that BT.2408 gives white.
fn hybrid_log_gamma(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;
    const WHITE: f64 = 0.264_9;
    let c = 0.5 - A * (4.0 * A).ln();
    let scene = if value <= 0.5 {
        value * value / 3.0
    } else {
        (((value - c) / A).exp() + B) / 12.0
    };
    scene / WHITE
}
