//! The queue, the list of what must not come back, learning, and settings made
//! by staff.

use imgshare_storage::Space;
use imgshare_storage::retention::Job;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

const OF_QUEUE: Row = Row {
    id: "",
    place: Place::Entry(""),
    what: "",
    content: Content::Nothing,
    fields: &[],
    subject: Subject::Queue,
    purpose: "To put the most harmful first",
    until: "As long as the image",
    ended_by: End::WithImage,
    seen_by: &[Receiver::Staff],
    exports: &[Export::Backup],
};

const DECIDED: Row = Row {
    content: Content::Bytes,
    fields: &[Field::new("lane", "Whose eyes the image is for")],
    purpose: "To find what can be taken back",
    until: "Until it is decided anew, taken back or erased",
    ..OF_QUEUE
};

const OF_LEARNING: Row = Row {
    subject: Subject::Numbers,
    purpose: "To know how well model, rules and thresholds do",
    until: "As long as the service exists: numbers, without ids",
    ended_by: End::Nothing,
    ..OF_QUEUE
};

const SET_BY_STAFF: Row = Row {
    subject: Subject::Operation,
    content: Content::Json,
    purpose: "To decide what needs a person's look",
    until: "Until it is changed",
    ended_by: End::Replaced,
    ..OF_QUEUE
};

