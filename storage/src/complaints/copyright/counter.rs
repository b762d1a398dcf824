//! Counter-notices, and what follows from them on the days that the law names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::business_days::{Zone, end_of_business_day};
use super::super::outcome;
use super::super::statement::{self, Restriction};
use super::super::track::Step;
use super::super::{ComplaintError, Complaints, Receipt, Text, appeal, keys};
use super::closing::{ActionFiled, filed, plan_closed};
use super::flaw::{Check, Flaw};
use super::repeat;
use crate::audit::{self, Action, Actor, Subject};
use crate::calendar::MS_A_DAY;
use crate::moderation::{ModerationError, Policy};
use crate::staff::kept::{self, Kept};
use crate::{Changes, ImageId, Keyspace, Record, StorageError};

/// "Not less than 10, nor more than 14, business days following receipt":
/// 17 U.S.C. 512(g)(2)(C).
const BUSINESS_DAYS: (u64, u64) = (10, 14);

/// Counter-notices of one image that are read: each answers a decision of its own.
const COUNTERS_READ_MAX: usize = 100;

/// How long a restoration is put off while the image is held as evidence.
const PUT_OFF_MS: u64 = MS_A_DAY;

/// A counter-notice as an owner filled it in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CounterForm {
    /// Who objects: (D).
    pub name: String,
    /// Postal address: (D).
    pub address: String,
    /// Telephone: (D).
    pub phone: String,
    /// Mail, if they like.
    pub email: String,
    /// What was mistaken, if they like.
    pub text: String,
    /// "Under penalty of perjury, it was removed by mistake": (C).
    pub mistake: bool,
    /// "I consent to the court's jurisdiction and will accept service": (D).
    pub jurisdiction: bool,
    /// A name typed as a signature: (A).
    pub signature: String,
}

/// A counter-notice with what 17 U.S.C. 512(g)(3) asks for: the image's id and
/// address identify the material (B), and both statements were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterNotice {
    /// Names it.
    pub receipt: Receipt,
    /// Which image.
    pub image: ImageId,
    /// Who objects.
    pub name: Text<100>,
    /// Postal address.
    pub address: Text<200>,
    /// Telephone.
    pub phone: Text<40>,
    /// Mail; may be empty.
    pub email: Text<100>,
    /// What was mistaken; may be empty.
    pub text: Text<500>,
    /// The typed signature.
    pub signature: Text<100>,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// From when on the image is restored: the end of the tenth business day, or
    /// a later day while it is held as evidence.
    pub restore_from_ms: u64,
    /// By when it must be: the end of the fourteenth.
    pub restore_by_ms: u64,
    /// Where it stands.
    pub state: CounterState,
}

/// Where a counter-notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CounterState {
    /// Its days run; the image is not purged.
    Open,
    /// The image is shown again.
    Restored,
    /// The claimant has gone to court: the image stays removed.
    ActionFiled,
    /// The image was gone when its day came.
    Gone,
    /// The image was removed for another reason, which a counter-notice does not
    /// answer.
    Superseded,
}

impl CounterState {
    /// The stable kebab-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Restored => "restored",
            Self::ActionFiled => "action-filed",
            Self::Gone => "gone",
            Self::Superseded => "superseded",
        }
    }
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Restored {
    /// Images that are shown again.
    pub images: Vec<ImageId>,
}

impl CounterForm {
    /// The counter-notice, if nothing is missing. Its days are those of the zone.
    ///
    /// # Errors
    /// Everything that is.
    pub fn check(
        &self,
        image: ImageId,
        receipt: Receipt,
        now_ms: u64,
        zone: Zone,
    ) -> Result<CounterNotice, Vec<Flaw>> {
        let mut check = Check::default();
        let (days_min, days_max) = BUSINESS_DAYS;
        let counter = CounterNotice {
            receipt,
            image,
            name: check.needed("name", &self.name),
            address: check.needed("address", &self.address),
            phone: check.needed("phone", &self.phone),
            email: check.email("email", &self.email),
            text: check.text("text", &self.text),
            signature: check.needed("signature", &self.signature),
            at_ms: now_ms,
            restore_from_ms: end_of_business_day(now_ms, days_min, zone),
            restore_by_ms: end_of_business_day(now_ms, days_max, zone),
            state: CounterState::Open,
        };
        check.stated("mistake", self.mistake);
        check.stated("jurisdiction", self.jurisdiction);
        check.done(counter)
    }
}

