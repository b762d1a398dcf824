mod backups;
mod erasures;
mod imports;
mod lapsed;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::audit;
use crate::complaints::{Category, ReportDraft};
use crate::contract::{SampleBytes, sample_record_at};
use crate::moderation::{Bank, Flag, Moderator, Note, Policy, QueueSettings, Reason, Verdict};
use crate::staff::{Role, StaffId};
use crate::{Keyspace, PartName, Record, Space, State, Store};

const DAY: u64 = MS_A_DAY;
/// 2025-06-15, at midnight.
const START: u64 = 1_749_945_600_000;

/// A store on disk, with what jobs need.
struct House {
    dir: tempfile::TempDir,
    queue: Arc<Queue>,
    complaints: Complaints,
}

impl House {
    fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap(), START)
    }

    fn over(dir: tempfile::TempDir, now_ms: u64) -> Self {
        let store = Arc::new(Store::open_at(dir.path(), now_ms).unwrap());
        let bank = Arc::new(Bank::new(Arc::clone(&store)));
        let queue = Arc::new(Queue::new(store, bank, QueueSettings::default()));
        Self {
            dir,
            complaints: Complaints::new(Arc::clone(&queue)),
            queue,
        }
    }

    fn reopened(self, now_ms: u64) -> Self {
        let Self {
            dir,
            queue,
            complaints,
        } = self;
        drop((queue, complaints));
        Self::over(dir, now_ms)
    }

    fn store(&self) -> &Store {
        self.queue.store()
    }

    fn retention(&self) -> Retention<'_> {
        Retention {
            queue: &self.queue,
            complaints: &self.complaints,
            data: self.dir.path(),
            terms: Terms::default(),
        }
    }

    fn upload(&self, marker: &str, at_ms: u64) -> Record {
        let record = Record {
            state: State::Public,
            filename: format!("{marker}.jpg"),
            sha256: [self.store().count().unwrap().to_le_bytes()[0]; 32],
            ..sample_record_at(at_ms)
        };
        let bytes = SampleBytes(format!("bytes of {marker}").into_bytes());
        self.store().commit(&record, &bytes).unwrap();
        record
    }

    /// Everything that is due, as the service does it.
    fn keep(&self, now_ms: u64) {
        for job in Job::ALL {
            let retention = self.retention();
            while retention
                .run(job, now_ms, 2, &mut || ControlFlow::Continue(()))
                .unwrap()
                .is_more
            {}
        }
    }

    fn n_due(&self, job: Job, now_ms: u64) -> u64 {
        self.retention().plan(job, now_ms).unwrap().n_due
    }

    fn is_there(&self, record: &Record) -> bool {
        self.store().find(&record.id).unwrap().is_some()
    }

    fn outlook(&self, record: &Record, now_ms: u64) -> Option<Outlook> {
        let record = self.store().find(&record.id).unwrap().unwrap();
        outlook(self.store(), &record, &Terms::default(), now_ms).unwrap()
    }

    /// Files that hold a text, by their bytes.
    fn holding(&self, text: &str) -> Vec<PathBuf> {
        let mut folders = vec![self.dir.path().to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = fs::read(&path).unwrap();
                if bytes.windows(text.len()).any(|at| at == text.as_bytes()) {
                    found.push(path);
                }
            }
        }
        found
    }
}

fn moderator() -> Moderator {
    Moderator {
        id: StaffId::random().unwrap(),
        role: Role::Moderator,
    }
}

const NOWHERE: [PathBuf; 0] = [];

