//! `imgshare bench ingest`: whole images through the real pipeline into a real
//! store, as an upload goes once its body has arrived.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use imgshare_pipeline::outcome::Timings;
use imgshare_pipeline::{Pipeline, Verdict};
use imgshare_storage::{Record, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::BenchError;
use crate::app::{App, AppState};
use crate::config::Settings;
use crate::http::address::AnonymizedIp;
use crate::http::multipart::ArrivedHash;
use crate::ingest::{self, Arrival};

/// Uploads on their way at once: enough to fill the batches of a CPU while
/// some wait for the disk, few enough for admission.
pub const CLIENTS: usize = 16;

/// One image that was ingested.
#[derive(Debug)]
pub struct Done {
    /// What was stored.
    pub record: Record,
    /// Size of the file that came in.
    pub uploaded_bytes: u64,
    /// Where its time in the pipeline went.
    pub timings: Timings,
    /// From the verdict to durable.
    pub commit: Duration,
}

/// A pipeline and an empty, durable store, without HTTP in front.
pub struct IngestBench {
    runtime: Runtime,
    app: AppState,
    /// Holds the store, and takes it away at the end.
    _folder: TempDir,
}

impl IngestBench {
    /// Puts `pipeline` over a store in a temporary folder within the data
    /// folder, so that the disk measured is the one that serves.
    ///
    /// # Errors
    /// When the data folder cannot be written.
    pub fn start(settings: Settings, pipeline: Pipeline) -> Result<Self, BenchError> {
        std::fs::create_dir_all(&settings.data)?;
        let folder = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir_in(&settings.data)?;
        let store = Store::open(folder.path())?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            app: App::new(settings, store, pipeline)?,
            _folder: folder,
        })
    }

    /// Ingests the files in turns, [`CLIENTS`] at once, until `time` is over
    /// and each was taken once.
    ///
    /// # Errors
    /// The first image that is refused, not classified or not stored.
    pub fn run(&self, files: &[Arc<[u8]>], time: Duration) -> Result<Vec<Done>, BenchError> {
        let turns = Arc::new(Turns {
            files: files.to_vec(),
            next: AtomicUsize::new(0),
            until: Instant::now() + time,
        });
        self.runtime.block_on(async {
            let mut clients = JoinSet::new();
            for _ in 0..CLIENTS {
                clients.spawn(client(Arc::clone(&self.app), Arc::clone(&turns)));
            }
            let mut done = Vec::new();
            while let Some(finished) = clients.join_next().await {
                done.extend(finished.map_err(|_| BenchError::Panicked)??);
            }
            Ok(done)
        })
    }

    /// The pipeline, for its counters.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.app.pipeline
    }

    /// The store, to look at what was stored.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.app.store
    }
}

/// Which file comes next, and until when.
struct Turns {
    files: Vec<Arc<[u8]>>,
    next: AtomicUsize,
    until: Instant,
}

impl Turns {
    fn next(&self) -> Option<Arc<[u8]>> {
        let turn = self.next.fetch_add(1, Relaxed);
        let is_first_round = turn < self.files.len();
        let file = self.files.get(turn % self.files.len().max(1))?;
        (is_first_round || Instant::now() < self.until).then(|| Arc::clone(file))
    }
}

async fn client(app: AppState, turns: Arc<Turns>) -> Result<Vec<Done>, BenchError> {
    let mut done = Vec::new();
    while let Some(file) = turns.next() {
        done.push(ingest_one(&app, file).await?);
    }
    Ok(done)
}

async fn ingest_one(app: &App, file: Arc<[u8]>) -> Result<Done, BenchError> {
    let uploaded_bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
    let permit = app.pipeline.admit(uploaded_bytes)?;
    let hash = ArrivedHash::of(&file);
    let ingested = ingest::run(app, permit, file).await?;
    if ingested.verdict == Verdict::Pending {
        return Err(BenchError::NotClassified);
    }
    let timings = ingested.timings;
    let started = Instant::now();
    let arrival = Arrival {
        filename: "bench".to_owned(),
        from: AnonymizedIp::of(Ipv4Addr::LOCALHOST.into()),
        hash,
    };
    let accepted = ingest::commit(app, ingested, arrival)
        .await
        .map_err(|error| BenchError::NotStored(error.to_string()))?;
    Ok(Done {
        record: accepted.record,
        uploaded_bytes,
        timings,
        commit: started.elapsed(),
    })
}
