//! Files and entries that the service needs to run.

use imgshare_storage::Space;
use imgshare_storage::retention::Job;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

const TO_RUN: Row = Row {
    id: "",
    place: Place::Entry(""),
    what: "",
    content: Content::Bytes,
    fields: &[],
    subject: Subject::Operation,
    purpose: "To run the service",
    until: "As long as the service exists",
    ended_by: End::Replaced,
    seen_by: &[],
    exports: &[],
};

const DATABASE: Row = Row {
    content: Content::Database,
    purpose: "To find what is kept",
    until: "Written anew when something was deleted, and every 30 days",
    ended_by: End::Job(Job::Rewrite),
    ..TO_RUN
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "database",
        place: Place::File("db/*"),
        what: "The database, whose entries are listed one by one",
        exports: &[Export::Backup],
        ..DATABASE
    },
    Row {
        id: "database-heap",
        place: Place::File("db/blobs/*"),
        what: "Parts of the database that are larger than a page",
        exports: &[Export::Backup],
        ..DATABASE
    },
    Row {
        id: "database-rebuilt",
        place: Place::File("db.rebuilt/*"),
        what: "A database that is being rebuilt",
        until: "Until it takes the old one's place, or the next start",
        ended_by: End::Replaced,
        ..DATABASE
    },
    Row {
        id: "database-put-aside",
        place: Place::File("db.replaced-*/*"),
        what: "A damaged database that was put aside when it was rebuilt",
        purpose: "To save what a repair could not read",
        until: "Half of the days that a deletion may take",
        ended_by: End::Job(Job::OldDatabases),
        ..DATABASE
    },
    Row {
        id: "database-put-aside-heap",
        place: Place::File("db.replaced-*/blobs/*"),
        what: "Parts of it that are larger than a page",
        purpose: "To save what a repair could not read",
        until: "Half of the days that a deletion may take",
        ended_by: End::Job(Job::OldDatabases),
        ..DATABASE
    },
    Row {
        id: "temporary",
        place: Place::File("tmp/*"),
        what: "Files on their way in or out: written whole before they get their name",
        purpose: "To leave the whole file or nothing after a crash",
        until: "Seconds; what a crash left goes at the next start",
        ..TO_RUN
    },
    Row {
        id: "temporary-image",
        place: Place::File("tmp/*/*"),
        what: "Images on their way in or out, with their records",
        purpose: "To leave the whole image or nothing after a crash",
        until: "Seconds; what a crash left goes at the next start",
        ..TO_RUN
    },
    Row {
        id: "lock",
        place: Place::File("lock"),
        what: "An empty file that is locked by the running service",
        content: Content::Nothing,
        purpose: "To keep two services from one data folder",
        ..TO_RUN
    },
    Row {
        id: "control-sockets",
        place: Place::File("control/*.sock"),
        what: "Doors for the operator's commands while the service runs",
        until: "Until the service ends",
        ..TO_RUN
    },
    Row {
        id: "model-weights",
        place: Place::File("models/*"),
        what: "Weights of the classifiers, with their licences and checksums",
        purpose: "To classify images",
        ..TO_RUN
    },
    Row {
        id: "vault-key",
        place: Place::File("keys/second-factors.key"),
        what: "The key under which the staff's TOTP secrets are sealed",
        purpose: "So that the database alone opens no account",
        ..TO_RUN
    },
    Row {
        id: "database-version",
        place: Place::Entry("f"),
        what: "The version of the database's layout",
        ..TO_RUN
    },
    Row {
        id: "record-count",
        place: Place::Entry("n"),
        what: "The number of images",
        seen_by: &[Receiver::Staff],
        ..TO_RUN
    },
    Row {
        id: "write-probe",
        place: Place::Entry("p"),
        what: "What was written to see whether something can be written",
        ..TO_RUN
    },
    Row {
        id: "job-progress",
        place: Place::SpaceEntry(Space::Retention, "c"),
        what: "How far the daily pass of a job has come",
        content: Content::Json,
        fields: &[
            Field::new("day", "The day of the pass"),
            Field::new("after", "The image or log behind which it goes on"),
            Field::new("after.since_day", "The day in whose order it goes on"),
            Field::new("after.id", "The image behind which it goes on"),
        ],
        until: "A day",
        ..TO_RUN
    },
    Row {
        id: "old-database-seen",
        place: Place::SpaceEntry(Space::Retention, "f"),
        what: "When a database that was put aside was first seen",
        purpose: "To end it in time",
        until: "Until it is ended",
        ended_by: End::Job(Job::OldDatabases),
        ..TO_RUN
    },
    Row {
        id: "database-rewritten",
        place: Place::SpaceEntry(Space::Retention, "l"),
        what: "When the database was last written anew",
        purpose: "To write it anew every 30 days",
        ..TO_RUN
    },
    Row {
        id: "repair-loss",
        place: Place::SpaceEntry(Space::Retention, "r"),
        what: "That a repair had to make the database anew and lost entries, and when",
        content: Content::Json,
        fields: &[
            Field::new("at_ms", "When"),
            Field::new(
                "spaces[]",
                "Which parts of the database lost some, view counters among them; none: any",
            ),
        ],
        purpose: "To bring them back from a backup",
        until: "Until a restore has brought all of them back, 90 days at most: no backup is older",
        ended_by: End::Job(Job::Backups),
        exports: &[Export::Backup],
        ..TO_RUN
    },
    Row {
        id: "cdn-expected",
        place: Place::SpaceEntry(Space::Retention, "v"),
        what: "That there is a content delivery network, and since when",
        content: Content::Text,
        until: "Until there is none",
        ..TO_RUN
    },
    Row {
        id: "backup-folder",
        place: Place::SpaceEntry(Space::Retention, "b"),
        what: "A folder that holds backups of this service",
        content: Content::Json,
        fields: &[
            Field::new("folder", "Where it is"),
            Field::new("days_max", "Days that its backups are kept"),
            Field::new("last_ms", "When the newest was made"),
        ],
        purpose: "To end its backups in time, even when no new one is made",
        until: "Until its backups have ended",
        ended_by: End::Job(Job::Backups),
        exports: &[Export::Backup],
        ..TO_RUN
    },
    Row {
        id: "imported-log",
        place: Place::SpaceEntry(Space::Retention, "i"),
        what: "That the views in a log of a content delivery network were imported, by its hash",
        content: Content::Json,
        fields: &[
            Field::new("begun_ms", "When"),
            Field::new("n_batches", "How much of it was imported"),
            Field::new("is_whole", "Whether that was all"),
        ],
        purpose: "To count no log twice",
        until: "400 days",
        ended_by: End::Job(Job::Imports),
        exports: &[Export::Backup],
        ..TO_RUN
    },
    Row {
        id: "imported-logs",
        place: Place::SpaceEntry(Space::Retention, "n"),
        what: "How many of those hashes are kept",
        content: Content::Json,
        fields: &[Field::new("", "The number")],
        purpose: "To keep a bounded number",
        exports: &[Export::Backup],
        ..TO_RUN
    },
    Row {
        id: "backup-mark",
        place: Place::BackupFile("imgshare-backup"),
        what: "That a folder is a backup, and a check of its key",
        ..TO_RUN
    },
    Row {
        id: "backup-lock",
        place: Place::BackupFile("lock"),
        what: "An empty file that is locked by whoever writes",
        content: Content::Nothing,
        ..TO_RUN
    },
    Row {
        id: "backup-image",
        place: Place::BackupFile("blobs/*/*"),
        what: "An image, sealed, under a name that tells nothing without the key",
        subject: Subject::Deletions,
        purpose: "To survive the loss of the machine",
        until: "Until no backup needs it: 90 days after its deletion at most",
        ended_by: End::Job(Job::Backups),
        ..TO_RUN
    },
    Row {
        id: "backup-snapshot",
        place: Place::BackupFile("snapshots/*/*"),
        what: "The database and the tombstones as they were at one moment, sealed",
        subject: Subject::Deletions,
        purpose: "To survive the loss of the machine",
        until: "90 days at most",
        ended_by: End::Job(Job::Backups),
        ..TO_RUN
    },
    Row {
        id: "backup-needs",
        place: Place::BackupFile("snapshots/*/needs"),
        what: "Which sealed images a backup needs, by names that tell nothing without the key",
        subject: Subject::Deletions,
        purpose: "To end old backups without the key",
        until: "90 days at most",
        ended_by: End::Job(Job::Backups),
        ..TO_RUN
    },
    Row {
        id: "backup-temporary",
        place: Place::BackupFile("tmp/*"),
        what: "Files on their way in, sealed",
        until: "Until the backup is made, or the next one is begun",
        ..TO_RUN
    },
];