#[test]
fn p13a_an_image_that_nobody_views_is_warned_and_then_removed() {
    let house = House::new();
    let image = house.upload("lonely", START);
    let last_quiet_day = START + 180 * DAY;
    house.keep(last_quiet_day);
    assert!(!house.outlook(&image, last_quiet_day).unwrap().is_warned);
    let warned = START + 181 * DAY;
    assert_eq!(house.n_due(Job::IdleWarnings, warned), 1);
    house.keep(warned);
    let outlook = house.outlook(&image, warned).unwrap();
    assert_eq!(
        outlook,
        Outlook {
            is_warned: true,
            remove_at_ms: warned + 14 * DAY
        }
    );
    house.keep(warned + 14 * DAY - 1);
    assert!(house.is_there(&image));
    assert_eq!(house.n_due(Job::IdleRemovals, warned + 14 * DAY), 1);
    assert!(house.is_there(&image), "a plan changes nothing");
    house.keep(warned + 14 * DAY);
    assert!(!house.is_there(&image));
    assert_eq!(house.holding("bytes of lonely"), NOWHERE);
    // The audit, which stays, tells it by a hash, and its chain holds.
    let about = |subject| audit::entries_about(house.store(), &subject, u64::MAX, 9).unwrap();
    assert_eq!(about(audit::Subject::image(&image.id)).len(), 0);
    let hash = hex::encode(crate::erased::hash_of(&image.id));
    let expired = about(audit::Subject::named("erased", &hash));
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].entry.action, audit::Action::new("image-expired"));
    let verified = audit::verify(Some(house.store()), None).unwrap();
    assert_eq!((verified.bad, verified.n_in_database), (None, Some(1)));
}

#[test]
fn p13a_a_view_in_time_saves_an_image_and_a_view_of_nobody_elses_does_not() {
    let house = House::new();
    let [viewed, early, other] = ["viewed", "early", "other"].map(|name| house.upload(name, START));
    house.store().count_view(&early.id, START + 100 * DAY);
    house.keep(START + 181 * DAY);
    assert!(!house.outlook(&early, START + 181 * DAY).unwrap().is_warned);
    let day = START + 194 * DAY;
    assert!(house.outlook(&viewed, day).unwrap().is_warned);
    house.store().count_view(&viewed.id, day);
    house.keep(START + 195 * DAY);
    assert!(house.is_there(&viewed) && house.is_there(&early));
    assert!(!house.is_there(&other));
    let outlook = house.outlook(&viewed, START + 195 * DAY).unwrap();
    assert!(!outlook.is_warned);
    assert_eq!(outlook.remove_at_ms, START + (194 + 181 + 14) * DAY);
    // It begins anew.
    house.keep(START + (194 + 181) * DAY);
    house.keep(START + (194 + 181 + 14) * DAY);
    assert!(!house.is_there(&viewed) && !house.is_there(&early));
}

#[test]
fn p13a_what_is_held_reported_or_decided_about_is_left_alone() {
    let house = House::new();
    let [held, reported, hidden] =
        ["held", "reported", "hidden"].map(|name| house.upload(name, START));
    house
        .store()
        .update(&held.id, |record| record.legal_hold = true)
        .unwrap();
    let draft = ReportDraft {
        image: reported.id,
        category: Category::Privacy,
        text: crate::complaints::Text::new("it is me").unwrap(),
        contact: crate::complaints::Text::default(),
    };
    house.complaints.report(&draft, 1.0, START + DAY).unwrap();
    let flag = Flag::new(Reason::ReviewBand).hiding();
    house.queue.flag(&hidden.id, &flag, START + DAY).unwrap();
    for days in [181, 195, 400] {
        house.keep(START + days * DAY);
    }
    for image in [&held, &reported, &hidden] {
        assert!(house.is_there(image), "{}", image.filename);
        let outlook = house.outlook(image, START + 400 * DAY);
        assert_eq!(
            outlook.is_some(),
            image.id == held.id,
            "a hold does not show"
        );
    }
    let verdict = Verdict::Safe;
    let who = moderator();
    let decided = START + 401 * DAY;
    for image in [&reported, &hidden] {
        house
            .queue
            .take_down(Some(&who), &image.id, &verdict, decided)
            .unwrap();
    }
    house
        .complaints
        .release_hold(&who.actor(), &held.id, decided)
        .unwrap();
    house.keep(decided);
    house.keep(decided + 14 * DAY);
    for image in [&held, &reported, &hidden] {
        assert!(!house.is_there(image), "{}", image.filename);
    }
}

#[test]
fn p13a_a_hold_that_comes_after_the_warning_counts() {
    let house = House::new();
    let image = house.upload("late", START);
    house.keep(START + 181 * DAY);
    let hold = |is_held: bool| {
        let held = house
            .store()
            .update(&image.id, |record| record.legal_hold = is_held);
        held.unwrap().unwrap();
    };
    hold(true);
    house.keep(START + 195 * DAY);
    house.keep(START + 300 * DAY);
    assert!(house.is_there(&image));
    hold(false);
    house.keep(START + 301 * DAY);
    assert!(!house.is_there(&image));
}

