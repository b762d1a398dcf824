//! The colour spaces that everybody knows, each with a clean profile of our own.

use std::sync::LazyLock;

use super::curve::{Curve, SRGB};
use super::structure::{Channels, Profile, Tag};

/// A space whose name says all there is to know about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Space {
    /// sRGB, or grey with its curve: what a picture without a profile is in.
    Srgb,
    /// Display P3: what phones photograph in.
    DisplayP3,
    /// Adobe RGB (1998): what cameras offer instead of sRGB.
    AdobeRgb,
    /// ProPhoto, also ROMM RGB: what raw converters work in.
    ProPhoto,
    /// Grey of gamma 2.2.
    Grey22,
}

impl Space {
    /// Those that need a profile.
    pub(in crate::stage) const PROFILED: [Self; 4] = [
        Self::DisplayP3,
        Self::AdobeRgb,
        Self::ProPhoto,
        Self::Grey22,
    ];

    /// The clean profile, the same bytes for ever; `None` for sRGB.
    pub(in crate::stage) fn profile(self) -> Option<&'static [u8]> {
        static PROFILES: LazyLock<[Vec<u8>; Space::PROFILED.len()]> =
            LazyLock::new(|| Space::PROFILED.map(Space::build));
        let space_idx = Self::PROFILED.iter().position(|space| *space == self)?;
        Some(&PROFILES[space_idx])
    }

    fn build(self) -> Vec<u8> {
        let tag = |name: &[u8; 4], body| Tag { name: *name, body };
        let mut tags = vec![tag(b"wtpt", xyz(D50))];
        let curve = self.curve().element();
        let channels = match self.colorants() {
            None => {
                tags.push(tag(b"kTRC", curve));
                Channels::Grey
            }
            Some([red, green, blue]) => {
                if self != Self::ProPhoto {
                    let d65 = D65_TO_D50.map(i32::to_be_bytes).concat();
                    tags.push(tag(b"chad", [b"sf32\0\0\0\0", &d65[..]].concat()));
                }
                tags.push(tag(b"rXYZ", xyz(red)));
                tags.push(tag(b"gXYZ", xyz(green)));
                tags.push(tag(b"bXYZ", xyz(blue)));
                let curves = [b"rTRC", b"gTRC", b"bTRC"];
                tags.extend(curves.map(|name| tag(name, curve.clone())));
                Channels::Rgb
            }
        };
        Profile::of(channels, tags)
            .canonical(self.name())
            .expect("a few hundred bytes are within every limit")
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::Srgb => b"sRGB",
            Self::DisplayP3 => b"Display P3",
            Self::AdobeRgb => b"Adobe RGB (1998) compatible",
            Self::ProPhoto => b"ProPhoto RGB compatible",
            Self::Grey22 => b"Grey Gamma 2.2",
        }
    }

    /// Red, green and blue at full strength as s15Fixed16 XYZ, adapted to D50
    /// with Bradford; none for grey. The numbers are those that the spaces' own
    /// makers write into their profiles.
    fn colorants(self) -> Option<[[i32; 3]; 3]> {
        match self {
            Self::Srgb => Some([
                [0x6FA2, 0x38F5, 0x0390],
                [0x6299, 0xB785, 0x18DA],
                [0x24A0, 0x0F84, 0xB6CF],
            ]),
            Self::DisplayP3 => Some([
                [0x83DF, 0x3DBF, -0x45],
                [0x4ABF, 0xB137, 0x0AB9],
                [0x2838, 0x110B, 0xC8B9],
            ]),
            Self::AdobeRgb => Some([
                [0x9C18, 0x4FA5, 0x04FC],
                [0x348D, 0xA02C, 0x0F95],
                [0x2631, 0x102F, 0xBE9C],
            ]),
            Self::ProPhoto => Some([
                [0xCC34, 0x49BD, 0],
                [0x229C, 0xB63E, 0],
                [0x0805, 0x0005, 0xD32D],
            ]),
            Self::Grey22 => None,
        }
    }

    pub(in crate::stage) fn curve(self) -> Curve {
        match self {
            Self::Srgb | Self::DisplayP3 => SRGB,
            // 563/256, as the Adobe RGB (1998) encoding has it (4.3.4.2).
            Self::AdobeRgb | Self::Grey22 => Curve::gamma(2.199_218_75),
            Self::ProPhoto => Curve::gamma(1.8),
        }
    }
}

const D50: [i32; 3] = [0xF6D6, 0x1_0000, 0xD32D];

