//! What goes over the wire.

use imgshare_storage::moderation::{
    Claim, Decision, Job, Lane, Lease, Priority, Query, Reason, ReasonKind, Signals, Skip, Sort,
    Status, Verdict,
};
use imgshare_storage::{Classification, ImageId, Ruling, State};
use serde::{Deserialize, Serialize};

use crate::config::Moderation;
use crate::decision;
use crate::moderation::service::Looked;

/// Which jobs, in which order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct QueryDto {
    pub(super) lane: Lane,
    pub(super) sort: Sort,
    /// `check`, or a kind of reason.
    pub(super) reason: Option<ReasonDto>,
    pub(super) score_min: Option<f32>,
    pub(super) score_max: Option<f32>,
    /// Waiting for this many minutes or longer.
    pub(super) minutes_min: Option<u64>,
    /// Waiting for this many minutes at most.
    pub(super) minutes_max: Option<u64>,
    /// The end of the page before.
    pub(super) after: Option<String>,
    /// How many, at most 100.
    pub(super) limit: Option<usize>,
}

/// A kind of reason as the page names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReasonDto {
    Check,
    Rule,
    HashMatch,
    Report,
    ScanFailed,
    Appeal,
}

impl ReasonDto {
    fn of(reason: &Reason) -> Self {
        match reason.kind() {
            ReasonKind::ReviewBand | ReasonKind::Sample => Self::Check,
            ReasonKind::Rule => Self::Rule,
            ReasonKind::HashMatch => Self::HashMatch,
            ReasonKind::Report => Self::Report,
            ReasonKind::ScanFailed => Self::ScanFailed,
            ReasonKind::Appeal => Self::Appeal,
        }
    }

    fn kinds(self) -> &'static [ReasonKind] {
        match self {
            Self::Check => &[ReasonKind::ReviewBand, ReasonKind::Sample],
            Self::Rule => &[ReasonKind::Rule],
            Self::HashMatch => &[ReasonKind::HashMatch],
            Self::Report => &[ReasonKind::Report],
            Self::ScanFailed => &[ReasonKind::ScanFailed],
            Self::Appeal => &[ReasonKind::Appeal],
        }
    }
}

impl QueryDto {
    pub(super) fn query(&self, now_ms: u64) -> Query {
        let ago = |minutes: u64| now_ms.saturating_sub(minutes.saturating_mul(60_000));
        Query {
            lane: self.lane,
            sort: self.sort,
            reasons: self
                .reason
                .iter()
                .flat_map(|reason| reason.kinds())
                .copied()
                .collect(),
            score_min: self.score_min,
            score_max: self.score_max,
            created_until_ms: self.minutes_min.map(ago),
            created_from_ms: self.minutes_max.map(ago),
        }
    }
}

/// A lease and the version that was looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaseDto {
    pub(super) lease: String,
    pub(super) version: u64,
}

impl LeaseDto {
    pub(super) fn claim(self, image: ImageId) -> Claim {
        Claim {
            image,
            lease: self.lease,
            version: self.version,
        }
    }
}

/// A decision about one image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideDto {
    pub(super) lease: String,
    pub(super) version: u64,
    pub(super) verdict: Verdict,
}

/// One decision about many images.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkDto {
    pub(super) claims: Vec<Claim>,
    pub(super) verdict: Verdict,
}

/// The decision that an undo names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UndoDto {
    pub(super) version: u64,
}

/// A job as its moderator sees it.
#[derive(Debug, Serialize)]
pub(super) struct JobDto {
    image: ImageId,
    version: u64,
    lane: Lane,
    status: &'static str,
    created_at_ms: u64,
    reasons: Vec<ReasonDto>,
    rules: Vec<String>,
    signals: Signals,
    priority: Priority,
    boost_ms: u64,
    n_reports: u32,
    receipts: Vec<String>,
    /// By when the reports must be settled.
    due_at_ms: Option<u64>,
    lease: Option<Lease>,
    skips: Vec<Skip>,
    decision: Option<Decision>,
    /// What is known of the image; null when it is gone.
    known: Option<ImageDto>,
    views: u64,
    /// Copies that its removal banned, and that come back without it.
    n_copies: usize,
}

/// An image as its moderator sees it. The uploader's file name is left out: it
/// may name a person.
#[derive(Debug, Serialize)]
struct ImageDto {
    mime: String,
    bytes: u64,
    width: u32,
    height: u32,
    frames: u32,
    uploaded_at_ms: u64,
    state: State,
    label: Option<&'static str>,
    ruling: Option<Ruling>,
    legal_hold: bool,
    sha256: String,
    pdq: Option<String>,
    classification: Option<Classification>,
}

impl JobDto {
    pub(super) fn of(looked: Looked, moderation: &Moderation) -> Self {
        let Looked {
            job,
            record,
            views,
            n_copies,
        } = looked;
        let known = record.map(|record| ImageDto {
            label: decision::label_of(moderation, &record).map(|label| label.as_str()),
            legal_hold: record.is_held(),
            mime: record.mime,
            bytes: record.bytes,
            width: record.width,
            height: record.height,
            frames: record.frames,
            uploaded_at_ms: record.uploaded_at_ms,
            state: record.state,
            ruling: record.ruling,
            sha256: hex::encode(record.sha256),
            pdq: record.pdq.map(|pdq| hex::encode(pdq.hash)),
            classification: record.classification,
        });
        Self {
            known,
            views: views.total,
            n_copies,
            ..Self::without_image(job)
        }
    }

    pub(super) fn without_image(job: Job) -> Self {
        let priority = job.priority();
        let mut reasons: Vec<ReasonDto> = job.reasons.iter().map(ReasonDto::of).collect();
        reasons.dedup();
        if reasons
            .iter()
            .filter(|reason| **reason == ReasonDto::Check)
            .count()
            > 1
        {
            reasons.retain(|reason| *reason != ReasonDto::Check);
            reasons.push(ReasonDto::Check);
        }
        let rules = job.reasons.iter().filter_map(|reason| match reason {
            Reason::Rule(name) => Some(name.as_str().to_owned()),
            _ => None,
        });
        Self {
            image: job.image,
            version: job.version,
            lane: job.lane,
            status: match job.status {
                Status::Waiting => "waiting",
                Status::Claimed(_) => "claimed",
                Status::Decided => "decided",
            },
            created_at_ms: job.created_at_ms,
            reasons,
            rules: rules.collect(),
            signals: job.signals,
            boost_ms: priority.boost_ms(),
            priority,
            n_reports: job.n_reports,
            lease: job.lease().cloned(),
            receipts: job.receipts,
            due_at_ms: job.due_at_ms,
            skips: job.skips,
            // What was counted would tell whether it was drawn for the sample.
            decision: job.decision.map(|decision| Decision {
                counted: None,
                ..decision
            }),
            known: None,
            views: 0,
            n_copies: 0,
        }
    }
}
