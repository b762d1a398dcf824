//! How the end of what is kept goes.

use imgshare_storage::retention::{Ages, Did, Job};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

const MS_A_SECOND: u64 = 1_000;

/// Gauges and counters of retention.
#[derive(Default)]
pub struct RetentionMetrics {
    oldest_log_age: Gauge,
    pending_purge_age: Gauge,
    idle_images: Gauge,
    oldest_backup_age: Gauge,
    backup_folders_lost: Gauge,
    ended: Family<Of, Counter>,
    failures: Family<Of, Counter>,
    pause_us: Gauge,
    backed_up: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    job: &'static str,
}

impl RetentionMetrics {
    /// Registered under their names.
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_with_unit(
            "oldest_log_age",
            "Age of the oldest day of the request log",
            Unit::Seconds,
            metrics.oldest_log_age.clone(),
        );
        registry.register_with_unit(
            "pending_purge_age",
            "Age of the oldest deletion that may still be readable in a file",
            Unit::Seconds,
            metrics.pending_purge_age.clone(),
        );
        registry.register(
            "idle_images",
            "Images without a view for as long as the terms say, counted to 10,000",
            metrics.idle_images.clone(),
        );
        registry.register_with_unit(
            "oldest_backup_age",
            "Age of the oldest backup in the folders that are known",
            Unit::Seconds,
            metrics.oldest_backup_age.clone(),
        );
        registry.register(
            "backup_folders_unreachable",
            "Folders with backups that cannot be reached, so that nobody ends what is in them",
            metrics.backup_folders_lost.clone(),
        );
        registry.register(
            "retention_ended",
            "Things that came to their end, by job",
            metrics.ended.clone(),
        );
        registry.register(
            "retention_failures",
            "Jobs that did not go on",
            metrics.failures.clone(),
        );
        registry.register(
            "rewrite_pause_microseconds",
            "How long the last rewrite of the database kept everybody from writing",
            metrics.pause_us.clone(),
        );
        registry.register_with_unit(
            "last_backup_timestamp",
            "When the newest backup was made, by the service or by command, since 1970",
            Unit::Seconds,
            metrics.backed_up.clone(),
        );
        metrics
    }

    /// How old the oldest of what must end is, and the newest backup in the folders
    /// that are known, whoever made it.
    pub fn aged(&self, ages: &Ages, now_ms: u64) {
        if let Some(age_ms) = ages.newest_backup_ms {
            self.backed_up(now_ms.saturating_sub(age_ms));
        }
        self.oldest_log_age
            .set(narrow(ages.oldest_log_ms / MS_A_SECOND));
        self.pending_purge_age
            .set(narrow(ages.pending_purge_ms / MS_A_SECOND));
        self.idle_images.set(narrow(ages.n_idle));
        self.oldest_backup_age
            .set(narrow(ages.oldest_backup_ms / MS_A_SECOND));
        self.backup_folders_lost
            .set(narrow(ages.n_backup_folders_lost));
    }

    /// A piece of a job is done.
    pub fn did(&self, job: Job, did: &Did) {
        let of = Of { job: job.as_str() };
        self.ended.get_or_create(&of).inc_by(did.n_done);
        if job == Job::Rewrite && did.n_done > 0 {
            self.pause_us.set(narrow(did.pause_us));
        }
    }

    /// There is a backup of this moment.
    pub fn backed_up(&self, now_ms: u64) {
        self.backed_up.set(narrow(now_ms / MS_A_SECOND));
    }

    /// A job did not go on.
    pub fn failed(&self, job: Job) {
        self.failures.get_or_create(&Of { job: job.as_str() }).inc();
    }
}

fn narrow(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