const OF_BANK: Row = Row {
    content: Content::Json,
    fields: &[
        Field::new(
            "hash",
            "The hash: SHA-256 of the file, or PDQ of the picture",
        ),
        Field::new("policy", "Whether uploads that match are refused or queued"),
        Field::new("against", "What it breaks"),
        Field::new("reason", "Why, in the words of whoever added it"),
        Field::new("added_by", "Pseudonym of whoever added it"),
        Field::new("added_at_ms", "When"),
        Field::new("image", "The image it was taken from"),
    ],
    subject: Subject::Fingerprints,
    purpose: "So that what was removed does not come back",
    until: "Until staff take it off the list",
    ended_by: End::Staff,
    exports: &[Export::Bank, Export::Backup],
    ..OF_QUEUE
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "job",
        place: Place::SpaceEntry(Space::Jobs, ""),
        what: "Why an image is to be looked at, who works on it, and what was decided",
        content: Content::Json,
        fields: JOB,
        ended_by: End::Job(Job::Leftovers),
        ..OF_QUEUE
    },
    Row {
        id: "queue-order",
        place: Place::SpaceEntry(Space::Queue, ""),
        what: "Jobs in the orders in which they are shown",
        content: Content::Bytes,
        fields: &[
            Field::new("reasons", "Which kinds of reasons there are"),
            Field::new("score", "The score, in steps of 1/255"),
        ],
        until: "Until it is claimed or decided",
        ended_by: End::Replaced,
        ..OF_QUEUE
    },
    Row {
        id: "decided-by-time",
        place: Place::SpaceEntry(Space::Queue, "da"),
        what: "Images with a decision that stands, by its time",
        ..DECIDED
    },
    Row {
        id: "decided-by-staff",
        place: Place::SpaceEntry(Space::Queue, "ds"),
        what: "The same by the pseudonym of whoever decided",
        ..DECIDED
    },
    Row {
        id: "claim",
        place: Place::SpaceEntry(Space::Claims, ""),
        what: "Who works on a job, by the end of the lease",
        content: Content::Text,
        fields: &[Field::new("holder", "Pseudonym of the moderator")],
        purpose: "So that no two moderators decide one image",
        until: "10 minutes after the last act",
        ended_by: End::Expiry,
        ..OF_QUEUE
    },
    Row {
        id: "bank-sha256",
        place: Place::SpaceEntry(Space::Bank, "s"),
        what: "SHA-256 of a file that must not come back",
        ..OF_BANK
    },
    Row {
        id: "bank-pdq",
        place: Place::SpaceEntry(Space::Bank, "p"),
        what: "PDQ of a picture that must not come back",
        ..OF_BANK
    },
    Row {
        id: "bank-unsearched",
        place: Place::SpaceEntry(Space::Bank, "c"),
        what: "Hashes whose copies among the stored images are still to be looked for",
        content: Content::Nothing,
        fields: &[],
        until: "Until they were looked for",
        ended_by: End::Replaced,
        exports: &[Export::Backup],
        ..OF_BANK
    },
    Row {
        id: "bank-removals",
        place: Place::SpaceEntry(Space::Bank, "d"),
        what: "How many removals ask for a hash of the list",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        until: "As long as the hash is on the list",
        ended_by: End::Replaced,
        exports: &[Export::Backup],
        ..OF_BANK
    },
    Row {
        id: "bank-copies",
        place: Place::SpaceEntry(Space::Bank, "e"),
        what: "Images that were removed as copies, under the hash they are copies of",
        content: Content::Nothing,
        fields: &[],
        purpose: "So that they come back when the removal that banned them does not stand",
        until: "Until they come back, somebody decides about them, or they are erased",
        ended_by: End::WithImage,
        exports: &[Export::Backup],
        ..OF_BANK
    },
    Row {
        id: "bank-left",
        place: Place::SpaceEntry(Space::Bank, "f"),
        what: "Hashes that left the list, whose copies are to come back",
        content: Content::Nothing,
        fields: &[],
        until: "Until their copies are back, moments later",
        ended_by: End::Replaced,
        exports: &[Export::Backup],
        ..OF_BANK
    },
    Row {
        id: "bank-refused",
        place: Place::SpaceEntry(Space::Bank, "g"),
        what: "How many uploads were refused for a hash of the list",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        until: "As long as the hash is on the list",
        ended_by: End::Replaced,
        exports: &[Export::Backup],
        ..OF_BANK
    },
    Row {
        id: "upload-rate",
        place: Place::SpaceEntry(Space::Queue, "u"),
        what: "How many uploads its network had in the minute of an upload that waits for the \
               classifier, two digits of it, where a rule asks for that",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        purpose: "To ask the rules as if it had been classified at once",
        until: "Until it is classified, hidden or deleted",
        ended_by: End::Replaced,
        ..OF_QUEUE
    },
    Row {
        id: "learning-counters",
        place: Place::SpaceEntry(Space::Learning, ""),
        what: "How often a step of the score met a decision, by model; how often moderators \
               agree; how long decisions take",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        ..OF_LEARNING
    },
    Row {
        id: "shadow-counters",
        place: Place::SpaceEntry(Space::Learning, "c"),
        what: "What a candidate would have done, counted",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        until: "Until the candidate's end",
        ended_by: End::Replaced,
        ..OF_LEARNING
    },
    Row {
        id: "shadow-model-counters",
        place: Place::SpaceEntry(Space::Learning, "x"),
        what: "What a candidate model said of some uploads, counted",
        content: Content::Text,
        fields: &[Field::new("count", "Number")],
        until: "Until the candidate's end",
        ended_by: End::Replaced,
        ..OF_LEARNING
    },
    Row {
        id: "shadow-model",
        place: Place::SpaceEntry(Space::Settings, "shadow-model"),
        what: "The candidate model that looks on",
        fields: &[
            Field::new("generation", "Number of the candidate"),
            Field::new("run.generation", "Number of the candidate"),
            Field::new("run.model", "The candidate"),
            Field::new("run.beside[]", "Models that act"),
            Field::new("run.since_ms", "Since when"),
        ],
        ..SET_BY_STAFF
    },
    Row {
        id: "thresholds",
        place: Place::SpaceEntry(Space::Settings, "thresholds"),
        what: "Thresholds that staff set",
        fields: &[
            Field::new("thresholds.explicit|sexy|ads|review_band", "A threshold"),
            Field::new("by", "Pseudonym of whoever set them"),
            Field::new("at_ms", "When"),
        ],
        ..SET_BY_STAFF
    },
    Row {
        id: "relabelling",
        place: Place::SpaceEntry(Space::Settings, "relabelling"),
        what: "How far stored images are labelled by new thresholds",
        fields: &[
            Field::new("thresholds.explicit|sexy|ads|review_band", "A threshold"),
            Field::new("by", "Pseudonym of whoever set them"),
            Field::new("begun_at_ms", "When it was begun"),
            Field::new("finished_at_ms", "When it was done"),
            Field::new("changed.*", "Number of images that changed"),
            Field::new("state_idx", "State whose images are looked at"),
            Field::new("after[]", "Time of upload and id behind which it goes on"),
        ],
        ..SET_BY_STAFF
    },
    Row {
        id: "shadow",
        place: Place::SpaceEntry(Space::Settings, "shadow"),
        what: "The candidate that runs in shadow",
        fields: &[
            Field::new("generation", "Number of the candidate"),
            Field::new("candidate.generation", "Number of the candidate"),
            Field::new("candidate.model", "Its model"),
            Field::new(
                "candidate.thresholds.explicit|sexy|ads|review_band",
                "A threshold",
            ),
            Field::new("candidate.by", "Pseudonym of whoever began it"),
            Field::new("candidate.since_ms", "Since when"),
        ],
        ..SET_BY_STAFF
    },
    Row {
        id: "rules",
        place: Place::SpaceEntry(Space::Settings, "rules"),
        what: "Rules that staff set",
        fields: &[
            Field::new("[].name", "Name of the rule"),
            Field::new("[].outcome", "What becomes of an image for which it holds"),
            Field::new("[].when.**", "When it holds"),
        ],
        ..SET_BY_STAFF
    },
];

