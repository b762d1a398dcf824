//! kill -9 under load: a child process stores, changes and removes images and
//! says what was acknowledged; then it is killed, and everything it said holds.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::contract::{SAMPLE_MS, SampleBytes, sample_record};
use crate::retention::unpublished;
use crate::{ImageId, Record, State, StorageError, Store};

/// A file in the child's working folder that tells it from a plain test run.
const CHILD_MARK: &str = "run as the child";
const ROUNDS: usize = 4;
const LINES_BEFORE_KILL: usize = 150;

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(CHILD_MARK), b"").unwrap();
    let mut acknowledged: HashMap<ImageId, Option<State>> = HashMap::new();
    let mut shown = HashSet::new();
    for _ in 0..ROUNDS {
        for line in killed_child(dir.path()) {
            let (what, id) = line.split_once(' ').unwrap();
            let id = id.parse().unwrap();
            match what {
                "shown" => {
                    shown.insert(id);
                    None
                }
                "stored" => acknowledged.insert(id, Some(State::Pending)),
                "published" => acknowledged.insert(id, Some(State::Public)),
                _ => acknowledged.insert(id, None),
            };
        }
        let store = opened(&dir.path().join("data"));
        check(&store, &acknowledged);
        check_unpublished(&store, &shown);
    }
}

/// Does nothing unless started by the test above.
#[test]
fn child() {
    if !Path::new(CHILD_MARK).exists() {
        return;
    }
    let store = opened(Path::new("data"));
    unpublished::expect_copies(&store, true, SAMPLE_MS).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    store_publish_remove(&store);
                }
            });
        }
    });
}

/// Opens a store as soon as its lock is free: a process that another test starts
/// meanwhile has a copy of it until it runs its own program.
pub(crate) fn opened(data_dir: &Path) -> Store {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Store::open(data_dir) {
            Err(StorageError::Locked { .. }) if Instant::now() < deadline => thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}

fn store_publish_remove(store: &Store) {
    let say = |what: &str, id: &ImageId| {
        // One write, so that lines of several threads do not mix.
        let line = format!("{what} {id}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    };
    let [kept, published, removed] = [(); 3].map(|()| sample_record());
    for record in [&kept, &published, &removed] {
        store
            .commit(record, &SampleBytes(b"original".to_vec()))
            .unwrap();
        say("stored", &record.id);
        store.count_view(&record.id, SAMPLE_MS);
    }
    store
        .update(&published.id, |record| record.state = State::Public)
        .unwrap();
    say("published", &published.id);
    store
        .update(&removed.id, |record| record.state = State::Public)
        .unwrap();
    say("shown", &removed.id);
    store.remove(&removed.id, SAMPLE_MS).unwrap();
    say("removed", &removed.id);
    store.merge_views().unwrap();
}

fn killed_child(dir: &Path) -> Vec<String> {
    let mut child = Command::new("/proc/self/exe")
        .args([
            "--exact",
            "kill_tests::child",
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

fn check(store: &Store, acknowledged: &HashMap<ImageId, Option<State>>) {
    for (id, state) in acknowledged {
        // The records themselves: nothing may have to come back from a sidecar.
        let record = store.records.find(id).unwrap();
        match (state, record) {
            (None, record) => assert_eq!(record, None, "{id} is back"),
            (Some(_), None) => {
                // A removal may have been under way when the kill came.
                assert_eq!(
                    store.blobs.sidecar(id).unwrap(),
                    None,
                    "{id} lost its record"
                );
                assert_eq!(*state, Some(State::Pending));
            }
            (Some(state), Some(record)) => assert_whole(store, &record, *state),
        }
    }
    let mut n_blobs = 0;
    store
        .blobs
        .for_each_id(&mut |id| {
            assert!(
                store.records.find(&id).unwrap().is_some(),
                "{id} has no record"
            );
            n_blobs += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(store.count().unwrap(), n_blobs);
}

/// P21: what was shown is public still, or is to be purged from a CDN.
fn check_unpublished(store: &Store, shown: &HashSet<ImageId>) {
    let waiting = unpublished::waiting(store, None, usize::MAX).unwrap();
    let waiting: HashSet<ImageId> = waiting.iter().map(|waiting| waiting.image).collect();
    for id in shown {
        let record = store.records.find(id).unwrap();
        let is_public = record.is_some_and(|record| record.state == State::Public);
        assert_ne!(is_public, waiting.contains(id), "{id}");
    }
}

fn assert_whole(store: &Store, record: &Record, at_least: State) {
    if at_least == State::Public {
        assert_eq!(record.state, State::Public);
    }
    let bytes = store.read(&record.id, &record.original().unwrap()).unwrap();
    assert_eq!(bytes.as_deref(), Some(b"original".as_slice()));
    let sidecar = store.blobs.sidecar(&record.id).unwrap().unwrap();
    assert!(Record::decode(&sidecar).unwrap().revision >= record.revision);
}
