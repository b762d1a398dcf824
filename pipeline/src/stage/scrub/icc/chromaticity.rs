//! Colours described by chromaticities and a power, as PNG's `cHRM` and `gAMA`
//! do, brought into the form of a profile.

use super::Meaning;
use super::curve::{self, Curve, fixed};
use super::space::{self, Space};
use super::structure::{Channels, Profile, Tag};

/// x and y of white, red, green and blue.
pub(super) type Chromaticities = [[f64; 2]; 4];

/// Those of sRGB and of BT.709.
pub(super) const BT709: Chromaticities = [D65, [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];
/// The white of all common spaces but ProPhoto.
pub(super) const D65: [f64; 2] = [0.3127, 0.3290];

/// What writers of sRGB put into `gAMA`, 1/2.2, and how far they round it.
const GAMMA_OF_SRGB: u32 = 45_455;
const GAMMA_OF_SRGB_ERROR_MAX: u32 = 455;
/// Powers of 0.1 to 10. Beyond, no picture could be seen.
const GAMMAS: std::ops::RangeInclusive<u32> = 10_000..=1_000_000;

/// What PNG's chunks say, in their units of 1/100,000; `None` if it is nothing
/// that can be meant. Where one of them is missing, sRGB's value stands in.
pub(in crate::stage) fn from_gamma(
    gamma: Option<u32>,
    chromaticities: Option<[u32; 8]>,
    picture: Channels,
) -> Option<Meaning> {
    let gamma = gamma.filter(|gamma| GAMMAS.contains(gamma));
    let primaries = chromaticities.and_then(|numbers| {
        let (pairs, _) = numbers.as_chunks::<2>();
        let pairs: [[u32; 2]; 4] = pairs.try_into().ok()?;
        colorants(pairs.map(|pair| pair.map(|number| f64::from(number) / 100_000.0)))
    });
    if gamma.is_none() && primaries.is_none() {
        return None;
    }
    let primaries = primaries.or_else(|| colorants(BT709))?;
    let with_curve = |curve: &Curve| matrix_profile(&primaries, curve);
    let known = |curve: &Curve| space::recognise(&with_curve(curve), picture);
    let Some(gamma) = gamma else {
        return Some(match known(&curve::SRGB) {
            Some(space) => Meaning::Known(space),
            None => Meaning::Odd(with_curve(&curve::SRGB)),
        });
    };
    let stated = Curve::gamma(100_000.0 / f64::from(gamma));
    let stands_for_srgb = gamma.abs_diff(GAMMA_OF_SRGB) <= GAMMA_OF_SRGB_ERROR_MAX;
    let space: Option<Space> = if picture == Channels::Grey && stands_for_srgb {
        // A plain 2.2 is a known grey, but here it is sRGB's stand-in.
        Some(Space::Srgb)
    } else {
        known(&stated).or_else(|| known(&curve::SRGB).filter(|_| stands_for_srgb))
    };
    Some(match space {
        Some(space) => Meaning::Known(space),
        None => Meaning::Odd(with_curve(&stated)),
    })
}

/// An RGB profile of three colorants and one curve.
pub(super) fn matrix_profile(colorants: &[[f64; 3]; 3], curve: &Curve) -> Profile {
    let names = [b"rXYZ", b"gXYZ", b"bXYZ"].into_iter();
    let mut tags: Vec<Tag> = names
        .zip(colorants)
        .map(|(name, colorant)| {
            let numbers = colorant.map(|number| fixed(number).to_be_bytes());
            Tag {
                name: *name,
                body: [b"XYZ \0\0\0\0", &numbers.concat()[..]].concat(),
            }
        })
        .collect();
    tags.extend([b"rTRC", b"gTRC", b"bTRC"].map(|name| Tag {
        name: *name,
        body: curve.element(),
    }));
    Profile::of(Channels::Rgb, tags)
}

/// XYZ of red, green and blue at full strength, adapted to D50 by Bradford's
/// method, or `None` for primaries that span no triangle around their white.
pub(super) fn colorants([white, red, green, blue]: Chromaticities) -> Option<[[f64; 3]; 3]> {
    const D50: [f64; 3] = [0.9642, 1.0, 0.8249];
    const BRADFORD: [[f64; 3]; 3] = [
        [0.8951, 0.2664, -0.1614],
        [-0.7502, 1.7135, 0.0367],
        [0.0389, -0.0685, 1.0296],
    ];
    let xyz = |[x, y]: [f64; 2]| (y > 1e-4).then(|| [x / y, 1.0, (1.0 - x - y) / y]);
    let (white, primaries) = (xyz(white)?, [xyz(red)?, xyz(green)?, xyz(blue)?]);
    // The strengths with which the primaries add up to white.
    let strengths = apply(inverse(transposed(primaries))?, white);
    if strengths.iter().any(|strength| *strength <= 0.0) {
        return None;
    }
    let (from, to) = (apply(BRADFORD, white), apply(BRADFORD, D50));
    if from.iter().any(|cone| *cone < 1e-4) {
        return None;
    }
    let back = inverse(BRADFORD)?;
    let mut adapted = [[0.0; 3]; 3];
    for (primary_idx, colorant) in adapted.iter_mut().enumerate() {
        let scaled = primaries[primary_idx].map(|number| number * strengths[primary_idx]);
        let mut cones = apply(BRADFORD, scaled);
        for (cone, (from, to)) in cones.iter_mut().zip(from.iter().zip(to)) {
            *cone *= to / from;
        }
        *colorant = apply(back, cones);
    }
    let sane = |number: &f64| number.abs() <= 4.0;
    adapted.as_flattened().iter().all(sane).then_some(adapted)
}

type Matrix = [[f64; 3]; 3];

fn apply(matrix: Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

fn transposed(m: Matrix) -> Matrix {
    [0, 1, 2].map(|column| m.map(|row| row[column]))
}

fn inverse(m: Matrix) -> Option<Matrix> {
    let cofactor = |row: usize, column: usize| {
        let (r1, r2) = ((row + 1) % 3, (row + 2) % 3);
        let (c1, c2) = ((column + 1) % 3, (column + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3)
        .map(|column| m[0][column] * cofactor(0, column))
        .sum();
    (determinant.abs() > 1e-9)
        .then(|| [0, 1, 2].map(|row| [0, 1, 2].map(|column| cofactor(column, row) / determinant)))
}
