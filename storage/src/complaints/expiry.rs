//! The end of what is kept about images: reports a year after they were
//! resolved (P13d), objections a year after they were answered, statements of
//! reasons a year after the image is gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::case::{self, Case, Outcome, Report, Resolution};
use super::copyright::{CounterNotice, Notice, closing};
use super::outcome::expiry_key;
use super::{ComplaintError, Complaints, Receipt, keys, statement};
use crate::audit::{self, Action, Actor, Subject};
use crate::retention::pending;
use crate::staff::kept::Kept;
use crate::{Changes, ImageId, Keyspace, State, StorageError, moderation};

/// Open cases looked at together.
const PAGE: usize = 256;

/// Statements looked at in one call: with a call an hour, 100,000 of them take
/// two days.
const STATEMENTS: usize = 2_000;

/// What came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Reports that are gone for good, their texts and contacts with them.
    pub n_reports: usize,
    /// Appeals and counter-notices that are gone for good.
    pub n_objections: usize,
    /// Cases whose image is gone: resolved, and kept a year from now.
    pub n_gone: usize,
    /// Images whose statements of reasons are gone for good.
    pub n_statements: usize,
    /// Images that are found gone: their statements are kept a year from now.
    pub n_ending: usize,
}

impl Complaints {
    /// Removes the reports, appeals and counter-notices that were settled a year
    /// ago or earlier, and the statements about what is gone for as long, at most
    /// `limit` of each; and resolves reports whose image its owner has deleted.
    /// Meant to be called every hour or day.
    ///
    /// # Errors
    /// The store's; calling again goes on.
    pub fn remove_expired(&self, now_ms: u64, limit: usize) -> Result<Expired, ComplaintError> {
        let store = &**self.queue.store();
        let mut expired = Expired::default();
        let mut range = keys::all_due();
        loop {
            let page = store.range(&range, PAGE)?;
            let Some(last) = page.last() else { break };
            range = range.after(&last.key);
            for place in page.iter().filter_map(|entry| keys::due_place(&entry.key)) {
                if self.is_gone(&place.what)? {
                    self.resolve_gone(&place.what, now_ms)?;
                    expired.n_gone += 1;
                }
            }
        }
        for entry in store.range(&keys::expired(now_ms), limit)? {
            if let Some((image, round)) = keys::expired_case(&entry.key) {
                expired.n_reports += self.remove_case(&image, round, now_ms)?;
            }
        }
        self.remove_objections(now_ms, limit, &mut expired)?;
        expired.n_ending = self.end_statements(now_ms)?;
        Ok(expired)
    }

