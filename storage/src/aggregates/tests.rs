use proptest::prelude::*;

use super::*;
use crate::contract::{SampleBytes, sample_record};
use crate::{MemoryRecords, VALUE_BYTES_MAX};

fn counts(pairs: &[(&str, u64)]) -> DayCounts {
    let pairs = pairs
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count));
    DayCounts::most_of(pairs, 0)
}

fn daily(day: u32, dimension: Dimension, pairs: &[(&str, u64)]) -> Daily {
    Daily {
        day,
        dimension,
        counts: counts(pairs),
    }
}

#[test]
fn a_day_is_written_over_until_it_is_closed() {
    let keys = MemoryRecords::default();
    let pages = |n| daily(100, Dimension::Pages, &[("/", n), ("/{id}", 3)]);
    write(&keys, &[pages(7)]).unwrap();
    write(&keys, &[pages(9)]).unwrap();
    let kept = || read(&keys, 100, Dimension::Pages).unwrap().unwrap();
    assert_eq!((kept().of("/"), kept().total()), (9, 12));
    assert_eq!(close_before(&keys, 100, 5).unwrap(), 0);
    assert_eq!(close_before(&keys, 101, 5).unwrap(), 1);
    assert_eq!(close_before(&keys, 101, 5).unwrap(), 0);
    assert!(kept().is_closed());
    // One rare name alone would be told by the sum: the other one went with it.
    assert_eq!((kept().of("/"), kept().others()), (0, 12));
    write(&keys, &[pages(50)]).unwrap();
    assert_eq!(kept().total(), 12, "what is closed stays so");
}

#[test]
fn p09_small_counts_leave_the_disk_when_the_day_ends() {
    let keys = MemoryRecords::default();
    let rare = [("DE", 40), ("FR", 12), ("LI", 1), ("MC", 2), ("SM", 4)];
    let sessions = |n| {
        daily(
            100,
            Dimension::Sessions,
            &[("sessions", n), ("seconds", 900)],
        )
    };
    write(
        &keys,
        &[daily(100, Dimension::Countries, &rare), sessions(4)],
    )
    .unwrap();
    close_before(&keys, 101, 5).unwrap();
    let kept = read(&keys, 100, Dimension::Countries).unwrap().unwrap();
    assert_eq!(kept.sorted(), [("DE", 40), ("FR", 12)]);
    assert_eq!((kept.others(), kept.total()), (7, 59));
    let stored = keys.range(&Space::Aggregates.all(), 10).unwrap();
    for entry in stored {
        let text = String::from_utf8_lossy(&entry.value).into_owned();
        assert!(
            !["LI", "MC", "SM", "900"]
                .iter()
                .any(|rare| text.contains(rare)),
            "{text}"
        );
    }
    let keys = MemoryRecords::default();
    write(&keys, &[sessions(5)]).unwrap();
    close_before(&keys, 101, 5).unwrap();
    let kept = read(&keys, 100, Dimension::Sessions).unwrap().unwrap();
    assert_eq!((kept.of("sessions"), kept.of("seconds")), (5, 900));
}

#[test]
fn what_is_old_goes_and_images_go_sooner() {
    let keys = MemoryRecords::default();
    for day in 0..100 {
        let pages = daily(day, Dimension::Pages, &[("/", 10)]);
        write(&keys, &[pages, daily(day, Dimension::Images, &[("x", 10)])]).unwrap();
    }
    let dry = expire(&keys, 100, 60, true).unwrap();
    assert_eq!(dry, expire(&keys, 100, 60, false).unwrap());
    // 0..=40 whole, and the images of 41..=70.
    assert_eq!((dry.n_entries, dry.n_image_entries), (82, 30));
    assert_eq!(expire(&keys, 100, 60, false).unwrap(), Expired::default());
    let left = range(&keys, 0, 1_000).unwrap();
    let of = |dimension| {
        left.iter()
            .filter(move |daily| daily.dimension == dimension)
    };
    assert_eq!(of(Dimension::Pages).count(), 59);
    assert_eq!(of(Dimension::Images).count(), 29);
    assert_eq!(range(&keys, 98, 98).unwrap().len(), 2);
}

#[test]
fn an_image_that_is_gone_is_named_no_more() {
    let store = Store::memory();
    let [kept, removed] = [(); 2].map(|()| {
        let mut record = sample_record();
        record.state = State::Public;
        let bytes = SampleBytes(b"original".to_vec());
        store.commit(&record, &bytes).unwrap();
        record.id
    });
    let viewed = [(kept.as_str(), 10), (removed.as_str(), 20)];
    write(&store, &[daily(100, Dimension::Images, &viewed)]).unwrap();
    assert_eq!(forget_gone_images(&store, 20_000).unwrap(), 0);
    store.remove(&removed, 0).unwrap();
    assert_eq!(forget_gone_images(&store, 20_000).unwrap(), 1);
    let left = read(&store, 100, Dimension::Images).unwrap().unwrap();
    assert_eq!(left.sorted(), [(kept.as_str(), 10)]);
    assert_eq!(left.others(), 20);
}

#[test]
fn the_fullest_day_fits_into_a_value() {
    let longest = "x".repeat(3 * NAME_BYTES_MAX);
    let many = (0..1_000).map(|n| (format!("{n}{longest}"), u64::MAX / 2_000));
    let full = DayCounts::most_of(many, 1);
    assert_eq!(full.names().count(), ENTRIES_MAX);
    assert!(kept::encode(&full).len() <= VALUE_BYTES_MAX);
    assert_eq!(full.total(), 1_000 * (u64::MAX / 2_000) + 1);
}

proptest! {
    /// Whoever knows everything but the rare ones learns nothing of them.
    #[test]
    fn p09_what_is_withheld_cannot_be_told_from_the_rest(
        pairs in prop::collection::btree_map("[a-z]{1,3}", 0_u64..30, 0..20),
        others in 0_u64..20,
        count_min in 1_u64..10,
    ) {
        let before = DayCounts::most_of(pairs.clone(), others);
        let after = before.clone().withhold(count_min);
        prop_assert!(after.sorted().iter().all(|(_, count)| *count >= count_min));
        prop_assert!(after.sorted().iter().all(|(name, count)| before.of(name) == *count));
        let n_gone = pairs.len() - after.names().count();
        if after.others() > 0 {
            prop_assert!(after.others() >= count_min);
            prop_assert!(n_gone + usize::from(others > 0) >= 2 || n_gone == 0 && after.names().count() == 0);
            prop_assert_eq!(after.total(), before.total());
        }
    }

    #[test]
    fn steps_hide_a_single_visit(count in 0_u64..1_000, step in 1_u64..10) {
        let shown = DayCounts::most_of([("a".to_owned(), count)], 0).so_far(step);
        prop_assert_eq!(shown.of("a"), count / step * step);
    }
}

#[test]
fn p09_what_is_withheld_leaves_the_databases_files_with_a_rewrite() {
    let planned = |count: u64| {
        let keys = MemoryRecords::default();
        write(
            &keys,
            &[daily(100, Dimension::Referrers, &[("rare.example", count)])],
        )
        .unwrap();
        assert_eq!(close_before(&keys, 101, 5).unwrap(), 1);
        let planned = keys.get(&Space::Retention.key(&[b"p"])).unwrap();
        planned.is_some()
    };
    assert!(planned(4));
    assert!(!planned(5), "nothing was taken out");
}