/// Its owner is told the same, day by day, of an image that is held and of one
/// that is not.
#[test]
fn p20_what_is_told_of_an_images_end_does_not_depend_on_a_hold() {
    let house = House::new();
    let [held, free] = ["held", "free"].map(|name| house.upload(name, START));
    house
        .store()
        .update(&held.id, |record| record.court_hold = true)
        .unwrap();
    for days in [0, 1, 180, 181, 194] {
        let day = START + days * DAY;
        house.keep(day);
        let told = house.outlook(&held, day);
        assert!(told.is_some());
        assert_eq!(told, house.outlook(&free, day), "{days}");
    }
    house.keep(START + 195 * DAY);
    assert!(house.is_there(&held) && !house.is_there(&free));
}

#[test]
fn p13e_no_byte_of_a_deleted_image_is_left_in_time() {
    let house = House::new();
    let deleted = house.upload("Markierung", START);
    let kept = house.upload("Bleibendes", START);
    let part = PartName::variant("thumb", "jpg").unwrap();
    let small = SampleBytes(b"a small Markierung".to_vec());
    house
        .store()
        .put_variant(&deleted.id, &part, &small)
        .unwrap();
    house
        .queue
        .flag(&deleted.id, &Flag::new(Reason::ReviewBand), START)
        .unwrap();
    let token = serde_json::to_string(&deleted.delete_token).unwrap();
    let token = token.trim_matches('"').to_owned();
    let marks = ["Markierung", deleted.id.as_str(), token.as_str()];
    for mark in marks {
        assert_ne!(house.holding(mark), NOWHERE, "{mark}");
    }
    house.store().remove(&deleted.id, START + DAY).unwrap();
    assert!(!house.is_there(&deleted));
    let pending = house.retention().ages(START + 2 * DAY).unwrap();
    assert_eq!(pending.pending_purge_ms, DAY);
    house.keep(START + 2 * DAY);
    assert_ne!(
        house.holding("Markierung"),
        NOWHERE,
        "it would prove nothing"
    );
    assert_eq!(house.n_due(Job::Rewrite, START + 5 * DAY), 1);
    house.keep(START + 5 * DAY);
    for mark in marks {
        assert_eq!(house.holding(mark), NOWHERE, "{mark}");
    }
    assert_eq!(
        house
            .retention()
            .ages(START + 5 * DAY)
            .unwrap()
            .pending_purge_ms,
        0
    );
    assert_ne!(house.holding("Bleibendes"), NOWHERE);
    assert!(house.is_there(&kept));
    let house = house.reopened(START + 6 * DAY);
    assert!(house.is_there(&kept));
    assert_eq!(house.n_due(Job::Rewrite, START + 6 * DAY), 0);
}

#[test]
fn p13e_an_old_database_goes_with_what_it_holds() {
    let house = House::new();
    let deleted = house.upload("Markierung", START);
    house.store().remove(&deleted.id, START).unwrap();
    let House {
        dir,
        queue,
        complaints,
    } = house;
    drop((queue, complaints));
    crate::repair(dir.path(), START, &mut |_| {}).unwrap();
    let house = House::over(dir, START);
    assert_ne!(house.holding("Markierung"), NOWHERE);
    house.keep(START);
    assert_ne!(house.holding("Markierung"), NOWHERE);
    let age = house.retention().ages(START + 3 * DAY).unwrap();
    assert_eq!(age.pending_purge_ms, 3 * DAY);
    house.keep(START + 4 * DAY);
    assert_eq!(house.holding("Markierung"), NOWHERE);
}

#[test]
fn p13e_what_was_deleted_while_it_was_kept_goes_when_nothing_keeps_it() {
    let house = House::new();
    let held = house.upload("Beweis", START);
    house
        .store()
        .update(&held.id, |record| record.legal_hold = true)
        .unwrap();
    house.store().remove(&held.id, START + DAY).unwrap();
    house.keep(START + 90 * DAY);
    assert_eq!(
        house.store().find(&held.id).unwrap().unwrap().state,
        State::Removed
    );
    assert_ne!(house.holding("bytes of Beweis"), NOWHERE);
    house
        .complaints
        .release_hold(&moderator().actor(), &held.id, START + 91 * DAY)
        .unwrap();
    assert_eq!(house.n_due(Job::Erasures, START + 91 * DAY), 1);
    house.keep(START + 91 * DAY);
    house.keep(START + 95 * DAY);
    assert_eq!(house.holding("Beweis"), NOWHERE);
}