/// Bradford's matrix from the white of D65 to that of D50, row by row.
const D65_TO_D50: [i32; 9] = [
    0x1_0C42, 0x05DE, -0x0CDA, 0x0793, 0xFD90, -0x045E, -0x025D, 0x03DC, 0xC06E,
];

fn xyz(numbers: [i32; 3]) -> Vec<u8> {
    [b"XYZ \0\0\0\0", &numbers.map(i32::to_be_bytes).concat()[..]].concat()
}

/// How far a colorant may lie from the space's, in s15Fixed16: 0.002. Makers
/// differ by 0.0003 in how they adapt and round; the nearest other spaces that
/// are in use (SMPTE-C, PAL) lie 0.02 away.
const COLORANT_ERROR_MAX: u32 = 131;

/// How far a curve may be off, of the whole range: one and a half 8-bit steps at
/// worst, half a step on average. Tables of few points for sRGB are
/// off by one step; a plain gamma of 2.2 is off by seven, BT.709's curve by 30.
const CURVE_ERROR_MAX: f64 = 1.5 / 255.0;
const CURVE_ERROR_MEAN_MAX: f64 = 0.5 / 255.0;

/// The space whose colours the profile gives a picture with these channels.
pub(super) fn recognise(profile: &Profile, picture: Channels) -> Option<Space> {
    if profile.has_tables() || profile.connects_by_lab() {
        return None;
    }
    let curves = match profile.channels() {
        Channels::Inks => return None,
        Channels::Grey => curves_of(profile, &[b"kTRC"])?,
        Channels::Rgb => curves_of(profile, &[b"rTRC", b"gTRC", b"bTRC"])?,
    };
    let colorants = colorants_of(profile);
    let fits = |space: Space| {
        let colours_fit = match (picture, &colorants) {
            // Grey has the curve's tones, whatever the primaries are.
            (Channels::Grey, _) => true,
            (_, Some(colorants)) => space
                .colorants()
                .is_some_and(|expected| are_close(expected, *colorants)),
            (_, None) => false,
        };
        colours_fit && curves.iter().all(|curve| follows(curve, space))
    };
    let candidates: &[Space] = match picture {
        Channels::Grey => &[Space::Srgb, Space::Grey22],
        _ => &[
            Space::Srgb,
            Space::DisplayP3,
            Space::AdobeRgb,
            Space::ProPhoto,
        ],
    };
    candidates.iter().copied().find(|space| fits(*space))
}

/// The profile's different curves: mostly three names of the same one.
fn curves_of(profile: &Profile, names: &[&[u8; 4]]) -> Option<Vec<Curve>> {
    let mut elements: Vec<&[u8]> = Vec::new();
    for name in names {
        let element = profile.element(name)?;
        if !elements.contains(&element) {
            elements.push(element);
        }
    }
    elements.into_iter().map(Curve::read).collect()
}

fn colorants_of(profile: &Profile) -> Option<[[i32; 3]; 3]> {
    let mut colorants = [[0; 3]; 3];
    for (name, colorant) in [b"rXYZ", b"gXYZ", b"bXYZ"].iter().zip(&mut colorants) {
        let (numbers, _) = profile.element(name)?.get(8..)?.as_chunks::<4>();
        for (number, value) in numbers.iter().zip(colorant) {
            *value = i32::from_be_bytes(*number);
        }
    }
    Some(colorants)
}

fn are_close(expected: [[i32; 3]; 3], found: [[i32; 3]; 3]) -> bool {
    let pairs = expected.as_flattened().iter().zip(found.as_flattened());
    pairs
        .into_iter()
        .all(|(a, b)| a.abs_diff(*b) <= COLORANT_ERROR_MAX)
}

/// Whether each 8-bit value means what it means in the space. The error is
/// measured in device values, where a step is equally visible everywhere.
fn follows(curve: &Curve, space: Space) -> bool {
    let encode = |light: f64| match space {
        Space::Srgb | Space::DisplayP3 => srgb_value(light),
        _ => match space.curve() {
            Curve::Parametric(_, [exponent, ..]) => light.powf(exponent.recip()),
            Curve::Table(_) => light,
        },
    };
    let mut sum = 0.0;
    for step in 0..=u8::MAX {
        let value = f64::from(step) / 255.0;
        let error = (encode(curve.linear(value)) - value).abs();
        if error > CURVE_ERROR_MAX {
            return false;
        }
        sum += error;
    }
    sum / 256.0 <= CURVE_ERROR_MEAN_MAX
}

/// sRGB's value for linear light; both 0..=1.
pub(in crate::stage) fn srgb_value(light: f64) -> f64 {
    if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    }
}
