//! The one place where the pipeline meets the store: an upload from its first
//! byte to its durable record.
//!
//! Admission, body, pipeline, commit, in that order. A client that leaves
//! before the commit leaves nothing behind; one that leaves during it has
//! stored an image. The answer goes out only when the record is flushed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use imgshare_pipeline::{Fault, Ingested, Pdq, Permit, PipelineError, Reply, Scrubbed, Verdict};
use imgshare_storage::moderation::{BankPolicy, Flag, Lookup, plan_upload_rate};
use imgshare_storage::{
    Changes, DeleteToken, ImageId, PerceptualHash, Record, State, Storable, TurnedHashes,
};
use tokio::sync::oneshot;

use crate::app::App;
use crate::clock;
use crate::error::WebError;
use crate::http::address::{AnonymizedIp, client};
use crate::http::body::{self, BodyLimits};
use crate::http::multipart::{self, ArrivedHash, UploadedFile};
use crate::moderation::gate::Gate;
use crate::moderation::rules::asks_for_rate;

/// Proof for the store: only what the pipeline has scrubbed can be written.
pub(crate) struct Stored(pub(crate) Scrubbed);

impl Storable for Stored {
    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// A durable image and the secret of its owner.
#[derive(Debug)]
pub struct Accepted {
    /// What was stored.
    pub record: Record,
    /// Shown once, stored as a hash.
    pub token: DeleteToken,
}

/// How a file came.
#[derive(Debug)]
pub struct Arrival {
    /// Its name, sanitised.
    pub filename: String,
    /// From which network.
    pub from: AnonymizedIp,
    /// What it was before it was rewritten, for the hash bank.
    pub hash: ArrivedHash,
}

/// Takes one upload in. Returns once it would survive a loss of power.
///
/// # Errors
/// Whatever the body, the pipeline or the store says; nothing is kept then.
pub async fn ingest(app: &App, request: Request) -> Result<Accepted, WebError> {
    let file_bytes_max = app.settings.limits.upload_bytes_max;
    let limits = body_limits(app);
    let announced = body::announced_length(request.headers()).unwrap_or(file_bytes_max);
    let from = client(request.extensions());
    let mut permit = match app.pipeline.admit(announced.min(file_bytes_max)) {
        Ok(permit) => permit,
        Err(refusal) => {
            body::discard_rest(request);
            return Err(refusal.into());
        }
    };
    let file = multipart::read_one_file(request, file_bytes_max, limits).await?;
    permit.shrink_to(u64::try_from(file.bytes.len()).unwrap_or(u64::MAX));
    let UploadedFile {
        bytes,
        filename,
        hash,
    } = file;
    let ingested = run(app, permit, bytes.into()).await?;
    if let Some(from) = from {
        app.abuse
            .saw_upload(from, &ingested.sha256, clock::now_ms());
    }
    let arrival = Arrival {
        filename,
        from: AnonymizedIp::of_client(from),
        hash,
    };
    let accepted = commit(app, ingested, arrival).await?;
    let record = &accepted.record;
    let label = record
        .classification
        .as_ref()
        .map(|found| found.label.as_str());
    app.metrics.decision(record.state.as_str(), label);
    if record.state == State::Pending {
        app.rescan.notify_one();
    }
    Ok(accepted)
}

/// Sends bytes through the pipeline and waits. Dropping the future tells the
/// pipeline that nobody waits any more.
///
/// # Errors
/// The pipeline's.
pub async fn run(app: &App, permit: Permit, bytes: Arc<[u8]>) -> Result<Ingested, PipelineError> {
    let (answer, outcome) = oneshot::channel();
    app.pipeline
        .submit(permit, bytes, Box::new(Waiting(answer)));
    outcome
        .await
        .unwrap_or(Err(PipelineError::Fault(Fault::ShuttingDown)))
}

struct Waiting(oneshot::Sender<Result<Ingested, PipelineError>>);

impl Reply for Waiting {
    fn departed(&self) -> bool {
        self.0.is_closed()
    }

