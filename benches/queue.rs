//! T10: the moderators' queue and an upload, whatever the number of images.
//!
//! Two stores on disk, one with 10 thousand images that wait, one with as many
//! as `IMGSHARE_BENCH_QUEUE_JOBS` says: 100 thousand without it. Both are
//! measured in turns, so that a slow moment of the machine is everyone's. What
//! a moderator or an uploader waits for in the larger one must take at most 1.5
//! times what it takes in the smaller one.
//!
//! `IMGSHARE_BENCH_FIGURES` names a file for all that was measured, as JSON in
//! milliseconds: `benches/peers/run t10` makes a record of it.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use imgshare_storage::contract::{SampleBytes, load_in_order, sample_record_at};
use imgshare_storage::moderation::{
    Bank, Claim, Flag, Lane, Lookup, Moderator, Query, Queue, QueueSettings, Reason, Sort, Verdict,
};
use imgshare_storage::staff::{Role, StaffId};
use imgshare_storage::{
    Changes, FileBlobs, ImageId, PerceptualHash, Record, SledRecords, State, Store, TurnedHashes,
};
use sha2::{Digest, Sha256};

#[path = "queue/bank.rs"]
mod bank;
#[path = "queue/figures.rs"]
mod figures;

use figures::Figures;

const FEW: usize = 10_000;
const MANY: usize = 100_000;

/// Images written together, in the order of their keys.
const BATCH: usize = 250_000;

/// Jobs of a moderator's page.
const PAGE: usize = 50;

/// How often each store has its turn; the first turns only warm up.
const ROUNDS: usize = 156;
const ROUNDS_TO_WARM: usize = 6;

/// How often a store is opened anew.
const OPENED: usize = 5;

/// An upload's bytes.
const UPLOAD_BYTES: usize = 100_000;

const UPLOADED_MS: u64 = 1_750_000_000_000;
const NOW_MS: u64 = UPLOADED_MS + 365 * 24 * 3_600_000;

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let many = std::env::var("IMGSHARE_BENCH_QUEUE_JOBS")
        .ok()
        .and_then(|jobs| jobs.parse().ok())
        .unwrap_or(MANY);
    let mut figures = Figures::default();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut sites: Vec<Site> = [FEW, many]
        .into_iter()
        .map(|n_images| Site::seeded(folder.path(), n_images))
        .collect();
    for round in 0..ROUNDS {
        for site in &mut sites {
            site.measure(&mut figures, round);
        }
    }
    for _ in 0..OPENED {
        sites = sites
            .into_iter()
            .map(|site| site.opened_again(&mut figures))
            .collect();
    }
    for site in &sites {
        site.note_size(&mut figures);
    }
    drop(sites);
    bank::measure(&mut figures);
    figures.print();
    if let Some(file) = std::env::var_os("IMGSHARE_BENCH_FIGURES") {
        figures.write(Path::new(&file));
    }
}

/// A store with its queue, and who works on it.
struct Site {
    n_images: usize,
    folder: std::path::PathBuf,
    queue: Queue,
    who: Moderator,
    n_uploaded: u64,
}

impl Site {
    fn seeded(parent: &Path, n_images: usize) -> Self {
        let folder = parent.join(n_images.to_string());
        let started = Instant::now();
        let records = SledRecords::open(&folder.join("db")).expect("sled opens");
        fill(&records, n_images);
        println!("{n_images} images written in {:?}", started.elapsed());
        drop(records);
        Self {
            queue: queue_in(&folder),
            n_images,
            folder,
            who: Moderator {
                id: StaffId::random().expect("the system has random numbers"),
                role: Role::Moderator,
            },
            n_uploaded: 0,
        }
    }