#[test]
fn p13e_an_appeal_that_is_open_keeps_what_its_owner_deletes_until_it_is_answered() {
    let house = House::new();
    let image = house.upload("Streitfall", START);
    let removal = Verdict::Remove {
        policy: Policy::Violence,
        reason: Note::new("cruel").unwrap(),
        bank: None,
    };
    let decide = |verdict: &Verdict, days: u64| {
        let (who, at) = (moderator(), START + days * DAY);
        house.queue.take_down(Some(&who), &image.id, verdict, at)
    };
    decide(&removal, 1).unwrap();
    let text = crate::complaints::Text::new("it is art").unwrap();
    house
        .complaints
        .appeal(&image.id, &text, START + 2 * DAY)
        .unwrap();
    house.store().remove(&image.id, START + 3 * DAY).unwrap();
    house.keep(START + 80 * DAY);
    assert_ne!(house.holding("bytes of Streitfall"), NOWHERE);
    decide(&Verdict::Safe, 81).unwrap();
    assert_eq!(house.holding("bytes of Streitfall"), NOWHERE);
    assert!(
        !house.is_there(&image),
        "what its owner deleted is not shown again"
    );
}

#[test]
fn p13c_scores_go_with_their_image() {
    let house = House::new();
    let [deleted, decided] = ["deleted", "decided"].map(|name| house.upload(name, START));
    for image in [&deleted, &decided] {
        house
            .queue
            .flag(&image.id, &Flag::new(Reason::ReviewBand), START)
            .unwrap();
    }
    let removal = Verdict::Remove {
        policy: Policy::Violence,
        reason: Note::default(),
        bank: None,
    };
    house
        .queue
        .take_down(Some(&moderator()), &decided.id, &removal, START)
        .unwrap();
    let signals = |image: &Record| house.queue.job(&image.id).unwrap().unwrap().signals;
    let none = crate::moderation::Signals::default();
    assert_ne!(signals(&deleted), none);
    house.store().remove(&deleted.id, START).unwrap();
    assert_eq!(signals(&deleted), none, "they go with it, and not later");
    house.keep(START + 31 * DAY);
    assert_eq!(house.queue.job(&deleted.id).unwrap(), None);
    let job = house.queue.job(&decided.id).unwrap().unwrap();
    assert_eq!(job.signals, crate::moderation::Signals::default());
    assert_eq!(job.decision.unwrap().counted, None);
    house.keep(START + 400 * DAY);
    assert_eq!(house.queue.job(&decided.id).unwrap(), None);
}

#[test]
fn p13b_a_day_of_the_log_goes_before_any_line_of_it_is_too_old() {
    let house = House::new();
    let log = house.dir.path().join("log");
    fs::create_dir(&log).unwrap();
    for name in ["2025-06-15.jsonl", "2025-06-16.jsonl", "notes"] {
        fs::write(log.join(name), b"{}\n").unwrap();
    }
    let left = || fs::read_dir(&log).unwrap().count();
    house.keep(START + 90 * DAY - 1);
    assert_eq!(left(), 3);
    assert_eq!(
        house
            .retention()
            .ages(START + 89 * DAY)
            .unwrap()
            .oldest_log_ms,
        89 * DAY
    );
    house.keep(START + 90 * DAY);
    assert_eq!(left(), 2);
    house.keep(START + 900 * DAY);
    assert_eq!(left(), 1);
}

#[test]
fn doing_everything_again_changes_nothing() {
    let house = House::new();
    for n in 0..7 {
        house.upload(&format!("image {n}"), START + n * DAY);
    }
    for now_ms in [START + 183 * DAY, START + 197 * DAY] {
        house.keep(now_ms);
        let entries = || house.store().range(&Space::Audit.all(), 1_000).unwrap();
        let before = (entries(), house.store().count().unwrap());
        house.keep(now_ms);
        assert_eq!((entries(), house.store().count().unwrap()), before);
        for job in Job::ALL {
            assert_eq!(house.n_due(job, now_ms), 0, "{job:?}");
        }
    }
}
