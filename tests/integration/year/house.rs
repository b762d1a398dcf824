//! A server with its commands, and a look at its files.

use std::ops::Range;
use std::path::{Path, PathBuf};

use imgshare_tests::calendar::{Calendar, DAY_MS};
use imgshare_tests::client::Client;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::server::Server;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::life::{Fate, Life};
use super::marks::{self, Marks};
use crate::reports::post_json;

/// Days by which what was deleted is in no file: `retention.purge_days`.
pub(super) const PURGE_DAYS: u64 = 7;

/// Days that a backup is kept: `backup.days_max`.
pub(super) const BACKUP_DAYS: u64 = 30;

/// Days that the request log is kept.
const LOG_DAYS: u64 = 90;

/// Uploads at once.
const CLIENTS: usize = 4;

/// A server that lives through a year.
pub(super) struct House {
    installation: Installation,
    calendar: Calendar,
    server: Option<Server>,
    backup: PathBuf,
    key: PathBuf,
}

/// A data folder that was brought back.
pub(super) struct Folder(PathBuf);

impl House {
    pub(super) fn open() -> Self {
        let installation = Installation::new();
        let calendar = Calendar::in_folder(installation.scratch());
        let server = installation.serve_with(&[
            calendar.setting(),
            ("IMGSHARE_RETENTION_EVERY_MINUTES", "1440"),
            ("IMGSHARE_MODERATION_SAMPLE_RATE", "0"),
        ]);
        let [backup, key] = ["backup", "backup.key"].map(|name| installation.scratch().join(name));
        let house = Self {
            installation,
            calendar,
            server: Some(server),
            backup,
            key,
        };
        let key = house.key.to_str().expect("text");
        let _ = house.run(&["backup", "keygen", key]);
        house
    }

    fn client(&self) -> Client {
        self.server.as_ref().expect("it runs").client()
    }

    fn run(&self, arguments: &[&str]) -> String {
        let finished = self
            .installation
            .run_with(arguments, &[self.calendar.setting()]);
        finished.expect_success().stdout
    }

