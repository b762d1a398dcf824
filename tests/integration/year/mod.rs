//! More than a year in the life of a server: uploads, views, reports, deletions and
//! holds that are known, and every day a look at the files whether what had to end
//! has ended, and nothing else.

mod house;
mod life;
mod marks;

use std::collections::BTreeSet;

use house::House;
use life::{Fate, Life};

/// Days on which images are uploaded.
const UPLOAD_DAYS: u64 = 200;

/// Images a day where `IMGSHARE_TEST_YEAR_UPLOADS` does not say how many; 50 make ten
/// thousand in all, and the run some minutes longer.
const UPLOADS_A_DAY: u64 = 10;

/// Until the first reports are a year old, and what they were about is gone.
const DAYS: u64 = 385;

/// Every so many days a backup is made.
const BACKUP_EVERY: u64 = 10;

/// Every so many days all files are looked at, not only those that change.
const LOOK_AT_ALL_EVERY: u64 = 40;

#[test]
fn p13_a_year_in_the_life_of_a_server() {
    let mut house = House::open();
    let uploads_a_day = uploads_a_day();
    let mut lives: Vec<Life> = Vec::new();
    for day in 0..DAYS {
        house.begin(day);
        for life in &mut lives {
            life.settle(day);
        }
        look(&house, &lives, day);
        live(&house, &mut lives, day, uploads_a_day);
        if day % BACKUP_EVERY == BACKUP_EVERY - 1 {
            house.back_up();
            look_at_backups(&house, &lives, day);
        }
    }
    assert_eq!(lives.len() as u64, UPLOAD_DAYS * uploads_a_day);
    let ended = lives.iter().filter(|life| life.ended.is_some()).count();
    let kept = lives.len() - ended;
    assert!(
        ended > lives.len() / 2 && kept > lives.len() / 10,
        "{ended} {kept}"
    );
    house.stop();
}

fn uploads_a_day() -> u64 {
    std::env::var("IMGSHARE_TEST_YEAR_UPLOADS").map_or(UPLOADS_A_DAY, |n_uploads| {
        n_uploads.parse().expect("a number of uploads a day")
    })
}

/// What happens on a day.
fn live(house: &House, lives: &mut Vec<Life>, day: u64, uploads_a_day: u64) {
    if day < UPLOAD_DAYS {
        let first = lives.len() as u64;
        lives.extend(house.upload(first..first + uploads_a_day, day));
    }
    for life in lives.iter_mut().filter(|life| life.ended.is_none()) {
        let age = day - life.uploaded;
        match life.fate {
            Fate::Deleted { after } if age == after => {
                house.delete(life);
                life.ended = Some(day);
            }
            Fate::ViewedOnce { after } if age == after => {
                house.view(life);
                life.used = day;
            }
            Fate::ViewedAgain { every } if age > 0 && age.is_multiple_of(every) => {
                house.view(life);
                life.used = day;
            }
            Fate::Reported | Fate::ReportedAndDeleted if age == 1 => house.report(life, "privacy"),
            Fate::ReportedAndDeleted if age == 2 => {
                house.delete(life);
                life.ended = Some(day);
            }
            Fate::Held if age == 1 => house.report(life, "child-abuse"),
            // What is held as evidence is out of sight, and stays.
            Fate::Held if age == 10 => house.delete(life),
            _ => {}
        }
    }
    house.write_log(day);
}

/// The files are as the promises say.
fn look(house: &House, lives: &[Life], day: u64) {
    let is_thorough = day % LOOK_AT_ALL_EVERY == LOOK_AT_ALL_EVERY - 1;
    let marks = house.marks(is_thorough);
    for life in lives {
        let n = life.n;
        assert_eq!(
            house.has_bytes(life),
            life.ended.is_none(),
            "day {day}: {life:?}"
        );
        if life
            .ended
            .is_some_and(|ended| day >= ended + house::PURGE_DAYS)
        {
            assert!(!marks.names.contains(&n), "day {day}, its name: {life:?}");
        }
        if life.ended.is_none() && is_thorough {
            assert!(
                marks.names.contains(&n),
                "day {day}, it would prove nothing: {life:?}"
            );
        }
        if let Some(report_day) = life.report_ends() {
            let is_there = marks.reports.contains(&n);
            assert!(is_there || day >= report_day, "day {day}: {life:?}");
            let is_over = day >= report_day + house::PURGE_DAYS;
            assert!(!(is_there && is_over), "day {day}, its report: {life:?}");
        }
    }
    // Of one image a day, whose last day it is, everything else that could be left.
    let last_day = |life: &&Life| {
        life.ended
            .is_some_and(|ended| ended + house::PURGE_DAYS == day)
    };
    if let Some(life) = lives.iter().find(last_day) {
        house.assert_nothing_of(life);
    }
    let known: BTreeSet<u64> = lives.iter().map(|life| life.n).collect();
    assert!(marks.names.is_subset(&known));
    house.assert_logs_are_young(day);
    house.assert_purges_are_young(day);
}

/// Backups are young, hold nothing that can be read, and bring back nothing that
/// was deleted.
fn look_at_backups(house: &House, lives: &[Life], day: u64) {
    house.assert_backups_are_young(day);
    let marks = house.marks_in_backups();
    assert!(marks.names.is_empty() && marks.reports.is_empty());
    let n_alive = lives
        .iter()
        .filter(|life| {
            life.ended
                .is_none_or(|ended| ended + house::BACKUP_DAYS >= day)
        })
        .count();
    let n_sealed = house.n_sealed();
    assert!(n_sealed <= n_alive, "day {day}: {n_sealed} of {n_alive}");
    if day % 100 == 99 {
        let restored = house.restored();
        for life in lives {
            let is_back = restored.has_bytes(life);
            assert_eq!(is_back, life.ended.is_none(), "day {day}: {life:?}");
        }
        let names = restored.marks().names;
        let erased = lives.iter().filter(|life| life.ended.is_some());
        for life in erased {
            assert!(!names.contains(&life.n), "day {day}: {life:?}");
        }
    }
}
