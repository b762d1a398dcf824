//! T10: the first page of the moderators' queue, whatever its length.
//!
//! Two stores on disk, one with 10 thousand images and jobs, one with as many
//! as `IMGSHARE_BENCH_QUEUE_JOBS` says: 100 thousand without it, a million for
//! the record, which takes some minutes to write. The page of the longer queue
//! must take at most 1.5 times that of the shorter one.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use imgshare_storage::contract::{load_records, sample_record_at};
use imgshare_storage::moderation::{
    Bank, Claim, Flag, Moderator, Query, Queue, QueueSettings, Reason, Sort,
};
use imgshare_storage::staff::{Role, StaffId};
use imgshare_storage::{Changes, Keyspace, MemoryBlobs, Record, SledRecords, State, Store};

const FEW: usize = 10_000;
const MANY: usize = 100_000;
const BATCH: usize = 500;

/// Jobs of a moderator's page.
const PAGE: usize = 50;

const UPLOADED_MS: u64 = 1_750_000_000_000;
const NOW_MS: u64 = UPLOADED_MS + 365 * 24 * 3_600_000;

fn bench(criterion: &mut Criterion) {
    let many = std::env::var("IMGSHARE_BENCH_QUEUE_JOBS")
        .ok()
        .and_then(|jobs| jobs.parse().ok())
        .unwrap_or(MANY);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for n_jobs in [FEW, many] {
        let path = folder.path().join(n_jobs.to_string());
        let started = Instant::now();
        let records = SledRecords::open(&path).expect("sled opens");
        fill(&records, n_jobs);
        println!(
            "{n_jobs} images and jobs written in {:?}",
            started.elapsed()
        );
        let queue = queue_of(records);
        bench_queue(criterion, n_jobs, &queue);
    }
}

/// Images with scores spread evenly, uploaded over a year.
fn fill(records: &SledRecords, n_jobs: usize) {
    for first in (0..n_jobs).step_by(BATCH) {
        let batch: Vec<Record> = (first..n_jobs.min(first + BATCH))
            .map(|idx| record(idx, n_jobs))
            .collect();
        let mut changes = Changes::new();
        for record in &batch {
            let flags = [Flag::new(Reason::ReviewBand)];
            Flag::plan_new(&flags, &mut changes, record, record.uploaded_at_ms);
        }
        load_records(records, &batch).expect("records are written");
        records.commit(changes).expect("jobs are written");
    }
}

fn record(idx: usize, n_jobs: usize) -> Record {
    let share = idx as f64 / n_jobs as f64;
    let into_the_year = std::time::Duration::from_secs_f64(share * 365.0 * 86_400.0);
    let uploaded = UPLOADED_MS + u64::try_from(into_the_year.as_millis()).unwrap_or(u64::MAX);
    let mut record = Record {
        state: State::Review,
        ..sample_record_at(uploaded)
    };
    record.sha256[..12].copy_from_slice(record.id.as_bytes());
    let explicit = (idx * 7_919 % 10_000) as f32 / 10_000.0;
    if let Some(found) = &mut record.classification {
        found.probabilities = [0.0, 0.0, 1.0 - explicit, explicit, 0.0];
    }
    record
}

fn queue_of(records: SledRecords) -> Queue {
    let store = Store::new(Arc::new(records), Arc::new(MemoryBlobs::default()));
    let store = Arc::new(store);
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    Queue::new(store, bank, QueueSettings::default())
}

fn bench_queue(criterion: &mut Criterion, n_jobs: usize, queue: &Queue) {
    let page = |sort| {
        let query = Query {
            sort,
            ..Query::default()
        };
        queue.list(&query, None, PAGE).expect("the queue is read")
    };
    let mut group = criterion.benchmark_group("first page of the queue");
    for sort in Sort::ALL {
        assert_eq!(page(sort).jobs.len(), PAGE);
        group.bench_function(format!("{n_jobs} jobs, {sort:?}"), |bencher| {
            bencher.iter(|| black_box(page(sort)));
        });
    }
    group.finish();
    println!(
        "{n_jobs} jobs: claimed and given back in {:?}",
        claimed(queue)
    );
}

/// Median time to claim the next image and to give it back, both durable. A
/// decision takes a blob's sidecar, which this store does not have.
fn claimed(queue: &Queue) -> Duration {
    let who = Moderator {
        id: StaffId::random().expect("the system has random numbers"),
        role: Role::Moderator,
    };
    let mut times: Vec<Duration> = (0..51)
        .map(|_| {
            let started = Instant::now();
            let jobs = queue.claim_next(&who, &Query::default(), 1, NOW_MS);
            let jobs = jobs.expect("a job is claimed");
            let lease = jobs[0].lease().expect("it was claimed").token.clone();
            let claim = Claim {
                image: jobs[0].image,
                lease,
                version: jobs[0].version,
            };
            queue.release(&who, &claim, NOW_MS).expect("it is ours");
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

criterion_group!(benches, bench);
criterion_main!(benches);
