//! Rules that count reports: asked again with each report, in its own commit.

use serde_json::json;

use super::Complaints;
use crate::audit::{self, Action, Actor, Subject};
use crate::moderation::{Flag, Job, ModerationError, Note};
use crate::{Changes, Keyspace, Record, RuledBy, Ruling, State, StorageError};

/// Says what the rules make of an image with so many reports at this time; `None`
/// where they say nothing that they did not say without reports.
pub type Judge = dyn Fn(&Record, u64, u64) -> Result<Option<Ruled>, ModerationError> + Send + Sync;

/// What a rule makes of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruled {
    /// The rule's name.
    pub rule: Note,
    /// Where the image stands by it.
    pub state: State,
    /// The label that it sets.
    pub ruling: Option<Ruling>,
    /// Why people are to look at it.
    pub flag: Option<Flag>,
}

impl Complaints {
    /// What the rules make of one report more: they count networks, or one client
    /// could take an image down. They change nothing that staff have decided, and
    /// nothing that is so already.
    pub(super) fn ruled(
        &self,
        record: &Record,
        job: Option<&Job>,
        now_ms: u64,
    ) -> Result<Option<Ruled>, ModerationError> {
        let by_staff = record
            .ruling
            .is_some_and(|ruling| ruling.by == RuledBy::Staff);
        let is_decided = job.is_some_and(|job| job.decision.is_some());
        let Some(judge) = self.judge.as_ref() else {
            return Ok(None);
        };
        if by_staff || is_decided || record.state != State::Public {
            return Ok(None);
        }
        let n_before = job.map_or(0, |job| u64::from(job.n_networks));
        let ruled = judge(record, n_before.saturating_add(1), now_ms)?;
        let label = |ruling: Option<Ruling>| ruling.map(|ruling| (ruling.by, ruling.label));
        Ok(ruled.filter(|ruled| {
            ruled.state != record.state || label(ruled.ruling) != label(record.ruling)
        }))
    }
}

impl Ruled {
    /// Plans what the rule makes of the image, with the audit's entry.
    pub(super) fn plan(
        &self,
        keys: &dyn Keyspace,
        changes: &mut Changes,
        record: &mut Record,
        now_ms: u64,
    ) -> Result<(), StorageError> {
        let told = |record: &Record| {
            json!({
                "state": record.state,
                "label": record.ruling.map(|ruling| ruling.label),
            })
        };
        let before = told(record);
        (record.state, record.ruling) = (self.state, self.ruling);
        changes.update_record(record.clone());
        let mut after = told(record);
        after["rule"] = json!(self.rule);
        let entry = audit::Entry::new(now_ms, Actor::System, Action::new("rule-applied"))
            .about(Subject::image(&record.id))
            .changed(before, after);
        audit::append(keys, changes, entry).map(drop)
    }
}