    /// Removes objections and statements whose end has come.
    fn remove_objections(
        &self,
        now_ms: u64,
        limit: usize,
        expired: &mut Expired,
    ) -> Result<(), ComplaintError> {
        let store = &**self.queue.store();
        for entry in store.range(&keys::objections_expired(now_ms), limit)? {
            let Some(key) = keys::expired_objection(&entry.key) else {
                continue;
            };
            let _turn = self.queue.turn();
            let mut changes = Changes::new();
            changes.delete(entry.key);
            if let Some(image) = keys::image_of_statements(&key)
                && key == keys::statements(&image)
            {
                let is_gone = store.find(&image)?.is_none();
                let is_removed = statement::plan_removed(store, &mut changes, &image, is_gone)?;
                expired.n_statements += usize::from(is_removed);
            } else {
                forget_filed(store, &mut changes, &key)?;
                changes.delete(key);
                expired.n_objections += 1;
            }
            pending::plan(store, &mut changes, now_ms)?;
            match Keyspace::commit(store, changes) {
                // It was changed meanwhile; the next call sees.
                Ok(()) | Err(StorageError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Looks through some of the statements, from where the last call ended, and
    /// sets an end to those whose image is gone.
    fn end_statements(&self, now_ms: u64) -> Result<usize, ComplaintError> {
        let store = &**self.queue.store();
        let mut n_ending = 0;
        let mut range = keys::all_statements();
        if let Some(last) = self.looked_up_to() {
            range = range.after(&last);
        }
        let page = store.range(&range, STATEMENTS)?;
        for entry in &page {
            let Some(image) = keys::image_of_statements(&entry.key) else {
                continue;
            };
            if store.find(&image)?.is_some() {
                continue;
            }
            let _turn = self.queue.turn();
            let mut changes = Changes::new();
            if !statement::plan_end(store, &mut changes, &image, now_ms)? {
                continue;
            }
            match Keyspace::commit(store, changes) {
                Ok(()) => n_ending += 1,
                Err(StorageError::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let is_last = page.len() < STATEMENTS;
        let last = page.into_iter().next_back().map(|entry| entry.key);
        self.look_from(last.filter(|_| !is_last));
        Ok(n_ending)
    }

    /// How many reports' cases, objections and statements have come to their end, at
    /// most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub fn n_expired(&self, now_ms: u64, limit: usize) -> Result<usize, ComplaintError> {
        Ok(self.expired(now_ms, limit)?.len())
    }

    /// What has come to its end, at most `limit` things, each by its kind.
    ///
    /// # Errors
    /// The store's.
    pub fn expired(&self, now_ms: u64, limit: usize) -> Result<Vec<&'static str>, ComplaintError> {
        let store = &**self.queue.store();
        let cases = store.range(&keys::expired(now_ms), limit)?;
        let mut kinds = vec!["the reports about an image"; cases.len()];
        let room = limit.saturating_sub(kinds.len());
        let objections = store.range(&keys::objections_expired(now_ms), room)?;
        let objections = objections.iter();
        kinds.extend(objections.map(|entry| keys::expired_kind(&entry.key)));
        Ok(kinds)
    }

    fn is_gone(&self, image: &ImageId) -> Result<bool, ComplaintError> {
        let found = self.queue.store().find(image)?;
        Ok(found.is_none_or(|record| record.state == State::Removed && !record.is_held()))
    }

    fn resolve_gone(&self, image: &ImageId, now_ms: u64) -> Result<(), ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        audit::commit(store, |changes| {
            let open = case::newest(store, image)?.filter(|kept| kept.value.outcome.is_none());
            let Some(kept) = open else { return Ok(()) };
            let mut case = kept.value.clone();
            let outcome = Outcome {
                at_ms: now_ms,
                version: 0,
                resolution: Resolution::Gone,
                policy: None,
                upheld: BTreeSet::new(),
            };
            changes.delete(keys::due(case.due_at_ms, image));
            changes.put(expiry_key(&case, &outcome), []);
            case.outcome = Some(outcome);
            kept.replace(changes, &case);
            let entry = audit::Entry::new(now_ms, Actor::System, Action::new("reports-closed"))
                .about(Subject::image(image))
                .changed(Value::Null, json!({"resolution": Resolution::Gone}));
            audit::append(store, changes, entry)?;
            Ok(())
        })
    }

    fn remove_case(
        &self,
        image: &ImageId,
        round: u32,
        now_ms: u64,
    ) -> Result<usize, ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        audit::commit(store, |changes| {
            let key = keys::case(image, round);
            let Some(kept) = Kept::<Case>::read(store, key)? else {
                return Ok(0);
            };
            let mut removed = Vec::new();
            // A case takes little more reports than are open at most.
            for entry in store.range(&keys::reports_of_case(image, round), usize::MAX)? {
                if let Some(receipt) = keys::last_receipt(&entry.key) {
                    let report = Kept::<Report>::read(store, keys::report(&receipt))?;
                    if let Some(notice) = report.and_then(|report| report.value.notice) {
                        self.forget_notice(changes, &notice, image)?;
                    }
                    changes.delete(keys::report(&receipt));
                    removed.push(receipt.to_string());
                }
                changes.delete(entry.key);
            }
            if let Some(outcome) = &kept.value.outcome {
                changes.delete(expiry_key(&kept.value, outcome));
            }
            kept.remove(changes);
            pending::plan(store, changes, now_ms)?;
            moderation::plan_forgotten(store, changes, image, &removed)?;
            let entry = audit::Entry::new(now_ms, Actor::System, Action::new("reports-expired"))
                .about(Subject::image(image))
                .changed(json!({"n_reports": removed.len()}), Value::Null);
            audit::append(store, changes, entry)?;
            Ok(removed.len())
        })
    }

    /// A notice is kept as long as a report of one of its images is.
    fn forget_notice(
        &self,
        changes: &mut Changes,
        receipt: &Receipt,
        image: &ImageId,
    ) -> Result<(), ComplaintError> {
        let store = &**self.queue.store();
        let Some(kept) = Kept::<Notice>::read(store, keys::notice(receipt))? else {
            return Ok(());
        };
        let mut notice = kept.value.clone();
        notice.images.retain(|of| of != image);
        if notice.images.is_empty() {
            kept.remove(changes);
        } else {
            kept.replace(changes, &notice);
        }
        Ok(())
    }
}

/// With a counter-notice goes what is known of its end.
fn forget_filed(
    keyspace: &dyn Keyspace,
    changes: &mut Changes,
    key: &[u8],
) -> Result<(), StorageError> {
    if keys::last_receipt(key).is_none_or(|of| keys::counter(&of) != key) {
        return Ok(());
    }
    let Some(kept) = Kept::<CounterNotice>::read(keyspace, key.to_vec())? else {
        return Ok(());
    };
    closing::plan_forgotten(keyspace, changes, &kept.value)
}
