//! Accounts of staff, and the audit of what they did.

use imgshare_storage::Space;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

const OF_STAFF: Row = Row {
    id: "",
    place: Place::Entry(""),
    what: "",
    content: Content::Json,
    fields: &[],
    subject: Subject::Accounts,
    purpose: "To let staff in, and nobody else",
    until: "As long as the account",
    ended_by: End::Staff,
    seen_by: &[],
    exports: &[Export::Backup],
};

const OF_AUDIT: Row = Row {
    subject: Subject::Audit,
    purpose: "To be able to account for every decision",
    until: "As long as the service exists: a chain that loses a link proves nothing",
    ended_by: End::Nothing,
    ..OF_STAFF
};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "account",
        place: Place::SpaceEntry(Space::Staff, "a"),
        what: "An account of staff",
        fields: &[
            Field::new("id", "Pseudonym, which others see"),
            Field::new("login", "Name to log in with, which admins see"),
            Field::new("role", "Role"),
            Field::new("is_disabled", "Whether it is disabled"),
            Field::new("password.memory_kib|passes", "Cost of the password's hash"),
            Field::new(
                "password.salt|hash",
                "Salted hash of the password (argon2id)",
            ),
            Field::new("totp.secret", "Sealed secret of the authenticator app"),
            Field::new("totp.last_step", "Last code that was used"),
            Field::new("passkeys[].id", "Id of a passkey"),
            Field::new("passkeys[].x|y", "Public key of a passkey"),
            Field::new("passkeys[].sign_count", "Uses of a passkey"),
            Field::new("passkeys[].name", "Name that its owner gave a passkey"),
            Field::new("passkeys[].created_at_ms", "When a passkey was added"),
            Field::new("recovery[]", "Hashes of recovery codes"),
            Field::new("created_at_ms", "When it was made"),
            Field::new("invited_by", "Pseudonym of whoever invited"),
            Field::new(
                "generation",
                "Number that ends all sessions when it changes",
            ),
        ],
        seen_by: &[Receiver::Staff],
        ..OF_STAFF
    },
    Row {
        id: "login-name",
        place: Place::SpaceEntry(Space::Staff, "l"),
        what: "Whose a login name is",
        fields: &[Field::new("", "Pseudonym")],
        ..OF_STAFF
    },
    Row {
        id: "invitation",
        place: Place::SpaceEntry(Space::Staff, "i"),
        what: "An invitation, under the hash of its code",
        fields: &[
            Field::new("purpose.kind", "To join, or to renew an account"),
            Field::new("purpose.role", "Role"),
            Field::new("purpose.staff", "Pseudonym"),
            Field::new("by", "Pseudonym of whoever invited"),
            Field::new("created_at_ms", "When"),
            Field::new("expires_at_ms", "Until when it is good"),
            Field::new("draft.login", "Login name that is being chosen"),
            Field::new(
                "draft.password.memory_kib|passes|salt|hash",
                "Hash of the password",
            ),
            Field::new(
                "draft.totp_secret",
                "Sealed secret of the authenticator app",
            ),
            Field::new("draft.challenge", "What a passkey is to sign"),
        ],
        until: "Until it is used, revoked, or its date",
        ended_by: End::Expiry,
        seen_by: &[Receiver::Staff],
        ..OF_STAFF
    },
    Row {
        id: "failed-logins",
        place: Place::SpaceEntry(Space::Staff, "f"),
        what: "How often somebody failed to log in, under a keyed hash of the name",
        fields: &[
            Field::new("count", "Number in a row"),
            Field::new("last_at_ms", "Last time"),
            Field::new(
                "locked_until_ms",
                "Until when nobody can log in by that name",
            ),
        ],
        purpose: "To stop whoever guesses passwords",
        until: "A day after the last one",
        ended_by: End::Expiry,
        ..OF_STAFF
    },
    Row {
        id: "pepper",
        place: Place::SpaceEntry(Space::Staff, "k"),
        what: "The key of those hashes",
        fields: &[Field::new("", "The key")],
        until: "As long as the service exists",
        ended_by: End::Nothing,
        ..OF_STAFF
    },
    Row {
        id: "session",
        place: Place::SpaceEntry(Space::Sessions, ""),
        what: "That somebody of the staff is logged in, under the hash of the cookie",
        fields: &[
            Field::new("staff", "Pseudonym"),
            Field::new("stage", "Whether the second factor was given"),
            Field::new("created_at_ms", "Since when"),
            Field::new("seen_at_ms", "Last act"),
            Field::new("factor_at_ms", "When the second factor was given last"),
            Field::new("generation", "The account's number when it began"),
            Field::new("challenge", "What a passkey is to sign"),
            Field::new("offered", "Sealed secret that is being enrolled"),
        ],
        until: "12 hours at most, 30 minutes without an act",
        ended_by: End::Expiry,
        ..OF_STAFF
    },
    Row {
        id: "audit-entry",
        place: Place::SpaceEntry(Space::Audit, "e"),
        what: "Who did what, in a chain of hashes",
        fields: AUDIT,
        seen_by: &[Receiver::Auditors, Receiver::Authority],
        exports: &[Export::Audit, Export::Authority, Export::Backup],
        ..OF_AUDIT
    },
    Row {
        id: "audit-scores",
        place: Place::SpaceEntry(Space::Audit, "d"),
        what: "The scores at the moment of an entry, apart from it: the entry itself holds a \
               salted hash of them",
        fields: &[
            Field::new("salt", "What the hash was salted with"),
            Field::new("scores.model", "Which model had classified the image"),
            Field::new(
                "scores.preprocessing",
                "How the picture was prepared for it",
            ),
            Field::new(
                "scores.probabilities[]",
                "Probabilities of the five classes",
            ),
        ],
        subject: Subject::Scores,
        until: "As long as the image",
        ended_by: End::WithImage,
        seen_by: &[Receiver::Auditors, Receiver::Authority],
        exports: &[Export::Audit, Export::Authority, Export::Backup],
        ..OF_AUDIT
    },
    Row {
        id: "audit-mark",
        place: Place::SpaceEntry(Space::Audit, "a"),
        what: "How far the audit's files go",
        fields: &[
            Field::new("seq", "Number of their last entry"),
            Field::new("hash", "Its hash"),
        ],
        until: "Until they go further",
        ended_by: End::Replaced,
        ..OF_AUDIT
    },
    Row {
        id: "audit-head",
        place: Place::SpaceEntry(Space::Audit, "h"),
        what: "The last link of the chain",
        fields: &[
            Field::new("seq", "Its number"),
            Field::new("hash", "Its hash"),
        ],
        until: "Until the next one",
        ended_by: End::Replaced,
        ..OF_AUDIT
    },
    Row {
        id: "audit-by-subject",
        place: Place::SpaceEntry(Space::Audit, "s"),
        what: "Entries by a hash of what they are about",
        content: Content::Nothing,
        ..OF_AUDIT
    },
    Row {
        id: "audit-file",
        place: Place::File("audit/*.jsonl"),
        what: "The same entries by day, outside the database",
        content: Content::JsonLines,
        fields: AUDIT,
        purpose: "To notice when the database's copy was changed",
        exports: &[],
        ..OF_AUDIT
    },
    Row {
        id: "audit-file-diverged",
        place: Place::File("audit.diverged-*/*.jsonl"),
        what: "Files that did not fit the database when the service started",
        content: Content::JsonLines,
        fields: AUDIT,
        purpose: "To find out what happened",
        exports: &[],
        ..OF_AUDIT
    },
];