    /// One turn: each thing once.
    fn measure(&mut self, figures: &mut Figures, round: usize) {
        let mut times = Vec::new();
        // Each order takes each place: what one page has read warms the next.
        let mut sorts = Sort::ALL.into_iter().cycle().skip(round % Sort::ALL.len());
        let mut page = |site: &Self, times: &mut Vec<(String, Duration)>| {
            let sort = sorts.next().unwrap_or_default();
            let page = timed(|| site.page(sort));
            times.push((format!("first page, {}", words(sort)), page));
        };
        page(self, &mut times);
        times.push(("claim and give back".into(), timed(|| self.claim_next())));
        page(self, &mut times);
        let mut uploaded = None;
        let upload = timed(|| uploaded = Some(self.upload()));
        times.push(("upload, durable".into(), upload));
        page(self, &mut times);
        if let Some(image) = uploaded {
            times.push(("claim and decide".into(), timed(|| self.decide(&image))));
        }
        times.push(("likenesses of an image".into(), timed(|| self.alike())));
        let counts = round >= ROUNDS_TO_WARM;
        for (what, time) in times.into_iter().filter(|_| counts) {
            figures.add(&what, self.n_images, time);
        }
    }

    /// A page as the service reads it: jobs, images, views.
    fn page(&self, sort: Sort) {
        let query = Query {
            sort,
            ..Query::default()
        };
        let listing = self.queue.list(&query, None, PAGE);
        let jobs = listing.expect("the queue is read").jobs;
        assert_eq!(jobs.len(), PAGE);
        let store = self.queue.store();
        for job in jobs {
            black_box(store.find(&job.image).expect("a record is read"));
            black_box(store.views(&job.image).expect("views are read"));
        }
    }

    fn claim_next(&self) {
        let query = Query::default();
        let jobs = self.queue.claim_next(&self.who, &query, 1, NOW_MS);
        let claim = claim_of(&jobs.expect("a job is claimed")[0]);
        let released = self.queue.release(&self.who, &claim, NOW_MS);
        released.expect("it is ours");
    }

    /// What an upload waits for once it is classified: the hash bank, the file,
    /// the record with its indexes and its job.
    fn upload(&mut self) -> ImageId {
        self.n_uploaded += 1;
        let mut bytes = vec![7; UPLOAD_BYTES];
        bytes[..8].copy_from_slice(&self.n_uploaded.to_le_bytes());
        let mut record = record(0, 1);
        record.uploaded_at_ms = NOW_MS;
        record.bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        record.sha256 = Sha256::digest(&bytes).into();
        let known = self.queue.bank().lookup(&Lookup {
            sha256: record.sha256,
            pdq: record.pdq,
        });
        assert_eq!(known.expect("the bank is read"), None);
        let mut changes = Changes::new();
        let flags = [Flag::new(Reason::ReviewBand)];
        Flag::plan_new(&flags, &mut changes, &record, NOW_MS);
        let bytes = SampleBytes(bytes);
        let stored = self.queue.store().commit_with(&record, &bytes, changes);
        stored.expect("an upload is stored");
        record.id
    }

    fn decide(&self, image: &ImageId) {
        let claimed = self.queue.claim(&self.who, &Lane::ALL, image, NOW_MS);
        let claim = claim_of(&claimed.expect("it waits"));
        let decided = self.queue.decide(&self.who, &claim, &Verdict::Safe, NOW_MS);
        decided.expect("it is ours");
    }

    /// Of an image that is there, and the same with 31 bits turned.
    fn alike(&self) {
        let mut wanted = hash_of(self.n_images / 2);
        wanted[0] ^= 0xFF;
        wanted[9] ^= 0xFF;
        wanted[18] ^= 0xFF;
        wanted[27] ^= 0x7F;
        let mut n_found = 0;
        let mut visit = |_| {
            n_found += 1;
            Ok(ControlFlow::Continue(()))
        };
        let store = self.queue.store();
        let found = store.for_each_alike(&[wanted], &mut visit);
        found.expect("likenesses are read");
        assert_eq!(n_found, 1);
    }

