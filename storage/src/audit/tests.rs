use std::thread;

use serde_json::{Value, json};

use super::*;
use crate::MemoryRecords;

fn entry(n: u64) -> Entry {
    Entry::new(n, Actor::Operator, Action::new("tested"))
        .about(Subject::named(
            "test",
            if n.is_multiple_of(2) { "even" } else { "odd" },
        ))
        .changed(json!(n), json!(n + 1))
}

#[test]
fn entries_of_one_commit_are_linked_to_each_other() {
    let keys = MemoryRecords::default();
    let numbers = commit(&keys, |changes| {
        (1..=3)
            .map(|n| append(&keys, changes, entry(n)))
            .collect::<Result<Vec<u64>, _>>()
    });
    assert_eq!(numbers.unwrap(), [1, 2, 3]);
    assert_eq!(record(&keys, &entry(4)).unwrap(), 4);
    let mut at = Head::EMPTY;
    for sealed in entries_after(&keys, 0, 10).unwrap() {
        sealed.check_behind(&at).unwrap();
        at = sealed.head();
    }
    assert_eq!(head(&keys).unwrap(), at);
    assert_eq!(at.seq, 4);
}

#[test]
fn entries_are_found_by_number_and_subject() {
    let keys = MemoryRecords::default();
    for n in 1..=6 {
        record(&keys, &entry(n)).unwrap();
    }
    let seqs = |found: Result<Vec<Sealed>, StorageError>| -> Vec<u64> {
        found.unwrap().iter().map(|sealed| sealed.seq).collect()
    };
    assert_eq!(seqs(entries_after(&keys, 4, 10)), [5, 6]);
    assert_eq!(seqs(entries_before(&keys, 4, 2)), [3, 2]);
    let odd = Subject::named("test", "odd");
    assert_eq!(seqs(entries_about(&keys, &odd, u64::MAX, 10)), [5, 3, 1]);
    assert_eq!(seqs(entries_about(&keys, &odd, 5, 1)), [3]);
    assert_eq!(
        seqs(entries_about(&keys, &Subject::named("test", "no"), 9, 1)),
        Vec::<u64>::new()
    );
}

#[test]
fn writers_at_once_lose_no_entry() {
    let keys = MemoryRecords::default();
    thread::scope(|scope| {
        for n in 0..4 {
            let keys = &keys;
            scope.spawn(move || {
                for _ in 0..25 {
                    // The bound on attempts is for people, not for this loop.
                    while record(keys, &entry(n)).is_err() {}
                }
            });
        }
    });
    assert_eq!(head(&keys).unwrap().seq, 100);
    let report = verify(Some(&keys), None).unwrap();
    assert_eq!((report.bad, report.n_in_database), (None, Some(100)));
}

/// What somebody else writes who has only the documentation: RFC 8785 for the JSON
/// that entries consist of, numbers between 1e-6 and 1e21, names in ASCII.
fn as_an_outsider_spells_it(json: &Value) -> String {
    let parts = |parts: Vec<String>| parts.join(",");
    match json {
        Value::Null => "null".to_owned(),
        Value::Bool(is_so) => is_so.to_string(),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            assert!(number == 0.0 || (1e-6..1e21).contains(&number.abs()));
            // Rust's own spelling: the fewest digits, never an exponent.
            format!("{number}")
        }
        Value::String(text) => serde_json::to_string(text).unwrap(),
        Value::Array(items) => {
            let items = items.iter().map(as_an_outsider_spells_it);
            format!("[{}]", parts(items.collect()))
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let spelled = names
                .iter()
                .map(|name| format!("\"{name}\":{}", as_an_outsider_spells_it(&members[*name])));
            format!("{{{}}}", parts(spelled.collect()))
        }
    }
}

#[test]
fn an_outsider_recomputes_the_chain_from_an_export() {
    let dir = tempfile::tempdir().unwrap();
    let keys = MemoryRecords::default();
    let image = crate::ImageId::random().unwrap();
    let numbers = [
        1.0,
        0.000_039_808_015_571_907_16,
        1e-6,
        0.1_f32.into(),
        1e20,
    ];
    for (n, number) in (1..).zip(numbers) {
        let mut told = entry(n).about(Subject::image(&image));
        told.thresholds = json!([number, 0.6_f32, true, null, "\"a\"\n\u{7}ü\u{1F600}"]);
        told.scores = json!({"porn": number, "model": "m"});
        record(&keys, &told).unwrap();
    }
    Anchor::open(dir.path(), &keys, 0).unwrap();
    let sha256 = |text: String| hex::encode(Sha256::digest(text));
    let mut previous = "0".repeat(64);
    let mut n_checked = 0;
    for sealed in lines(dir.path()).unwrap() {
        let sealed = sealed.unwrap();
        let scores = scores_of(&keys, &sealed).unwrap();
        let line = sealed.line_with(scores.as_ref());
        let read: Value = serde_json::from_str(&line).unwrap();
        let spelled = as_an_outsider_spells_it(&read["entry"]);
        let hash = sha256(format!("{previous} {} {spelled}", read["seq"]));
        assert_eq!(read["hash"], hash.as_str(), "{line}");
        assert_eq!(read["previous"], previous.as_str());
        // Whoever has no JSON at all takes the text as it stands.
        let (_, rest) = line.split_once("{\"entry\":").unwrap();
        let (text, _) = rest.split_once(",\"hash\":").unwrap();
        assert_eq!(text, spelled);
        let scores = &read["scores"];
        let salt = scores["salt"].as_str().unwrap();
        let digest = sha256(format!(
            "{salt} {}",
            as_an_outsider_spells_it(&scores["scores"])
        ));
        assert_eq!(read["entry"]["scores_sha256"], digest.as_str());
        previous = hash;
        n_checked += 1;
    }
    assert_eq!(n_checked, numbers.len());
}
