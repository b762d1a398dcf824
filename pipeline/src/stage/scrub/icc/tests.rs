use proptest::prelude::*;

use super::super::fixtures::{has_marker, profile, profile_with_tables};
use super::*;

fn both() -> [Vec<u8>; 2] {
    [profile(), profile_with_tables()]
}

/// The body of a tag.
fn tag<'a>(profile: &'a [u8], name: &[u8; 4]) -> &'a [u8] {
    let number = |at: usize| {
        let four = profile[at..].first_chunk().expect("inside the table");
        usize::try_from(u32::from_be_bytes(*four)).expect("small")
    };
    let entry = (0..number(128)).map(|tag_idx| 132 + 12 * tag_idx);
    let entry = entry
        .into_iter()
        .find(|at| profile[*at..].starts_with(name))
        .expect("the tag");
    &profile[number(entry + 4)..][..number(entry + 8)]
}

#[test]
fn p02_a_profile_names_nobody() {
    for profile in both() {
        assert!(has_marker(&profile));
        let clean = rewrite(&profile).expect("a usable profile");
        assert!(!has_marker(&clean));
        assert_eq!(verify(&clean), Ok(()));
        assert!(
            clean[24..36].iter().all(|byte| *byte == 0),
            "the date is gone"
        );
        assert!(verify(&profile).is_err());
    }
}

#[test]
fn the_colours_stay_as_they_were() {
    let (before, after) = (profile(), rewrite(&profile()).expect("a usable profile"));
    for name in [b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"] {
        assert_eq!(tag(&before, name)[..20], *tag(&after, name));
    }
    assert_eq!(tag(&before, b"rTRC")[..14], *tag(&after, b"rTRC"));

    let (before, after) = (
        profile_with_tables(),
        rewrite(&profile_with_tables()).expect("a usable profile"),
    );
    for name in [b"A2B0", b"A2B1"] {
        let table = tag(&after, name);
        assert_eq!(tag(&before, name)[..table.len()], *table);
    }
    assert!(
        tag(&after, b"A2B2").len() < tag(&before, b"A2B2").len(),
        "the gaps are gone"
    );
}

#[test]
fn rewriting_twice_changes_nothing() {
    for profile in both() {
        let once = rewrite(&profile).expect("a usable profile");
        assert_eq!(rewrite(&once).as_ref(), Some(&once));
    }
}

#[test]
fn what_is_no_profile_is_dropped() {
    let mut too_large = profile();
    too_large[..4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut device_link = profile();
    device_link[12..16].copy_from_slice(b"link");
    let mut many_tags = profile();
    many_tags[128..132].copy_from_slice(&1000_u32.to_be_bytes());
    let mut text_as_curve = profile();
    let curve = text_as_curve
        .windows(8)
        .position(|eight| eight == b"curv\0\0\0\0")
        .expect("one");
    text_as_curve[curve..curve + 4].copy_from_slice(b"text");
    for broken in [
        Vec::new(),
        vec![0; 200],
        too_large,
        device_link,
        many_tags,
        text_as_curve,
    ] {
        assert_eq!(rewrite(&broken), None);
    }
    for length in 0..profile().len() {
        assert_eq!(rewrite(&profile()[..length]), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_profiles_are_clean_or_dropped(
        which in 0..2_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut damaged = both()[which].clone();
        for (at, value) in damage {
            let at = at.index(damaged.len());
            damaged[at] = value;
        }
        if let Some(clean) = rewrite(&damaged) {
            prop_assert_eq!(verify(&clean), Ok(()));
            prop_assert!(rewrite(&clean).as_ref() == Some(&clean));
        }
    }
}
