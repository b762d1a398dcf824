//! What is counted of child safety and of the clocks of the law.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Who is there for it, and what reports hide.
#[derive(Default)]
pub(super) struct Safety {
    pub(super) accounts: Gauge,
    pub(super) hidden_by_reports: Counter,
    pub(super) hiding_alarms: Counter,
    pub(super) cases_overdue: Gauge,
    pub(super) case_overdue_seconds: Gauge,
    pub(super) jobs_waiting: Family<InLane, Gauge>,
    pub(super) requests_open: Gauge,
    pub(super) requests_overdue: Gauge,
}

/// Whose eyes jobs wait for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InLane {
    pub(super) lane: &'static str,
}

impl Safety {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let safety = Self::default();
        registry.register(
            "child_safety_accounts",
            "Accounts that can decide what is reported as child abuse; 0 needs somebody",
            safety.accounts.clone(),
        );
        registry.register(
            "images_hidden_by_reports",
            "Images hidden at once by a report of child abuse",
            safety.hidden_by_reports.clone(),
        );
        registry.register(
            "hiding_alarms",
            "Times that reports had hidden another twenty images within an hour",
            safety.hiding_alarms.clone(),
        );
        registry.register(
            "cases_overdue",
            "Reported images whose clock has run out, counted up to a thousand; each needs a decision",
            safety.cases_overdue.clone(),
        );
        registry.register(
            "case_overdue_seconds",
            "How long the clock of the reported image that is overdue longest has run out; 0 when none is",
            safety.case_overdue_seconds.clone(),
        );
        registry.register(
            "jobs_waiting",
            "Images that wait for people, by whose eyes they are for, counted up to ten thousand",
            safety.jobs_waiting.clone(),
        );
        registry.register(
            "privacy_requests_open",
            "Requests about personal data that wait for an answer, counted up to a thousand",
            safety.requests_open.clone(),
        );
        registry.register(
            "privacy_requests_overdue",
            "Of those, requests that should have been answered; each needs an answer",
            safety.requests_overdue.clone(),
        );
        safety
    }
}