const JOB: &[Field] = &[
    Field::new("image", "The image"),
    Field::new("version", "How often the job was changed"),
    Field::new("created_at_ms", "Since when it waits"),
    Field::new("lane", "Which queue it is in"),
    Field::new("reasons[]", "Why it is to be looked at"),
    Field::new("reasons[].rule", "Name of the rule that held"),
    Field::new("signals.explicit", "Probability of explicit content"),
    Field::new("signals.sexy", "Probability of suggestive content"),
    Field::new(
        "signals.uncertainty",
        "How near the score is to the threshold",
    ),
    Field::new("signals.report_weight", "Weight of the reports"),
    Field::new("signals.views_per_hour", "Views an hour"),
    Field::new(
        "signals.hash_match",
        "Whether it looks like something that was removed",
    ),
    Field::new("n_reports", "Number of reports"),
    Field::new("n_networks", "Number of networks that they came from"),
    Field::new("receipts[]", "Receipts of the reports"),
    Field::new(
        "opinion.**",
        "Standing and steps of the scores by a candidate model",
    ),
    Field::new("due_at_ms", "By when the reports must be settled"),
    Field::new("status.kind", "Whether it waits, is claimed or decided"),
    Field::new("status.token", "The lease"),
    Field::new("status.holder", "Pseudonym of the moderator who has it"),
    Field::new("status.since_ms", "Since when"),
    Field::new("status.until_ms", "Until when"),
    Field::new("skips[].by", "Pseudonym of a moderator who skipped it"),
    Field::new("skips[].at_ms", "When"),
    Field::new("not_by", "Moderator who may not decide it again"),
    Field::new("holds", "Whether it is evidence that is kept"),
    Field::new("decision.verdict.kind", "What was decided"),
    Field::new(
        "decision.verdict.policy",
        "Under which policy it was removed",
    ),
    Field::new("decision.verdict.reason", "Why, in the moderator's words"),
    Field::new(
        "decision.verdict.bank",
        "Whether its hashes were added to the list",
    ),
    Field::new("decision.by", "Pseudonym of the moderator"),
    Field::new("decision.role", "Role of the moderator"),
    Field::new("decision.at_ms", "When"),
    Field::new("decision.version", "Version of the job that was decided"),
    Field::new("decision.before.state", "State before"),
    Field::new(
        "decision.before.ruling.label|by|at_ms",
        "Label before, who set it, when",
    ),
    Field::new("decision.before.lane", "Queue before"),
    Field::new("decision.before.held", "Whether it was held before"),
    Field::new("decision.before.not_by", "Who might not decide it before"),
    Field::new("decision.before.earlier.**", "The decision before this one"),
    Field::new(
        "decision.before.is_cut",
        "Whether there were more before it",
    ),
    Field::new("decision.purge_at_ms", "When the image is to be erased"),
    Field::new("decision.purged_at_ms", "When the image was erased"),
    Field::new("decision.banked[]", "Hashes that were added to the list"),
    Field::new(
        "decision.copy_of",
        "The hash of the list that the service removed it for",
    ),
    Field::new(
        "decision.unbanned[].**",
        "Entries of the list that an overturned removal had asked for",
    ),
    Field::new(
        "decision.counted.cell.explicit|sexy|model",
        "Where it was counted",
    ),
    Field::new(
        "decision.counted.source",
        "Whether it was queued or sampled",
    ),
    Field::new("decision.counted.judged|after", "As what it was counted"),
    Field::new("decision.counted.held|waited", "Steps of the time it took"),
    Field::new(
        "decision.counted.shadow|opinion.**",
        "Where it was counted for a candidate",
    ),
];
