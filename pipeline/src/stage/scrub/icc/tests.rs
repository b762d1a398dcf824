use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::super::fixtures::{has_marker, odd_profile, profile, profile_with_tables};
use super::curve::Curve;
use super::structure::Tag;
use super::*;

fn known(profile: &[u8], picture: Channels) -> Option<Space> {
    match meaning(profile, picture) {
        Some(Meaning::Known(space)) => Some(space),
        _ => None,
    }
}

fn is_odd(profile: &[u8], picture: Channels) -> bool {
    matches!(meaning(profile, picture), Some(Meaning::Odd(_)))
}

/// A display profile of three colorants in s15Fixed16 and a curve.
fn rgb_profile(colorants: [[i32; 3]; 3], curve: &Curve) -> Vec<u8> {
    let mut tags = Vec::new();
    for (name, numbers) in [b"rXYZ", b"gXYZ", b"bXYZ"].iter().zip(colorants) {
        let numbers = numbers.map(i32::to_be_bytes);
        let body = [b"XYZ \0\0\0\0", numbers.as_flattened()].concat();
        tags.push(Tag { name: **name, body });
    }
    tags.extend([b"rTRC", b"gTRC", b"bTRC"].map(|name| Tag {
        name: *name,
        body: curve.element(),
    }));
    Profile::of(Channels::Rgb, tags)
        .canonical(b"")
        .expect("small")
}

fn grey_profile(curve: &Curve) -> Vec<u8> {
    let tag = Tag {
        name: *b"kTRC",
        body: curve.element(),
    };
    Profile::of(Channels::Grey, vec![tag])
        .canonical(b"")
        .expect("small")
}