/// What an entry of the audit can say. It has no address, no file name and no
/// text of a visitor.
const AUDIT: &[Field] = &[
    Field::new("seq", "Number of the entry"),
    Field::new("hash", "Hash of this entry and of the one before"),
    Field::new("previous", "Hash of the one before"),
    Field::new("entry.at_ms", "When"),
    Field::new(
        "entry.actor.kind",
        "Staff, operator, the service itself or a visitor",
    ),
    Field::new("entry.actor.id", "Pseudonym"),
    Field::new("entry.actor.role", "Role at that moment"),
    Field::new("entry.action", "What was done"),
    Field::new(
        "entry.subject",
        "To what: an image's id, a pseudonym, a hash, a setting",
    ),
    Field::new("entry.before|after", "A number or a word before and after"),
    Field::new(
        "entry.scores_sha256",
        "Salted hash of the scores at that moment",
    ),
    Field::new("entry.thresholds[]", "Thresholds at that moment"),
    Field::new("entry.lease", "Lease under which it was decided"),
    Field::new("entry.reports[]", "Receipts of the reports it answers"),
    Field::new(
        "entry.before|after.state|label|lane|legal_hold|was",
        "Where an image stood",
    ),
    Field::new(
        "entry.before|after.was.state|label|lane",
        "Where an image stood",
    ),
    Field::new(
        "entry.before|after.verdict.kind|policy|reason|bank",
        "What was decided",
    ),
    Field::new(
        "entry.before|after.by|invited_by|added_by|set_by",
        "A pseudonym",
    ),
    Field::new("entry.before|after.role", "A role"),
    Field::new(
        "entry.before|after.purpose.kind|role|staff",
        "What an invitation is for",
    ),
    Field::new(
        "entry.before|after.disabled|totp|passkeys|failures",
        "How an account stood",
    ),
    Field::new(
        "entry.before|after.second_factor|passkey_alone|everywhere",
        "How somebody logged in or out",
    ),
    Field::new(
        "entry.before|after.invitations_revoked",
        "Number of invitations",
    ),
    Field::new(
        "entry.before|after.code|method|left_out|in_a_row|locked_seconds",
        "What was refused, how often",
    ),
    Field::new(
        "entry.before|after.n_reports|category|resolution",
        "What was reported, what came of it",
    ),
    Field::new(
        "entry.before|after.appeal|against",
        "Which objection, against what",
    ),
    Field::new(
        "entry.before|after.restore_from_ms|restore_by_ms",
        "When an image may be restored",
    ),
    Field::new(
        "entry.before|after.reference|expires_at_ms|sha256",
        "What the law asked for, or was handed over",
    ),
    Field::new(
        "entry.before|after.kind|due_at_ms|in_time",
        "A request about personal data",
    ),
    Field::new("entry.before|after.idle_days", "Days without a view"),
    Field::new(
        "entry.before|after.hash|policy|reason|added_at_ms|image|n_entries",
        "What was added to the list of hashes",
    ),
    Field::new(
        "entry.before|after.prefix|until",
        "Which network was blocked, until when",
    ),
    Field::new(
        "entry.before|after.explicit|sexy|ads|review_band|from",
        "Thresholds",
    ),
    Field::new("entry.before|after.thresholds.*", "Thresholds"),
    Field::new(
        "entry.before|after.model|beside[]|generation|since_ms",
        "A candidate",
    ),
    Field::new(
        "entry.before|after.run.model|beside[]|generation|since_ms",
        "A candidate",
    ),
    Field::new(
        "entry.before|after.candidate.model|by|generation|since_ms",
        "A candidate",
    ),
    Field::new(
        "entry.before|after.candidate.thresholds.*",
        "A candidate's thresholds",
    ),
    Field::new(
        "entry.before|after.figures.**",
        "What a candidate would have done, counted",
    ),
    Field::new(
        "entry.before|after.changed.*",
        "Number of images whose label changed",
    ),
    Field::new("entry.before[]|after[].name|outcome", "A rule"),
    Field::new("entry.before[]|after[].when.**", "When a rule holds"),
    Field::new(
        "entry.before|after.seq|hash",
        "A link of the chain that did not fit",
    ),
];
