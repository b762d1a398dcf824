//! Durable writes and reads: records alone, and a whole image as the service
//! commits it.

use criterion::{BatchSize, Bencher, Criterion, Throughput, criterion_group, criterion_main};
use imgshare_storage::contract::{SampleBytes, sample_record};
use imgshare_storage::{MemoryRecords, Record, Records, SledRecords, Store};

/// A phone's photo.
const IMAGE_BYTES: usize = 2_000_000;

/// Records of a moderator's page.
const PAGE: usize = 50;

fn bench(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let sled = SledRecords::open(&folder.path().join("records")).expect("sled opens");
    bench_records(criterion, "records in sled", &sled);
    bench_records(criterion, "records in memory", &MemoryRecords::default());
    let on_disk = Store::open(&folder.path().join("store")).expect("the store opens");
    bench_store(criterion, "store on disk", &on_disk);
    bench_store(criterion, "store in memory", &Store::memory());
}

fn bench_records(criterion: &mut Criterion, name: &str, records: &dyn Records) {
    let mut current = inserted(records);
    for _ in 1..PAGE {
        inserted(records);
    }
    assert_eq!(
        records.find(&current.id).expect("records are readable"),
        Some(current.clone())
    );
    let page = || {
        records
            .in_state(current.state, None, PAGE)
            .expect("the index is readable")
    };
    assert_eq!(page().ids.len(), PAGE);

    let mut group = criterion.benchmark_group(name);
    group.bench_function("find", |bencher| bencher.iter(|| records.find(&current.id)));
    group.bench_function("page of a state", |bencher| bencher.iter(page));
    // As a pair, so that there are as many records at the end as at the start.
    group.bench_function("insert and remove", |bencher| {
        bencher.iter(|| records.remove(&inserted(records).id));
    });
    group.bench_function("update", |bencher| {
        bencher.iter(|| current = records.update(&current).expect("nobody else updates it"));
    });
    group.finish();
}

fn inserted(records: &dyn Records) -> Record {
    let record = sample_record();
    records.insert(&record).expect("a new record is inserted");
    record
}

fn bench_store(criterion: &mut Criterion, name: &str, store: &Store) {
    let image = SampleBytes(vec![0x5a; IMAGE_BYTES]);
    let commit = |record: &Record| store.commit(record, &image).expect("a new image is stored");
    let record = like_the_first();
    let part = record.original().expect("the extension is plain");
    commit(&record);
    let stored_bytes = store
        .read(&record.id, &part)
        .expect("the image is readable");
    assert!(stored_bytes.is_some_and(|bytes| bytes == image.0));

    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(IMAGE_BYTES as u64));
    // Each image is removed again, so that the disk holds one whatever the count.
    let bench_commit = |bencher: &mut Bencher<'_>, new: fn() -> Record| {
        bencher.iter_batched_ref(
            || Committed {
                store,
                record: new(),
            },
            |image| commit(&image.record),
            BatchSize::PerIteration,
        );
    };
    group.bench_function("commit", |bencher| bench_commit(bencher, unlike_any));
    group.bench_function("commit of bytes that are there", |bencher| {
        bench_commit(bencher, like_the_first);
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| store.read(&record.id, &part))
    });
    group.finish();
}

/// A record of the image, which finds the others of the same bytes.
fn like_the_first() -> Record {
    Record {
        bytes: IMAGE_BYTES as u64,
        ..sample_record()
    }
}

/// A record that claims another hash, so that the bytes are written again.
fn unlike_any() -> Record {
    let mut record = like_the_first();
    record.sha256[..12].copy_from_slice(record.id.as_bytes());
    record
}

/// Removes its image when it is dropped, outside the timed region.
struct Committed<'a> {
    store: &'a Store,
    record: Record,
}

impl Drop for Committed<'_> {
    fn drop(&mut self) {
        self.store
            .remove(&self.record.id, 0)
            .expect("an image of ours can be removed");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