/// A curve in points, each rounded to 16 bits.
fn points(curve: &Curve, n_points: u16) -> Curve {
    let value = |point: u16| f64::from(point) / f64::from(n_points - 1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rounded = |light: f64| (light * 65_535.0).round() as u16;
    Curve::Table(
        (0..n_points)
            .map(|point| rounded(curve.linear(value(point))))
            .collect(),
    )
}

// As HP, Artifex and Argyll's users write them.
const SRGB_BY_HP: [[i32; 3]; 3] = [
    [0x6FA2, 0x38F5, 0x0390],
    [0x6299, 0xB785, 0x18DA],
    [0x24A0, 0x0F84, 0xB6CF],
];
const SRGB_BY_ARGYLL: [[i32; 3]; 3] = [
    [0x6F94, 0x38EE, 0x0390],
    [0x62A5, 0xB790, 0x18DE],
    [0x249D, 0x0F83, 0xB6BE],
];
const P3: [[i32; 3]; 3] = [
    [0x83DF, 0x3DBF, -0x45],
    [0x4ABF, 0xB137, 0x0AB9],
    [0x2838, 0x110B, 0xC8B9],
];
const SMPTE_C: [[i32; 3]; 3] = [
    [0x6A86, 0x38B8, 0x037E],
    [0x64B7, 0xB414, 0x1765],
    [0x2799, 0x1333, 0xB849],
];

#[test]
fn srgb_is_known_however_its_curve_is_written() {
    for colorants in [SRGB_BY_HP, SRGB_BY_ARGYLL] {
        for curve in [
            curve::SRGB,
            points(&curve::SRGB, 4096),
            points(&curve::SRGB, 1024),
            points(&curve::SRGB, 256),
            points(&curve::SRGB, 42),
        ] {
            let profile = rgb_profile(colorants, &curve);
            assert_eq!(known(&profile, Channels::Rgb), Some(Space::Srgb));
            assert_eq!(known(&profile, Channels::Grey), Some(Space::Srgb));
        }
    }
}

#[test]
fn wide_spaces_and_greys_are_known() {
    let gamma = Curve::gamma(2.199_218_75);
    assert_eq!(known(&profile(), Channels::Rgb), Some(Space::AdobeRgb));
    assert_eq!(known(&profile(), Channels::Grey), Some(Space::Grey22));
    for (profile, picture, space) in [
        (
            rgb_profile(P3, &curve::SRGB),
            Channels::Rgb,
            Space::DisplayP3,
        ),
        (
            rgb_profile(P3, &points(&curve::SRGB, 1024)),
            Channels::Rgb,
            Space::DisplayP3,
        ),
        (rgb_profile(P3, &curve::SRGB), Channels::Grey, Space::Srgb),
        (grey_profile(&curve::SRGB), Channels::Grey, Space::Srgb),
        (grey_profile(&gamma), Channels::Grey, Space::Grey22),
        (
            grey_profile(&points(&gamma, 256)),
            Channels::Grey,
            Space::Grey22,
        ),
    ] {
        assert_eq!(known(&profile, picture), Some(space));
    }
    for space in Space::PROFILED {
        let profile = space.profile().expect("it has one");
        let picture = if space == Space::Grey22 {
            Channels::Grey
        } else {
            Channels::Rgb
        };
        assert_eq!(known(profile, picture), Some(space));
        assert_eq!(replacement(profile, picture), Ok(Some(profile)));
        assert_eq!(verify(profile), Ok(()));
    }
}

#[test]
fn what_only_resembles_a_known_space_is_odd() {
    let bt709 = Curve::Parametric(
        3,
        [
            1.0 / 0.45,
            1.0 / 1.099,
            0.099 / 1.099,
            1.0 / 4.5,
            0.081,
            0.0,
            0.0,
        ],
    );
    let [red, green, blue] = SRGB_BY_HP;
    for profile in [
        odd_profile(),
        rgb_profile(SMPTE_C, &curve::SRGB),
        rgb_profile(SRGB_BY_HP, &Curve::gamma(2.2)),
        rgb_profile(SRGB_BY_HP, &Curve::gamma(1.0)),
        rgb_profile(SRGB_BY_HP, &bt709),
        rgb_profile(P3, &Curve::gamma(2.6)),
        rgb_profile([green, red, blue], &curve::SRGB),
        rgb_profile([[i32::MIN; 3]; 3], &curve::SRGB),
    ] {
        assert!(is_odd(&profile, Channels::Rgb));
        assert!(replacement(&profile, Channels::Rgb).is_err());
    }
    for curve in [
        Curve::gamma(1.8),
        Curve::gamma(1.0),
        points(&Curve::gamma(2.0), 9),
    ] {
        assert!(is_odd(&grey_profile(&curve), Channels::Grey));
    }
    assert!(is_odd(&profile_with_tables(), Channels::Inks));
}

#[test]
fn a_profile_about_other_channels_means_nothing() {
    let grey = grey_profile(&Curve::gamma(1.0));
    let inks = profile_with_tables();
    for (profile, picture) in [
        (&grey, Channels::Rgb),
        (&grey, Channels::Inks),
        (&inks, Channels::Rgb),
        (&inks, Channels::Grey),
        (&odd_profile(), Channels::Inks),
    ] {
        assert!(meaning(profile, picture).is_none());
        assert_eq!(replacement(profile, picture), Ok(None));
    }
}

/// What is stored of millions of files must never change by accident.
#[test]
fn our_profiles_are_the_same_bytes_for_ever() {
    let digests = Space::PROFILED.map(|space| {
        let profile = space.profile().expect("it has one");
        assert!(profile.len() < 700);
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(profile).into();
        u32::from_be_bytes([a, b, c, d])
    });
    assert_eq!(
        digests.map(|digest| format!("{digest:08x}")),
        ["c5755ec6", "997e0e1d", "ca7f77d6", "1fb024b7"]
    );
}

#[test]
fn p02_no_profile_but_ours_is_clean() {
    for profile in [profile(), odd_profile(), profile_with_tables()] {
        assert!(has_marker(&profile));
        assert!(verify(&profile).is_err());
    }
    let ours = Space::DisplayP3.profile().expect("it has one");
    for at in 0..ours.len() {
        let mut damaged = ours.to_vec();
        damaged[at] ^= 1;
        assert!(verify(&damaged).is_err());
    }
    assert!(verify(&ours[..ours.len() - 1]).is_err() && verify(&[]).is_err());
}

#[test]
fn p02_what_is_read_of_a_profile_is_its_numbers() {
    for (profile, picture) in [
        (odd_profile(), Channels::Rgb),
        (profile_with_tables(), Channels::Inks),
    ] {
        let Some(Meaning::Odd(read)) = meaning(&profile, picture) else {
            panic!("it is odd");
        };
        let canonical = read.canonical(b"").expect("small");
        assert!(!has_marker(&canonical));
        let Some(Meaning::Odd(again)) = meaning(&canonical, picture) else {
            panic!("it is still odd");
        };
        assert_eq!(again.canonical(b""), Some(canonical));
    }
}

#[test]
fn what_is_no_profile_means_nothing() {
    let mut too_large = profile();
    too_large[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut device_link = profile();
    device_link[12..16].copy_from_slice(b"link");
    let mut many_tags = profile();
    many_tags[128..132].copy_from_slice(&1000_u32.to_be_bytes());
    let curve_at = |profile: &[u8]| {
        let curve = profile
            .windows(8)
            .position(|eight| eight == b"curv\0\0\0\0");
        curve.expect("one")
    };
    let mut text_as_curve = profile();
    let curve = curve_at(&text_as_curve);
    text_as_curve[curve..curve + 4].copy_from_slice(b"text");
    let mut curve_bomb = profile();
    curve_bomb[curve + 8..curve + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    for broken in [
        Vec::new(),
        vec![0; 200],
        too_large,
        device_link,
        many_tags,
        text_as_curve,
        curve_bomb,
    ] {
        assert!(meaning(&broken, Channels::Rgb).is_none());
    }
    for length in 0..profile().len() {
        assert!(meaning(&profile()[..length], Channels::Rgb).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_profiles_are_replaced_refused_or_dropped(
        which in 0..3_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let (source, picture) = [
            (profile(), Channels::Rgb),
            (odd_profile(), Channels::Rgb),
            (profile_with_tables(), Channels::Inks),
        ][which].clone();
        let mut damaged = source;
        for (at, value) in damage {
            let at = at.index(damaged.len());
            damaged[at] = value;
        }
        if let Ok(Some(clean)) = replacement(&damaged, picture) {
            prop_assert_eq!(verify(clean), Ok(()));
        }
    }
}
