//! Originals and snapshots that are not what they were.

use super::*;

/// Writes other bytes of the same size over originals that hold a text; returns how
/// many names of files had it.
fn flip(dir: &Path, text: &str) -> usize {
    let mut n_flipped = 0;
    let mut flipped = text.as_bytes().to_vec();
    flipped[0] ^= 1;
    for path in files(&dir.join("blobs")) {
        if fs::read(&path).unwrap() == text.as_bytes() {
            fs::remove_file(&path).unwrap();
            fs::write(&path, &flipped).unwrap();
            n_flipped += 1;
        }
    }
    n_flipped
}

#[test]
fn damaged_originals_come_back_whole_and_are_named() {
    let mut house = House::new();
    let [first, twin] = [(); 2].map(|()| house.upload("the same bytes"));
    let other = house.upload("other bytes");
    house.make(NOW);
    house.stop();
    assert_eq!(flip(&house.data(), "the same bytes"), 2);
    let restored = house.restore();
    let mut named = restored.damaged.clone();
    named.sort_unstable();
    let mut expected = [first.id, twin.id];
    expected.sort_unstable();
    assert_eq!(named, expected);
    let counts = (restored.n_images, restored.n_written, restored.was_there);
    assert_eq!((counts, restored.lost), ((3, 2, true), vec![]));
    house.start();
    house.assert_whole(&first, "the same bytes");
    house.assert_whole(&twin, "the same bytes");
    house.assert_whole(&other, "other bytes");
    house.stop();
    let again = house.restore();
    assert_eq!((again.n_written, again.damaged), (0, vec![]));
}

#[test]
fn a_repair_calls_damage_a_loss_and_a_restore_ends_it() {
    let mut house = House::new();
    let [hurt, whole] = ["first bytes", "second bytes"].map(|text| house.upload(text));
    house.make(NOW);
    house.stop();
    assert_eq!(flip(&house.data(), "first bytes"), 1);
    let repaired = crate::repair(&house.data(), NOW, &mut |_| {}).unwrap();
    assert_eq!((repaired.n_rebuilt, repaired.n_damaged), (1, 1));
    let restored = house.restore();
    assert_eq!((restored.n_images, restored.damaged), (2, vec![hurt.id]));
    house.start();
    house.assert_whole(&hurt, "first bytes");
    house.assert_whole(&whole, "second bytes");
}

#[test]
fn what_is_damaged_here_and_in_the_backup_is_lost_by_name() {
    let mut house = House::new();
    let record = house.upload("only bytes");
    house.make(NOW);
    house.stop();
    for file in files(&house.backup().join("blobs")) {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(flip(&house.data(), "only bytes"), 1);
    let restored = house.restore();
    assert_eq!(restored.n_images, 0);
    assert_eq!(restored.lost[0].id, record.id);
    assert_eq!(
        restored.lost[0].why,
        "it is damaged here, and not in the backup"
    );
    let left = files(&house.data().join("blobs"));
    assert_eq!(left.len(), 2, "nothing of it is thrown away");
}

#[test]
fn a_damaged_snapshot_names_the_older_ones() {
    let mut house = House::new();
    let record = house.upload("some bytes");
    for days in [0, 1, 2] {
        house.make(NOW + days * DAY);
    }
    house.stop();
    fs::remove_dir_all(house.data().join("blobs")).unwrap();
    let newest = house
        .backup()
        .join(format!("snapshots/{:020}", NOW + 2 * DAY));
    let bring = |until_ms| {
        let (root, data) = (house.backup(), house.data());
        restore(&root, &house.key, &data, NOW, until_ms, false)
    };
    let dates = [NOW + DAY, NOW].map(crate::calendar::date);
    let whole = fs::read(newest.join("database")).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (name, damage) in [("database", Some(flipped)), ("erased", None)] {
        match damage {
            Some(bytes) => fs::write(newest.join(name), bytes).unwrap(),
            None => fs::remove_file(newest.join(name)).unwrap(),
        }
        let error = bring(None).unwrap_err();
        assert_eq!(error.code(), "backup-damaged");
        let words = error.to_string();
        assert!(words.contains(&format!("try --at {}", dates[0])), "{words}");
        assert!(words.contains(&dates[1]), "{words}");
        fs::write(newest.join("database"), &whole).unwrap();
    }
    // The newest one's list of deletions is gone too: that is said.
    let restored = bring(Some(NOW + DAY)).unwrap();
    assert!(restored.is_newest_unread);
    assert_eq!(restored.n_written, 1);
    house.start();
    house.assert_whole(&record, "some bytes");
}