impl Complaints {
    /// Takes an owner's counter-notice. Whether it is the owner who asks is the
    /// caller's to prove.
    ///
    /// # Errors
    /// [`ComplaintError::NotForCopyright`], [`ComplaintError::OpenAlready`],
    /// [`ComplaintError::ClosedAlready`] once the claimant has gone to court,
    /// and the store's.
    pub fn counter(&self, counter: &CounterNotice) -> Result<(), ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        let image = &counter.image;
        audit::commit(store, |changes| {
            let said = statement::in_force(store, image)?;
            let removal = said.filter(|(statement, _)| {
                statement.restriction == Restriction::Removed
                    && statement.policy == Some(Policy::Copyright)
            });
            let is_there = store.find(image)?.is_some();
            let Some((_, version)) = removal.filter(|_| is_there) else {
                return Err(ComplaintError::NotForCopyright);
            };
            if filed(store, image)?.is_some_and(|filed| filed.value.version == version) {
                return Err(ComplaintError::ClosedAlready);
            }
            let of_image = keys::counter_of(image);
            if store.get(&of_image)?.is_some() {
                return Err(ComplaintError::OpenAlready);
            }
            kept::insert(changes, of_image, &counter.receipt);
            kept::insert(changes, keys::counter(&counter.receipt), counter);
            changes.put(keys::counter_by_image(image, &counter.receipt), []);
            changes.put(
                keys::restoration(counter.restore_from_ms, &counter.receipt),
                [],
            );
            let told = json!({
                "restore_from_ms": counter.restore_from_ms,
                "restore_by_ms": counter.restore_by_ms,
            });
            let action = Action::new("counter-notice-received");
            let mut entry = audit::Entry::new(counter.at_ms, Actor::Visitor, action)
                .about(Subject::image(image))
                .changed(Value::Null, told);
            entry.reports = vec![counter.receipt.to_string()];
            audit::append(store, changes, entry)?;
            Ok(())
        })
    }

    /// The counter-notice that is open for an image.
    ///
    /// # Errors
    /// The store's.
    pub fn open_counter(&self, image: &ImageId) -> Result<Option<CounterNotice>, ComplaintError> {
        let store = &**self.queue.store();
        Ok(open(store, image)?.map(|(_, kept)| kept.value))
    }

    /// Every counter-notice about an image that is kept, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub fn counters_of(&self, image: &ImageId) -> Result<Vec<CounterNotice>, ComplaintError> {
        let store = &**self.queue.store();
        let listed = store.range(&keys::counters_by_image(image), COUNTERS_READ_MAX)?;
        let mut receipts: BTreeSet<Receipt> = listed
            .iter()
            .filter_map(|entry| keys::last_receipt(&entry.key))
            .collect();
        // Versions before listed none; what is open or in court is known all the same.
        receipts.extend(open(store, image)?.map(|(receipt, _)| receipt));
        receipts.extend(filed(store, image)?.map(|filed| filed.value.receipt));
        let mut counters = Vec::new();
        for receipt in &receipts {
            counters.extend(self.counter_notice(receipt)?);
        }
        counters.sort_by_key(|counter| counter.at_ms);
        Ok(counters)
    }

    /// Whether the claimant has gone to court about the removal that stands, so
    /// that no other counter-notice is taken.
    ///
    /// # Errors
    /// The store's.
    pub fn is_in_court(&self, image: &ImageId) -> Result<bool, ComplaintError> {
        let store = &**self.queue.store();
        let version = statement::in_force(store, image)?.map(|(_, version)| version);
        let filed = filed(store, image)?;
        Ok(filed.is_some_and(|filed| Some(filed.value.version) == version))
    }

    /// A counter-notice, open or not.
    ///
    /// # Errors
    /// The store's.
    pub fn counter_notice(
        &self,
        receipt: &Receipt,
    ) -> Result<Option<CounterNotice>, ComplaintError> {
        let store = &**self.queue.store();
        let kept = Kept::<CounterNotice>::read(store, keys::counter(receipt))?;
        Ok(kept.map(|kept| kept.value))
    }

    /// The claimant has told us of an action in court: the image stays removed,
    /// and may be purged. Who may say so is the caller's to ask.
    ///
    /// # Errors
    /// [`ComplaintError::UnknownReceipt`], [`ComplaintError::ClosedAlready`], and
    /// the store's.
    pub fn action_filed(
        &self,
        actor: &Actor,
        receipt: &Receipt,
        now_ms: u64,
    ) -> Result<CounterNotice, ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        audit::commit(store, |changes| {
            let kept = Kept::<CounterNotice>::read(store, keys::counter(receipt))?
                .ok_or(ComplaintError::UnknownReceipt)?;
            if kept.value.state != CounterState::Open {
                return Err(ComplaintError::ClosedAlready);
            }
            plan_closed(changes, &kept, CounterState::ActionFiled);
            let image = &kept.value.image;
            let said = statement::in_force(store, image)?;
            let marker = ActionFiled {
                version: said.map_or(0, |(_, version)| version),
                receipt: *receipt,
            };
            match filed(store, image)? {
                Some(before) => before.replace(changes, &marker),
                None => kept::insert(changes, keys::action_filed(image), &marker),
            }
            let action = Action::new("counter-notice-action-filed");
            let mut entry = audit::Entry::new(now_ms, actor.clone(), action)
                .about(Subject::image(image))
                .changed(json!(CounterState::Open), json!(CounterState::ActionFiled));
            entry.reports = vec![receipt.to_string()];
            audit::append(store, changes, entry)?;
            Ok(kept.value)
        })
    }

    /// Restores the images whose ten business days are over, at most `limit`.
    /// Meant to be called every hour; the last day is four business days later.
    /// What is held as evidence is asked about again a day later.
    ///
    /// # Errors
    /// The store's; calling again goes on.
    pub fn restore_due(&self, now_ms: u64, limit: usize) -> Result<Restored, ComplaintError> {
        let store = &**self.queue.store();
        let mut restored = Restored::default();
        for entry in store.range(&keys::restorations_due(now_ms), limit)? {
            let Some(receipt) = keys::last_receipt(&entry.key) else {
                continue;
            };
            let counter = Kept::<CounterNotice>::read(store, keys::counter(&receipt))?;
            let Some(counter) = counter else { continue };
            let image = counter.value.image;
            let action = Action::new("image-restored");
            let also = |changes: &mut Changes, record: &Record, version: u64| {
                plan_closed(changes, &counter, CounterState::Restored);
                // The notice does not stand any more, and counts no more.
                if outcome::was_infringement(store, &image)? {
                    repeat::plan_counted(store, changes, record, Step::Back)?;
                }
                appeal::plan_granted(store, changes, &image, version, now_ms)?;
                statement::plan_lifted(store, changes, &image, version)
            };
            let done = self.queue.restore(&image, &action, now_ms, also);
            match done {
                Ok(true) => restored.images.push(image),
                Ok(false) => self.put_off(&receipt, now_ms)?,
                Err(ModerationError::Gone { .. } | ModerationError::NotQueued { .. }) => {
                    self.close_gone(&receipt, now_ms)?;
                    // Its owner's deletion waited for this alone.
                    store.purge_if_removed(&image, now_ms)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(restored)
    }

    /// The day of a restoration that cannot be yet moves on.
    fn put_off(&self, receipt: &Receipt, now_ms: u64) -> Result<(), ComplaintError> {
        let restore_from_ms = now_ms.saturating_add(PUT_OFF_MS);
        let action = Action::new("counter-notice-put-off");
        self.change_open(receipt, &action, now_ms, |changes, kept| {
            let before = kept.value.restore_from_ms;
            let counter = CounterNotice {
                restore_from_ms,
                ..kept.value.clone()
            };
            changes.delete(keys::restoration(before, receipt));
            changes.put(keys::restoration(restore_from_ms, receipt), []);
            kept.replace(changes, &counter);
            let told = |at_ms: u64| json!({"restore_from_ms": at_ms});
            (told(before), told(restore_from_ms))
        })
    }

    /// There is nothing left to restore.
    fn close_gone(&self, receipt: &Receipt, now_ms: u64) -> Result<(), ComplaintError> {
        let action = Action::new("counter-notice-closed");
        self.change_open(receipt, &action, now_ms, |changes, kept| {
            plan_closed(changes, kept, CounterState::Gone);
            (json!(CounterState::Open), json!(CounterState::Gone))
        })
    }

    /// Changes a counter-notice that is still open, with an entry in the audit.
    fn change_open(
        &self,
        receipt: &Receipt,
        action: &Action,
        now_ms: u64,
        change: impl Fn(&mut Changes, &Kept<CounterNotice>) -> (Value, Value),
    ) -> Result<(), ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        audit::commit(store, |changes| {
            let kept = Kept::<CounterNotice>::read(store, keys::counter(receipt))?;
            let Some(kept) = kept.filter(|kept| kept.value.state == CounterState::Open) else {
                return Ok(());
            };
            let (before, after) = change(changes, &kept);
            let mut entry = audit::Entry::new(now_ms, Actor::System, action.clone())
                .about(Subject::image(&kept.value.image))
                .changed(before, after);
            entry.reports = vec![receipt.to_string()];
            audit::append(store, changes, entry)?;
            Ok(())
        })
    }
}

pub(super) fn open(
    keyspace: &dyn Keyspace,
    image: &ImageId,
) -> Result<Option<(Receipt, Kept<CounterNotice>)>, StorageError> {
    let Some(receipt) = Kept::<Receipt>::read(keyspace, keys::counter_of(image))? else {
        return Ok(None);
    };
    let receipt = receipt.value;
    let kept = Kept::<CounterNotice>::read(keyspace, keys::counter(&receipt))?;
    Ok(kept.map(|kept| (receipt, kept)))
}
