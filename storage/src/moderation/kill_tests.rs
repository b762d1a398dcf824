//! kill -9 while deciding: a child process claims, decides and takes back, and
//! says what was acknowledged; then it is killed, and everything it said holds.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::tests::{assert_consistent, claim_of, moderator, queue_of, queued_image, told};
use super::{Policy, Query, Queue, Verdict};
use crate::contract::SampleBytes;
use crate::kill_tests::opened;
use crate::{ImageId, Record, State};

/// A file in the child's working folder that tells it from a plain test run.
const CHILD_MARK: &str = "run as the child that decides";
const ROUNDS: usize = 4;
const LINES_BEFORE_KILL: usize = 120;
const NOW: u64 = 1_750_000_060_000;

#[test]
fn what_was_decided_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(CHILD_MARK), b"").unwrap();
    let mut said: HashMap<ImageId, String> = HashMap::new();
    for _ in 0..ROUNDS {
        for line in killed_child(dir.path()) {
            let (what, id) = line.split_once(' ').unwrap();
            said.insert(id.parse().unwrap(), what.to_owned());
        }
        let queue = queue_of(opened(&dir.path().join("data")));
        assert_consistent(&queue.store);
        // What was cut short goes on, and comes to an end.
        while !queue.return_copies(NOW, 7).unwrap().is_complete {}
        assert_consistent(&queue.store);
        for (id, what) in &said {
            check(&queue, id, what);
        }
    }
}

fn check(queue: &Queue, id: &ImageId, what: &str) {
    if matches!(what, "copied" | "returning") {
        let record = queue.record(id).unwrap();
        let told = told(&queue.store, id);
        // Of one that was only stored nobody knows how far its ban came.
        assert!(
            what == "copied" || record.state == State::Public,
            "{told:?}"
        );
        assert!(told.len() <= 2, "once each: {told:?}");
        return;
    }
    let record = queue.record(id).unwrap();
    let sidecar = queue.store.blobs.sidecar(id).unwrap().unwrap();
    assert!(Record::decode(&sidecar).unwrap().revision >= record.revision);
    let told = told(&queue.store, id);
    let n_decided = told
        .iter()
        .filter(|action| **action == "image-removed")
        .count();
    let n_undone = told
        .iter()
        .filter(|action| **action == "decision-undone")
        .count();
    // The child may have been killed between doing a thing and saying it.
    let is_removed = record.state == State::Blocked;
    assert_eq!(n_decided, n_undone + usize::from(is_removed), "{told:?}");
    match what {
        "queued" => assert!(queue.job(id).unwrap().is_some()),
        "removed" => assert!(n_decided >= 1, "a decision is lost"),
        _ => assert!(n_undone >= 1, "an undo is lost"),
    }
}

/// Does nothing unless started by the test above.
#[test]
fn child() {
    if !Path::new(CHILD_MARK).exists() {
        return;
    }
    let queue = queue_of(opened(Path::new("data")));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    queue_decide_undo(&queue);
                }
            });
        }
    });
}

fn queue_decide_undo(queue: &Queue) {
    let say = |what: &str, id: &ImageId| {
        // One write, so that lines of several threads do not mix.
        let line = format!("{what} {id}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    let who = moderator();
    for _ in 0..3 {
        say("queued", &queued_image(queue, 0.5).id);
    }
    let removal = Verdict::Remove {
        policy: Policy::Spam,
        reason: super::Note::default(),
        bank: Some(super::BankPolicy::Refuse),
    };
    let jobs = queue.claim_next(&who, &Query::default(), 3, NOW).unwrap();
    for (idx, job) in jobs.iter().enumerate() {
        let decided = queue.decide(&who, &claim_of(job), &removal, NOW).unwrap();
        say("removed", &job.image);
        if idx == 0 {
            let copies: Vec<ImageId> = (0..2).map(|_| copy_of(queue, &job.image)).collect();
            copies.iter().for_each(|copy| say("copied", copy));
            let hashes = &decided.decision.as_ref().unwrap().banked;
            let found = queue.find_copies(hashes).unwrap();
            queue.treat_copies(None, &found, NOW).unwrap();
            queue.undo(&who, &job.image, decided.version, NOW).unwrap();
            say("undone", &job.image);
            copies.iter().for_each(|copy| say("returning", copy));
            queue.return_copies(NOW, 1).unwrap();
        }
    }
}

/// The very same bytes, stored once more.
fn copy_of(queue: &Queue, image: &ImageId) -> ImageId {
    let record = Record {
        id: ImageId::random().unwrap(),
        revision: 0,
        state: State::Public,
        ..queue.record(image).unwrap()
    };
    let bytes = SampleBytes(record.id.as_bytes().to_vec());
    queue.store.commit(&record, &bytes).unwrap();
    record.id
}

fn killed_child(dir: &Path) -> Vec<String> {
    let mut child = Command::new("/proc/self/exe")
        .args([
            "--exact",
            "moderation::kill_tests::child",
            "--nocapture",
            "--test-threads=1",
        ])
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said: Vec<String> = lines
        .by_ref()
        .take(LINES_BEFORE_KILL)
        .map(Result::unwrap)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    said.extend(lines.map(Result::unwrap));
    assert!(
        said.len() >= LINES_BEFORE_KILL,
        "the child ended early: {said:?}"
    );
    said
}