    pub(super) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            let log = server.stop();
            assert!(log.contains("THE CLOCK IS MOVED"), "{log}");
            assert!(!log.contains("panicked"), "{log}");
        }
    }

    /// The clock shows a day, and what is due on it is done.
    pub(super) fn begin(&self, day: u64) {
        self.calendar.show(day);
        let _ = self.run(&["retention", "run"]);
    }

    pub(super) fn upload(&self, numbers: Range<u64>, day: u64) -> Vec<Life> {
        let numbers: Vec<u64> = numbers.collect();
        let share = numbers.len().div_ceil(CLIENTS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = numbers
                .chunks(share)
                .map(|share| {
                    scope.spawn(|| {
                        let share = share.iter();
                        share.map(|n| self.upload_one(*n, day)).collect::<Vec<_>>()
                    })
                })
                .collect();
            let uploaded = threads.into_iter();
            uploaded
                .flat_map(|thread| thread.join().expect("an upload"))
                .collect()
        })
    }

    fn upload_one(&self, n: u64, day: u64) -> Life {
        let picture = Picture::noise(12, 12, n + 1).png();
        let uploaded = self.client().upload(&marks::name(n), &picture).expect(201);
        let id = uploaded.field("id");
        let stored = std::fs::read(folder_of(self.installation.data(), &id).join("original.png"));
        let stored = stored.expect("the stored file");
        let middle = stored.len() / 2;
        Life {
            n,
            id,
            token: uploaded.field("delete_token"),
            direct: uploaded.link("direct_url"),
            middle: stored[middle..middle + 32].to_vec(),
            fate: Fate::of(n),
            uploaded: day,
            used: day,
            ended: None,
        }
    }

    pub(super) fn view(&self, life: &Life) {
        let _ = self.client().get(&life.direct).expect(200);
    }

    pub(super) fn delete(&self, life: &Life) {
        let deleted = self.client().delete(&life.id, Some(&life.token));
        let _ = deleted.expect(204);
        self.client()
            .get(&life.direct)
            .expect_problem(404, "not-found");
    }

    pub(super) fn report(&self, life: &Life, category: &str) {
        let path = format!("/api/v1/images/{}/reports", life.id);
        let body = json!({"category": category, "text": marks::report(life.n)});
        let _ = post_json(&self.client(), &path, None, &body).expect(201);
    }

    /// A line of the request log of that day.
    pub(super) fn write_log(&self, day: u64) {
        let log = self.installation.data().join("log");
        std::fs::create_dir_all(&log).expect("a folder");
        let date = date(self.calendar.start_of(day));
        std::fs::write(log.join(format!("{date}.jsonl")), b"{}\n").expect("a file");
    }

    pub(super) fn back_up(&self) {
        let (to, key) = (text(&self.backup), text(&self.key));
        let _ = self.run(&["backup", "--to", to, "--key", key]);
        let verified = self.run(&["backup", "verify", "--from", to, "--key", key]);
        assert!(
            !verified.contains("lost") && !verified.contains("damaged"),
            "{verified}"
        );
    }

    /// The newest backup, brought back into another folder.
    pub(super) fn restored(&self) -> Folder {
        let folder = self.installation.scratch().join("restored");
        let _ = std::fs::remove_dir_all(&folder);
        let (from, key) = (text(&self.backup), text(&self.key));
        let to = text(&folder);
        let arguments = ["restore", "--from", from, "--key", key, "--data", to];
        let _ = self.run(&arguments);
        Folder(folder)
    }

    pub(super) fn has_bytes(&self, life: &Life) -> bool {
        has_bytes(self.installation.data(), life)
    }

    /// Marks in the data folder; beside the images unless everything is looked at.
    pub(super) fn marks(&self, is_thorough: bool) -> Marks {
        let data = self.installation.data();
        Marks::in_files(&if is_thorough {
            marks::files(data)
        } else {
            marks::files_beside_images(data)
        })
    }

    pub(super) fn marks_in_backups(&self) -> Marks {
        Marks::in_files(&marks::files(&self.backup))
    }

    /// Neither bytes nor token of an image are anywhere.
    pub(super) fn assert_nothing_of(&self, life: &Life) {
        let files = marks::files_beside_images(self.installation.data());
        let token: [u8; 32] = Sha256::digest(life.token.as_bytes()).into();
        let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        for wanted in [
            &life.middle[..],
            life.token.as_bytes(),
            &token,
            hex.as_bytes(),
        ] {
            let found = marks::hold(&files, wanted);
            assert_eq!(found, None, "{life:?}");
        }
    }

    pub(super) fn assert_logs_are_young(&self, day: u64) {
        let log = self.installation.data().join("log");
        for path in marks::files(&log) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let oldest = day.saturating_sub(LOG_DAYS - 1);
            let is_young = name.as_ref() >= date(self.calendar.start_of(oldest)).as_str();
            assert!(is_young || day < LOG_DAYS, "day {day}: {}", path.display());
        }
    }

    pub(super) fn assert_purges_are_young(&self, day: u64) {
        let server = self.server.as_ref().expect("it runs");
        for (metric, days_max) in [
            ("imgshare_pending_purge_age_seconds", PURGE_DAYS),
            ("imgshare_oldest_log_age_seconds", LOG_DAYS),
        ] {
            let age = server.metric(metric).expect(metric);
            let limit = (days_max * DAY_MS / 1_000) as f64;
            assert!(age < limit, "day {day}: {metric} {age}");
        }
    }

    pub(super) fn assert_backups_are_young(&self, day: u64) {
        let snapshots = std::fs::read_dir(self.backup.join("snapshots")).expect("a backup");
        for snapshot in snapshots {
            let name = snapshot.expect("an entry").file_name();
            let made_ms: u64 = name.to_string_lossy().parse().expect("a time");
            let oldest_ms = self.calendar.start_of(day) - BACKUP_DAYS * DAY_MS;
            assert!(made_ms >= oldest_ms, "day {day}: {name:?}");
        }
    }

    pub(super) fn n_sealed(&self) -> usize {
        marks::files(&self.backup.join("blobs")).len()
    }
}

impl Folder {
    pub(super) fn has_bytes(&self, life: &Life) -> bool {
        has_bytes(&self.0, life)
    }

    pub(super) fn marks(&self) -> Marks {
        Marks::in_files(&marks::files(&self.0))
    }
}

fn has_bytes(data: &Path, life: &Life) -> bool {
    folder_of(data, &life.id).join("original.png").exists()
}

/// The folder of an image: its place is a hash of its id.
fn folder_of(data: &Path, id: &str) -> PathBuf {
    let hash = Sha256::digest(id.as_bytes());
    let place = format!("{:02x}/{:02x}", hash[0], hash[1]);
    data.join("blobs").join(place).join(id)
}

fn date(ms: u64) -> String {
    imgshare_storage::calendar::date(ms)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have names")
}
