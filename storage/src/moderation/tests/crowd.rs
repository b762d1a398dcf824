use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::thread;

use super::*;
use crate::{MemoryBlobs, SledRecords};

/// Two moderators, 500 jobs, on a real database; reports and deletions come in
/// between, and what has expired is returned all the time.
#[test]
fn none_is_decided_twice_and_none_is_lost() {
    const JOBS: usize = 500;
    let dir = tempfile::tempdir().unwrap();
    // Blobs in memory: this is about the database.
    let records = SledRecords::open(dir.path()).unwrap();
    let queue = queue_of(Store::new(
        Arc::new(records),
        Arc::new(MemoryBlobs::default()),
    ));
    let images: Vec<ImageId> = (0..JOBS)
        .map(|idx| queued_image(&queue, idx as f32 / JOBS as f32).id)
        .collect();
    let decided: Mutex<HashMap<ImageId, Vec<StaffId>>> = Mutex::default();
    let reopened: Mutex<HashSet<ImageId>> = Mutex::default();
    let work = |n_at_once: usize| {
        let who = moderator();
        loop {
            let jobs = queue
                .claim_next(&who, &Query::default(), n_at_once, NOW)
                .unwrap();
            if jobs.is_empty() {
                return;
            }
            for (idx, job) in jobs.iter().enumerate() {
                let verdict = [Verdict::Safe, Verdict::Nsfw, removal()][idx % 3].clone();
                match queue.decide(&who, &claim_of(job), &verdict, NOW) {
                    Ok(_) => {
                        let mut decided = decided.lock().unwrap();
                        decided.entry(job.image).or_default().push(who.id.clone());
                    }
                    Err(ModerationError::Conflict(conflict)) => {
                        assert_eq!(conflict.kind, ConflictKind::Changed);
                        queue.release(&who, &claim_of(job), NOW).unwrap();
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| work(7));
        scope.spawn(|| work(3));
        scope.spawn(|| {
            for image in images.iter().rev().step_by(5) {
                let job = queue.flag(image, &Flag::new(Reason::Report), NOW).unwrap();
                if job.decision.is_some() {
                    reopened.lock().unwrap().insert(*image);
                }
                queue.return_expired(NOW).unwrap();
            }
        });
    });
    work(9);
    let (decided, reopened) = (
        decided.into_inner().unwrap(),
        reopened.into_inner().unwrap(),
    );
    assert_eq!(decided.len(), JOBS);
    assert_eq!(all_waiting(&queue), []);
    for image in &images {
        let job = queue.job(image).unwrap().unwrap();
        assert_eq!(job.status, Status::Decided);
        let decision = job.decision.unwrap();
        assert_eq!(decision.by.as_ref(), decided[image].last());
        // Twice only where a report came after the first time.
        let n_times = 1 + usize::from(reopened.contains(image));
        assert_eq!(decided[image].len(), n_times, "decided twice");
        assert_eq!(told(&queue.store, image).len(), n_times);
    }
    assert_eq!(
        usize::try_from(audit::head(&*queue.store).unwrap().seq).unwrap(),
        JOBS + reopened.len()
    );
    assert_consistent(&queue.store);
}
