use super::*;
use crate::audit::Actor;

fn banking(policy: BankPolicy) -> Verdict {
    Verdict::Remove {
        policy: Policy::IntimateImage,
        reason: Note::new("without consent").unwrap(),
        bank: Some(policy),
    }
}

fn lookup(queue: &Queue, record: &Record) -> Option<BankMatch> {
    let wanted = Lookup {
        sha256: record.sha256,
        pdq: record.pdq,
    };
    queue.bank.lookup(&wanted).unwrap()
}

/// Another file of nearly the same picture.
fn alike(queue: &Queue, of: &Record, n_bits: usize) -> Record {
    let mut record = Record {
        pdq: of.pdq,
        ..stored_image(queue, 0.1)
    };
    let pdq = record.pdq.as_mut().unwrap();
    for bit in 0..n_bits {
        pdq.hash[bit * 8 / 8 % 32] ^= 1 << (bit / 32);
    }
    let copy = record.clone();
    queue
        .store
        .update(&record.id, move |stored| stored.pdq = copy.pdq)
        .unwrap();
    queue.record(&record.id).unwrap()
}

#[test]
fn a_removal_keeps_the_image_from_coming_back() {
    let queue = queue();
    let who = moderator();
    let removed = queued_image(&queue, 0.9);
    let claim = claimed(&queue, &who, &removed.id);
    assert_eq!(lookup(&queue, &removed), None);
    let job = queue
        .decide(&who, &claim, &banking(BankPolicy::Refuse), NOW)
        .unwrap();
    assert_eq!(job.decision.as_ref().unwrap().banked.len(), 2);
    let found = lookup(&queue, &removed).unwrap();
    assert_eq!(
        (found.distance, found.entry.policy),
        (0, BankPolicy::Refuse)
    );
    assert_eq!(found.entry.added_by, who.id.to_string());
    assert_eq!(found.entry.image, Some(removed.id));
    for (n_bits, is_alike) in [(1, true), (31, true), (32, false)] {
        let other = alike(&queue, &removed, n_bits);
        let found = lookup(&queue, &other);
        assert_eq!(found.is_some(), is_alike, "{n_bits} bits apart");
        assert!(found.is_none_or(|found| found.distance as usize == n_bits));
        let mut plain = other.clone();
        plain.pdq.as_mut().unwrap().quality = 49;
        assert_eq!(lookup(&queue, &plain), None, "it says too little");
    }
    queue.undo(&who, &removed.id, job.version, NOW).unwrap();
    assert_eq!(lookup(&queue, &removed), None);
    assert_eq!(queue.bank.load().unwrap(), 0);
}

/// Lists that others share have hashes of files as they are passed around.
#[test]
fn a_file_is_known_as_it_came_and_as_it_is_stored() {
    let queue = queue();
    let record = stored_image(&queue, 0.1);
    let arrived = [7; 32];
    let wanted = Lookup {
        sha256: record.sha256,
        pdq: None,
    };
    let known = || queue.bank.lookup_arrived(&wanted, &arrived).unwrap();
    assert_eq!(known(), None);
    let entry = |hash, policy| BankEntry {
        hash: BankHash::Sha256(hash),
        policy,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: "operator".into(),
        added_at_ms: NOW,
        image: None,
    };
    let of_arrived = entry(arrived, BankPolicy::Queue);
    queue.bank.add(&Actor::Operator, &of_arrived, NOW).unwrap();
    assert_eq!(known().unwrap().entry, of_arrived);
    assert_eq!(queue.bank.lookup(&wanted).unwrap(), None);
    // Of both the stricter one counts.
    let of_stored = entry(record.sha256, BankPolicy::Refuse);
    queue.bank.add(&Actor::Operator, &of_stored, NOW).unwrap();
    assert_eq!(known().unwrap().entry, of_stored);
}

/// Reasons as long as they may be make a batch that is still a commit.
#[test]
fn long_entries_are_imported_in_more_than_one_commit() {
    let queue = queue();
    let entries: Vec<BankEntry> = (0..1_200_u16)
        .map(|n| {
            let mut hash = [0; 32];
            hash[..2].copy_from_slice(&n.to_be_bytes());
            BankEntry {
                hash: BankHash::Sha256(hash),
                policy: BankPolicy::Queue,
                against: Policy::Illegal,
                reason: Note::new(&"\u{1F600}".repeat(280)).unwrap(),
                added_by: "operator".into(),
                added_at_ms: NOW,
                image: None,
            }
        })
        .collect();
    let twice: Vec<BankEntry> = entries.iter().chain(&entries).cloned().collect();
    let added = queue.bank.import(&Actor::Operator, &twice, NOW).unwrap();
    assert_eq!(added.len(), entries.len());
    let n_commits = audit::head(&*queue.store).unwrap().seq;
    assert!((2..9).contains(&n_commits), "{n_commits}");
}