    fn send(self: Box<Self>, outcome: Result<Ingested, PipelineError>) {
        // Nobody waits any more; the image was not stored yet.
        let _ = self.0.send(outcome);
    }
}

/// Decides about an image and makes it durable. Its place in the pipeline is
/// held until then.
///
/// # Errors
/// The store's; nothing is kept then.
pub async fn commit(app: &App, ingested: Ingested, arrival: Arrival) -> Result<Accepted, WebError> {
    let token = DeleteToken::random().map_err(no_randomness)?;
    let id = ImageId::random().map_err(no_randomness)?;
    let Arrival {
        filename,
        from,
        hash,
    } = arrival;
    let Ingested {
        scrubbed,
        sha256,
        pdq,
        shadow,
        verdict,
        permit,
        timings: _,
    } = ingested;
    let now_ms = clock::now_ms();
    let (header, format) = (scrubbed.header(), scrubbed.format());
    let mut record = Record {
        id,
        revision: 0,
        filename,
        mime: format.mime().to_owned(),
        extension: format.extension().to_owned(),
        bytes: u64::try_from(scrubbed.bytes().len()).unwrap_or(u64::MAX),
        width: header.width,
        height: header.height,
        frames: header.frames,
        sha256,
        pdq: pdq.map(likeness),
        uploaded_at_ms: now_ms,
        state: State::Pending,
        legal_hold: false,
        court_hold: false,
        ads_objection: false,
        ruling: None,
        scan_attempts: u32::from(matches!(verdict, Verdict::Pending)),
        classification: None,
        delete_token: token.hash(),
    };
    let moderation = app.thresholds.moderation();
    let (rules, uploads) = (app.rules.rules(), app.uploads.count(from, now_ms));
    let stored = app.with_queue(move |queue| {
        let gate = Gate {
            moderation: &moderation,
            rules: &rules,
            now_ms,
        };
        // Until it is stored: a ban that comes meanwhile will find it.
        let _taking_in = queue.bank().taking_in();
        let wanted = Lookup {
            sha256: record.sha256,
            pdq: record.pdq,
        };
        let known = queue.bank().lookup_arrived(&wanted, hash.for_lookup())?;
        let passed = match &verdict {
            Verdict::Scored(scored) => gate.scored(scored, &record, known.as_ref(), uploads, 0),
            Verdict::Pending => gate.unscored(known.as_ref()),
        };
        let Ok(passed) = passed else {
            if let Some(known) = known.filter(|known| known.entry.policy == BankPolicy::Refuse) {
                queue.bank().note_refused(&known.entry.hash);
            }
            return Ok(None);
        };
        let flags = passed.settle(&mut record);
        let mut changes = Changes::new();
        if record.state == State::Pending && asks_for_rate(&rules) {
            plan_upload_rate(&mut changes, &record.id, uploads);
        }
        Flag::plan_new(&flags, &mut changes, &record, now_ms);
        let store = queue.store();
        store.commit_with(&record, &Stored(scrubbed), changes)?;
        queue.count_upload(&record);
        // The place in the pipeline is held until the image is durable.
        drop(permit);
        Ok(Some(Accepted { record, token }))
    });
    let accepted = stored.await?.ok_or(WebError::ImageRefused)?;
    app.shadow_model.offer(app, shadow, &accepted.record);
    Ok(accepted)
}

fn likeness(found: Pdq) -> PerceptualHash {
    PerceptualHash {
        hash: found.hash,
        quality: found.quality,
        turned: Some(TurnedHashes {
            mirrored: found.turned.mirrored,
            flipped: found.turned.flipped,
            half_turned: found.turned.half_turned,
        }),
    }
}

fn no_randomness(error: std::io::Error) -> WebError {
    WebError::Internal(format!("the system's random source failed: {error}"))
}

fn body_limits(app: &App) -> BodyLimits {
    let http = &app.settings.http;
    BodyLimits {
        bytes_max: app.settings.limits.upload_bytes_max,
        time_max: Duration::from_secs(http.body_seconds_max),
        stall_time_max: Duration::from_secs(http.body_stall_seconds_max),
        bytes_per_second_min: http.body_bytes_per_second_min,
    }
}
