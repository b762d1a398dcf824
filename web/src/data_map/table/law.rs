//! Holds, and requests about personal data.

use imgshare_storage::Space;
use imgshare_storage::retention::Job;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

const REQUEST: Row = Row {
    id: "",
    place: Place::Entry(""),
    what: "",
    content: Content::Json,
    fields: &[
        Field::new("number", "Its number"),
        Field::new("kind", "What is asked for"),
        Field::new("words", "What was asked, as staff noted it"),
        Field::new("contact", "How to answer"),
        Field::new("received_at_ms", "When it came"),
        Field::new("due_at_ms", "Until when it is to be answered"),
        Field::new("answer.at_ms", "When it was answered"),
        Field::new("answer.by", "Pseudonym of whoever answered"),
        Field::new("answer.words", "What was answered, as staff noted it"),
    ],
    subject: Subject::DataRequests,
    purpose: "To answer within 30 days, and to be able to show it",
    until: "One year after it was answered",
    ended_by: End::Job(Job::PrivacyRequests),
    seen_by: &[Receiver::Staff],
    exports: &[Export::Backup],
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "data-request-open",
        place: Place::SpaceEntry(Space::Rights, "o"),
        what: "A request about personal data that waits for its answer",
        until: "Until it is answered",
        ended_by: End::Staff,
        ..REQUEST
    },
    Row {
        id: "data-request-answered",
        place: Place::SpaceEntry(Space::Rights, "d"),
        what: "A request about personal data that was answered",
        ..REQUEST
    },
    Row {
        id: "data-request-number",
        place: Place::SpaceEntry(Space::Rights, "n"),
        what: "The last number that a request got",
        content: Content::Text,
        fields: &[],
        subject: Subject::Operation,
        until: "As long as the service exists",
        ended_by: End::Replaced,
        seen_by: &[],
        ..REQUEST
    },
    Row {
        id: "hold",
        place: Place::SpaceEntry(Space::Holds, "h"),
        what: "That the law keeps an image",
        content: Content::Json,
        fields: &[
            Field::new("image", "The image"),
            Field::new("reference", "Reference of the order"),
            Field::new("set_by", "Pseudonym of whoever set it"),
            Field::new("set_at_ms", "When"),
            Field::new("expires_at_ms", "Until when"),
        ],
        subject: Subject::Holds,
        purpose: "The law asks for it",
        until: "Its date, or until it is released",
        ended_by: End::Job(Job::LegalHolds),
        seen_by: &[Receiver::Staff, Receiver::Authority],
        exports: &[Export::Authority, Export::Backup],
    },
    Row {
        id: "hold-counts",
        place: Place::SpaceEntry(Space::Holds, "y"),
        what: "How often the law asked in a year",
        content: Content::Json,
        fields: &[
            Field::new("year", "The year"),
            Field::new("n_held", "Images that were put under a hold"),
            Field::new("n_ended", "Holds that ended"),
            Field::new("n_exported", "Images handed over"),
        ],
        subject: Subject::Holds,
        purpose: "To publish it on the transparency page",
        until: "As long as the service exists: numbers alone",
        ended_by: End::Nothing,
        seen_by: &[Receiver::Public],
        exports: &[Export::Backup],
    },
];