#[test]
fn copies_that_are_stored_go_together() {
    for policy in [BankPolicy::Refuse, BankPolicy::Queue] {
        let queue = queue();
        let who = moderator();
        let removed = queued_image(&queue, 0.9);
        let near = [3, 31].map(|n_bits| alike(&queue, &removed, n_bits).id);
        let far = [alike(&queue, &removed, 40).id, stored_image(&queue, 0.2).id];
        let claim = claimed(&queue, &who, &removed.id);
        let job = queue.decide(&who, &claim, &banking(policy), NOW).unwrap();
        let banked = job.decision.unwrap().banked;
        let mut unsearched = queue.bank.unsearched(9).unwrap();
        unsearched.reverse();
        assert_eq!(unsearched, banked);
        let copies = queue.find_copies(&banked).unwrap();
        assert!(copies.is_complete);
        let found: BTreeSet<ImageId> = copies.images.iter().map(|(id, _)| *id).collect();
        assert_eq!(found, near.into_iter().collect());
        let treated = queue.treat_copies(Some(&who), &copies, NOW).unwrap();
        assert_eq!(treated.len(), 2);
        queue.bank.searched(&banked).unwrap();
        assert_eq!(queue.bank.unsearched(9).unwrap(), []);
        for image in near {
            let (state, told_of) = match policy {
                BankPolicy::Refuse => (State::Blocked, vec!["image-removed".to_owned()]),
                BankPolicy::Queue => (State::Review, vec!["copy-queued".to_owned()]),
            };
            assert_eq!(state_of(&queue, &image), state);
            assert_eq!(told(&queue.store, &image), told_of);
        }
        for image in far {
            assert_eq!(state_of(&queue, &image), State::Public);
        }
        let n_waiting = all_waiting(&queue).len();
        assert_eq!(n_waiting, if policy == BankPolicy::Queue { 2 } else { 0 });
        assert_consistent(&queue.store);
    }
}

#[test]
fn the_same_bytes_are_found_through_the_index() {
    let queue = queue();
    let who = moderator();
    let [first, twin] = [(); 2].map(|()| {
        let record = Record {
            state: State::Public,
            pdq: None,
            ..sample_record_at(NOW)
        };
        let bytes = SampleBytes(b"original".to_vec());
        queue.store.commit(&record, &bytes).unwrap();
        record
    });
    let job = queue
        .take_down(Some(&who), &first.id, &banking(BankPolicy::Refuse), NOW)
        .unwrap();
    let copies = queue.find_copies(&job.decision.unwrap().banked).unwrap();
    assert_eq!(
        copies.images.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        [twin.id]
    );
}

#[test]
fn a_bank_is_imported_once_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let entries: Vec<BankEntry> = (0..1_500_u32)
        .map(|n| {
            let mut hash = [0x5A; 32];
            for (idx, byte) in (0_u32..8).zip(&mut hash) {
                *byte = n.wrapping_mul(0x9E37_79B9 ^ idx).to_le_bytes()[2];
            }
            hash[8..12].copy_from_slice(&n.to_le_bytes());
            BankEntry {
                hash: if n % 3 == 0 {
                    BankHash::Sha256(hash)
                } else {
                    BankHash::Pdq(hash)
                },
                policy: BankPolicy::Refuse,
                against: Policy::Illegal,
                reason: Note::default(),
                added_by: "operator".into(),
                added_at_ms: NOW,
                image: None,
            }
        })
        .collect();
    {
        let queue = queue_of(Store::open(dir.path()).unwrap());
        let import = || {
            queue
                .bank
                .import(&Actor::Operator, &entries, NOW)
                .unwrap()
                .len()
        };
        assert_eq!((import(), import()), (1_500, 0));
        let told = audit::head(&*queue.store).unwrap().seq;
        assert_eq!(told, 1, "an entry a batch, and a batch is large");
        let counts = BankCounts {
            n_sha256: 500,
            n_pdq: 1_000,
            n_refused: 1_500,
            n_unsearched: 1_500,
        };
        assert_eq!(queue.bank.counts().unwrap(), counts);
        assert!(
            queue
                .bank
                .add(&Actor::System, &entries[0], NOW)
                .is_ok_and(|new| !new)
        );
        assert!(
            queue
                .bank
                .remove(&Actor::System, &entries[1].hash, &TakenOff::default(), NOW,)
                .unwrap()
        );
        assert!(
            !queue
                .bank
                .remove(&Actor::System, &entries[1].hash, &TakenOff::default(), NOW,)
                .unwrap()
        );
    }
    let queue = queue_of(Store::open(dir.path()).unwrap());
    assert_eq!(queue.bank.load().unwrap(), 999);
    let mut read: Vec<BankEntry> = Vec::new();
    loop {
        let after = read.last().map(|entry| entry.hash);
        let page = queue.bank.entries(after.as_ref(), 400).unwrap();
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    let mut expected = entries.clone();
    expected.remove(1);
    let key = |entry: &BankEntry| entry.hash.to_string();
    read.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(read, expected);
    assert_consistent(&queue.store);
}
