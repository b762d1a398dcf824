//! No profile may bring the converter down, whatever its numbers are.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::stage::decode::Layout;
use crate::stage::scrub::fixtures::profile_with_tables;
use crate::stage::scrub::icc::{Meaning, PROFILE_BYTES_MAX, meaning};

/// Uses a profile in every way it can be used.
fn use_up(profile: &[u8], picture: Channels) {
    let Some(meaning) = meaning(profile, picture) else {
        return;
    };
    let Ok(Some(converter)) = Converter::of(&meaning, picture) else {
        return;
    };
    let ramp: Vec<u8> = (0..=255).cycle().take(4 * 300).collect();
    let layouts = match picture {
        Channels::Grey => [Layout::Grey, Layout::GreyAlpha],
        Channels::Rgb => [Layout::Rgb, Layout::Rgba],
        Channels::Inks => {
            let _any = converter.inks(&ramp);
            return;
        }
    };
    let ramp_of_16_bits: Vec<u16> = ramp.iter().map(|sample| u16::from(*sample) * 257).collect();
    for layout in layouts {
        let _any = converter.samples(&mut ramp.clone(), layout);
        let _any = converter.samples_of_16_bits(&mut ramp_of_16_bits.clone(), layout);
    }
}

/// An A2B table of the largest grid its size allows, and of sizes that lie.
#[test]
fn table_bombs_cost_no_more_than_their_bytes() {
    let mut profile = press_profile();
    let table = profile.windows(4).position(|name| name == b"mft1").unwrap();
    for grid in [0, 1, 3, 33, 255] {
        profile[table + 10] = grid;
        use_up(&profile, Channels::Inks);
    }
    let huge = vec![0; PROFILE_BYTES_MAX + 1];
    let mut long = [&press_profile()[..], &huge].concat();
    let length = u32::try_from(long.len()).unwrap();
    long[..4].copy_from_slice(&length.to_be_bytes());
    assert!(meaning(&long, Channels::Inks).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        // The same damage on every run: new damage is the fuzzers' business.
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_profiles_convert_or_do_not(
        which in any::<prop::sample::Index>(),
        grey in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut profiles = vec![
            (odd_profile(), Channels::Rgb),
            (press_profile(), Channels::Inks),
            (profile_with_tables(), Channels::Inks),
        ];
        profiles.extend(Space::PROFILED.map(|space| {
            let picture = if space == Space::Grey22 { Channels::Grey } else { Channels::Rgb };
            (space.profile().unwrap().to_vec(), picture)
        }));
        let (mut profile, mut picture) = which.get(&profiles).clone();
        if grey && picture == Channels::Rgb {
            picture = Channels::Grey;
        }
        for (at, value) in damage {
            let at = at.index(profile.len());
            profile[at] = value;
        }
        use_up(&profile, picture);
    }

    /// Numbers alone: any colorants, any curve, any gamma and chromaticities.
    #[test]
    fn any_numbers_convert_or_do_not(
        gamma in any::<u32>(),
        small_gamma in 1..1_000_000_u32,
        numbers in prop::array::uniform8(any::<u32>()),
        small in prop::array::uniform8(0..100_000_u32),
    ) {
        use crate::stage::scrub::icc::{from_code_points, from_gamma};
        for picture in [Channels::Rgb, Channels::Grey] {
            for gamma in [gamma, small_gamma] {
                for numbers in [numbers, small] {
                    let Some(meaning) = from_gamma(Some(gamma), Some(numbers), picture) else {
                        continue;
                    };
                    if let Ok(Some(converter)) = Converter::of(&meaning, picture) {
                        converter.samples(&mut [0, 1, 128, 254, 255, 3], Layout::Rgb).unwrap();
                    }
                }
            }
            let [primaries, transfer, ..] = gamma.to_be_bytes();
            if let Some(Meaning::Odd(profile)) = from_code_points(primaries, transfer, picture) {
                prop_assert!(Converter::of(&Meaning::Odd(profile), picture).is_ok());
            }
        }
    }
}
