//! Reports, copyright notices, statements of reasons and objections.

use imgshare_storage::Space;
use imgshare_storage::retention::Job;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

const SETTLED: Row = Row {
    id: "",
    place: Place::Entry(""),
    what: "",
    content: Content::Json,
    fields: &[],
    subject: Subject::Complaints,
    purpose: "To answer what was reported, and to be able to account for it",
    until: "One year after it was decided",
    ended_by: End::Job(Job::Reports),
    seen_by: &[Receiver::Staff],
    exports: &[Export::Backup],
};

const INDEX: Row = Row {
    content: Content::Nothing,
    purpose: "To find it",
    seen_by: &[],
    ..SETTLED
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "report",
        place: Place::SpaceEntry(Space::Reports, "r"),
        what: "A report",
        fields: &[
            Field::new("receipt", "Its receipt"),
            Field::new("image", "The image"),
            Field::new("round", "Which case of the image"),
            Field::new("category", "What is wrong, by category"),
            Field::new("text", "What the reporter wrote"),
            Field::new("contact", "How to reach the reporter, where they said so"),
            Field::new("notice", "Receipt of the copyright notice it came with"),
            Field::new("at_ms", "When"),
        ],
        seen_by: &[Receiver::Reporter, Receiver::Staff],
        exports: &[Export::Authority, Export::Backup],
        ..SETTLED
    },
    Row {
        id: "case",
        place: Place::SpaceEntry(Space::Reports, "c"),
        what: "All reports of an image until they are decided, counted, and the outcome",
        fields: &[
            Field::new("image", "The image"),
            Field::new("round", "Which case of the image"),
            Field::new("opened_at_ms", "Since when"),
            Field::new("due_at_ms", "Until when it is to be decided"),
            Field::new("categories.*", "Number of reports by category"),
            Field::new("n_notices", "Number of copyright notices"),
            Field::new("holds", "Whether it is evidence that is kept"),
            Field::new("outcome.at_ms", "When it was decided"),
            Field::new("outcome.version", "Version of the job that was decided"),
            Field::new("outcome.resolution", "What came of it"),
            Field::new("outcome.policy", "Under which policy"),
            Field::new("outcome.upheld[]", "Categories that were right"),
        ],
        seen_by: &[Receiver::Reporter, Receiver::Staff],
        ..SETTLED
    },
    Row {
        id: "reports-of-case",
        place: Place::SpaceEntry(Space::Reports, "i"),
        what: "Which reports belong to a case",
        ..INDEX
    },
    Row {
        id: "cases-by-clock",
        place: Place::SpaceEntry(Space::Reports, "d"),
        what: "Cases in the order in which they are to be decided",
        until: "Until it is decided",
        ended_by: End::Replaced,
        ..INDEX
    },
    Row {
        id: "cases-by-end",
        place: Place::SpaceEntry(Space::Reports, "x"),
        what: "Cases in the order of their end",
        ..INDEX
    },
    Row {
        id: "reporters-track",
        place: Place::SpaceEntry(Space::Reports, "k"),
        what: "How often reports of a category were right",
        fields: &[
            Field::new("n_right", "Reports that were upheld"),
            Field::new("n_wrong", "Reports that were not"),
        ],
        subject: Subject::Numbers,
        purpose: "To weigh reports by how often such reports are right",
        until: "As long as the service exists: numbers, by category alone",
        ended_by: End::Nothing,
        ..SETTLED
    },
    Row {
        id: "copyright-notice",
        place: Place::SpaceEntry(Space::Notices, "n"),
        what: "A copyright notice",
        fields: &[
            Field::new("images[]", "The images"),
            Field::new("name", "Name of whoever sent it"),
            Field::new("owner", "Owner of the right"),
            Field::new("address", "Address"),
            Field::new("phone", "Telephone number"),
            Field::new("email", "E-mail address"),
            Field::new("work", "The work"),
            Field::new("signature", "Signature"),
            Field::new("at_ms", "When"),
        ],
        purpose: "The law asks for these fields, and lets the other side see them",
        seen_by: &[Receiver::OtherSide, Receiver::Staff],
        ..SETTLED
    },
    Row {
        id: "counter-notice",
        place: Place::SpaceEntry(Space::Notices, "c"),
        what: "A counter-notice",
        fields: &[
            Field::new("receipt", "Its receipt"),
            Field::new("image", "The image"),
            Field::new("name", "Name of whoever sent it"),
            Field::new("address", "Address"),
            Field::new("phone", "Telephone number"),
            Field::new("email", "E-mail address"),
            Field::new("text", "What they wrote"),
            Field::new("signature", "Signature"),
            Field::new("at_ms", "When"),
            Field::new("restore_from_ms", "From when the image may be restored"),
            Field::new("restore_by_ms", "By when it must be"),
            Field::new("state", "Where it stands"),
        ],
        purpose: "The law asks for these fields, and lets the other side see them",
        seen_by: &[Receiver::Uploader, Receiver::OtherSide, Receiver::Staff],
        exports: &[Export::Uploader, Export::Backup],
        ..SETTLED
    },
    Row {
        id: "counter-notice-of-image",
        place: Place::SpaceEntry(Space::Notices, "o"),
        what: "Which counter-notice is an image's",
        content: Content::Json,
        fields: &[Field::new("", "Its receipt")],
        ..INDEX
    },
    Row {
        id: "counter-notices-by-image",
        place: Place::SpaceEntry(Space::Notices, "i"),
        what: "Counter-notices by their image, open or not",
        ..INDEX
    },
    Row {
        id: "court-action",
        place: Place::SpaceEntry(Space::Notices, "f"),
        what: "That the claimant went to court",
        fields: &[
            Field::new("version", "Version of the job"),
            Field::new("receipt", "Receipt of the counter-notice"),
        ],
        purpose: "To keep the image removed until the court has decided",
        ..SETTLED
    },
    Row {
        id: "counter-notice-closed",
        place: Place::SpaceEntry(Space::Notices, "l"),
        what: "Which decision closed a counter-notice, which runs on when it is undone",
        fields: &[
            Field::new("version", "Version of the job"),
            Field::new("receipt", "Receipt of the counter-notice"),
        ],
        purpose: "To restore an image on its day when that decision is taken back",
        ..SETTLED
    },
    Row {
        id: "restorations-by-clock",
        place: Place::SpaceEntry(Space::Notices, "t"),
        what: "Counter-notices in the order in which images are to be restored",
        until: "Until the image is restored or the claimant went to court",
        ended_by: End::Replaced,
        ..INDEX
    },
    Row {
        id: "statements",
        place: Place::SpaceEntry(Space::Notices, "s"),
        what: "Why an image is restricted, as its owner and whoever opens it is told",
        fields: &[
            Field::new("said[].version", "Version of the job that was decided"),
            Field::new("said[].statement.restriction", "What was done"),
            Field::new("said[].statement.policy", "Under which policy"),
            Field::new("said[].statement.reason", "Why, in the moderator's words"),
            Field::new("said[].statement.found", "Who or what found it"),
            Field::new(
                "said[].statement.is_automated",
                "Whether a program decided alone",
            ),
            Field::new("said[].statement.at_ms", "When"),
            Field::new("ends_at_ms", "When it is to be ended"),
        ],
        purpose: "To say why, and how to object",
        until: "One year after the restriction's end, or the image's",
        seen_by: &[Receiver::Public, Receiver::Uploader, Receiver::Staff],
        exports: &[Export::Uploader, Export::Backup],
        ..SETTLED
    },
    Row {
        id: "objection",
        place: Place::SpaceEntry(Space::Notices, "a"),
        what: "An objection of an image's owner to a decision",
        fields: &[
            Field::new("image", "The image"),
            Field::new("number", "The how-manieth"),
            Field::new("text", "What the owner wrote"),
            Field::new("at_ms", "When"),
            Field::new("against", "Against what"),
            Field::new("against_version", "Against which version of the job"),
            Field::new(
                "against_by",
                "Pseudonym of whoever decided, who may not decide again",
            ),
            Field::new("outcome.is_granted", "Whether it was granted"),
            Field::new("outcome.at_ms", "When"),
            Field::new("outcome.version", "Version of the job that was decided"),
        ],
        seen_by: &[Receiver::Uploader, Receiver::Staff],
        exports: &[Export::Uploader, Export::Backup],
        ..SETTLED
    },
    Row {
        id: "objections-by-end",
        place: Place::SpaceEntry(Space::Notices, "e"),
        what: "Counter-notices, objections and statements in the order of their end",
        ..INDEX
    },
    Row {
        id: "repeat-infringement",
        place: Place::SpaceEntry(Space::Notices, "h"),
        what: "How often a notice about a picture was upheld, by its hash",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        subject: Subject::Fingerprints,
        purpose: "To know pictures that infringe again and again, as the law asks",
        until: "As long as they must not come back",
        ended_by: End::Nothing,
        ..SETTLED
    },
];