    /// The first page as the first one asks for it after a start.
    fn opened_again(self, figures: &mut Figures) -> Self {
        let Self { folder, queue, .. } = self;
        drop(queue);
        let opening = Instant::now();
        let queue = queue_in(&folder);
        figures.add("start: opening the store", self.n_images, opening.elapsed());
        let site = Self {
            folder,
            queue,
            ..self
        };
        let page = timed(|| site.page(Sort::HarmFirst));
        figures.add("start: first page", site.n_images, page);
        let load = timed(|| {
            let store = site.queue.store();
            store.load_likenesses().expect("likenesses are read");
        });
        figures.add("start: reading the likenesses", site.n_images, load);
        site
    }

    fn note_size(&self, figures: &mut Figures) {
        let count = self.queue.store().count().expect("the count is read");
        let files = std::fs::read_dir(self.folder.join("db")).expect("a folder");
        let bytes = files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len()));
        figures.note(format!(
            "{count} images at the end of the run, their database {} MB",
            bytes.sum::<u64>() / 1_000_000
        ));
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn claim_of(job: &imgshare_storage::moderation::Job) -> Claim {
    Claim {
        image: job.image,
        lease: job.lease().expect("it was claimed").token.clone(),
        version: job.version,
    }
}

fn words(sort: Sort) -> &'static str {
    match sort {
        Sort::HarmFirst => "most harmful first",
        Sort::MostUncertain => "most uncertain first",
        Sort::OldestFirst => "oldest first",
        Sort::DueFirst => "due first",
    }
}

/// Images with scores spread evenly, uploaded over a year, each with a job.
fn fill(records: &SledRecords, n_images: usize) {
    for first in (0..n_images).step_by(BATCH) {
        let batch: Vec<Record> = (first..n_images.min(first + BATCH))
            .map(|idx| record(idx, n_images))
            .collect();
        let mut changes = Changes::new();
        for record in &batch {
            let flags = [Flag::new(Reason::ReviewBand)];
            Flag::plan_new(&flags, &mut changes, record, record.uploaded_at_ms);
        }
        load_in_order(records, &batch, &changes).expect("images are written");
    }
}

fn record(idx: usize, n_images: usize) -> Record {
    let share = idx as f64 / n_images as f64;
    let into_the_year = Duration::from_secs_f64(share * 365.0 * 86_400.0);
    let uploaded = UPLOADED_MS + u64::try_from(into_the_year.as_millis()).unwrap_or(u64::MAX);
    let mut record = Record {
        state: State::Review,
        ..sample_record_at(uploaded)
    };
    record.sha256[..12].copy_from_slice(record.id.as_bytes());
    record.pdq = Some(likeness(match n_images {
        1 => Sha256::digest(record.id.as_bytes()).into(),
        _ => hash_of(idx),
    }));
    let explicit = (idx * 7_919 % 10_000) as f32 / 10_000.0;
    if let Some(found) = &mut record.classification {
        found.probabilities = [0.0, 0.0, 1.0 - explicit, explicit, 0.0];
    }
    record
}

/// A likeness that looks random, the same for the same number.
fn hash_of(idx: usize) -> [u8; 32] {
    Sha256::digest(idx.to_le_bytes()).into()
}

/// What is known of a picture; turned, it is like nothing else.
fn likeness(hash: [u8; 32]) -> PerceptualHash {
    let turned = |by: u8| hash.map(|byte| byte.wrapping_mul(151) ^ by);
    PerceptualHash {
        turned: Some(TurnedHashes {
            mirrored: turned(1),
            flipped: turned(2),
            half_turned: turned(3),
        }),
        ..PerceptualHash::bare(hash, 100)
    }
}

fn queue_in(folder: &Path) -> Queue {
    let records = SledRecords::open(&folder.join("db")).expect("sled opens");
    let blobs = FileBlobs::open(folder).expect("blobs are opened");
    let store = Arc::new(Store::new(Arc::new(records), Arc::new(blobs)));
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    Queue::new(store, bank, QueueSettings::default())
}
