//! Images and their records.

use imgshare_storage::Space;
use imgshare_storage::retention::Job;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

const OF_IMAGES: Row = Row {
    id: "",
    place: Place::Entry(""),
    what: "",
    content: Content::Nothing,
    fields: &[],
    subject: Subject::Images,
    purpose: "To find the image",
    until: "As long as the image",
    ended_by: End::WithImage,
    seen_by: &[],
    exports: &[Export::Backup],
};

/// The fields of a record, which lies in the database and beside the image.
pub(super) const RECORD: &[Field] = &[
    Field::new("id", "The image's id, which is its link"),
    Field::new("revision", "How often the record was changed"),
    Field::new(
        "filename",
        "The name the file came with, or what its owner made of it",
    ),
    Field::new("mime", "Type of the stored file, from our own look at it"),
    Field::new("extension", "Ending of the stored file"),
    Field::new("bytes", "Size of the stored file"),
    Field::new("width", "Width of the upright picture"),
    Field::new("height", "Height of the upright picture"),
    Field::new("frames", "Number of frames"),
    Field::new("sha256", "Hash of the stored file"),
    Field::new("pdq.hash", "Perceptual hash of the picture"),
    Field::new("pdq.quality", "How much the perceptual hash says"),
    Field::new(
        "pdq.turned.mirrored",
        "The same hash of the picture mirrored",
    ),
    Field::new("pdq.turned.flipped", "The same hash of the picture flipped"),
    Field::new(
        "pdq.turned.half_turned",
        "The same hash of the picture turned by 180 degrees",
    ),
    Field::new("uploaded_at_ms", "Time of the upload"),
    Field::new("state", "Whether it is shown, waits, is blocked or removed"),
    Field::new("legal_hold", "Whether it is kept as evidence of abuse"),
    Field::new("court_hold", "Whether an order keeps it"),
    Field::new(
        "ads_objection",
        "Whether its owner objected to advertising beside it",
    ),
    Field::new("classification.model", "Which model classified it"),
    Field::new(
        "classification.preprocessing",
        "How the picture was prepared for the model",
    ),
    Field::new(
        "classification.probabilities[]",
        "Probabilities of the five classes",
    ),
    Field::new(
        "classification.thresholds[]",
        "Thresholds that were in force",
    ),
    Field::new("classification.label", "Safe or nsfw, by the scores"),
    Field::new(
        "classification.confidence",
        "Probability on the label's side",
    ),
    Field::new(
        "classification.classified_at_ms",
        "Time of the classification",
    ),
    Field::new("ruling.label", "Label that staff or a rule set"),
    Field::new("ruling.by", "Whether staff or a rule set it"),
    Field::new("ruling.at_ms", "When"),
    Field::new("scan_attempts", "How often classification was tried"),
    Field::new(
        "delete_token",
        "SHA-256 of the private link's token, never the token",
    ),
];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "record",
        place: Place::Entry("r"),
        what: "The record of an image; whoever has the link sees size, type, time of upload, label \
               and scores, and not the file name; the uploader sees all of it but whether \
               something keeps it",
        content: Content::Json,
        fields: RECORD,
        purpose: "To serve the image with its type, name and warning, and to let its owner delete \
                  it",
        seen_by: &[
            Receiver::Public,
            Receiver::Uploader,
            Receiver::Staff,
            Receiver::Authority,
        ],
        exports: &[Export::Uploader, Export::Authority, Export::Backup],
        ..OF_IMAGES
    },
    Row {
        id: "record-beside",
        place: Place::File("blobs/*/*/*/record"),
        what: "The same record once more, beside the image, so that the database can be rebuilt",
        content: Content::Json,
        fields: RECORD,
        purpose: "To survive the loss of the database",
        exports: &[],
        ..OF_IMAGES
    },
    Row {
        id: "original",
        place: Place::File("blobs/*/*/*/original.*"),
        what: "The image itself, after everything but the picture was taken out of the file",
        content: Content::Bytes,
        purpose: "To show the image",
        seen_by: &[
            Receiver::Public,
            Receiver::Uploader,
            Receiver::Staff,
            Receiver::Authority,
        ],
        exports: &[Export::Uploader, Export::Authority, Export::Backup],
        ..OF_IMAGES
    },
    Row {
        id: "upload-mark",
        place: Place::File("blobs/*/*/*/intent"),
        what: "That an upload was begun and its record is not written yet",
        purpose: "To leave the whole image or nothing after a crash",
        until: "Until the record is written, or the next start",
        ended_by: End::Replaced,
        exports: &[],
        ..OF_IMAGES
    },
    Row {
        id: "variant",
        place: Place::File("variants/*/*.*.*.*"),
        what: "A smaller picture of an image: thumbnail, small, medium, social card",
        content: Content::Bytes,
        purpose: "To show the image at a size that fits",
        until: "As long as the image, or until room is needed for others",
        seen_by: &[Receiver::Public],
        exports: &[],
        ..OF_IMAGES
    },
    Row {
        id: "views",
        place: Place::Entry("v"),
        what: "How often an image was viewed, and on which day last",
        content: Content::Bytes,
        fields: &[
            Field::new("total", "Number of views"),
            Field::new("last_day", "Day of the last view"),
        ],
        purpose: "To know which images nobody looks at any more",
        seen_by: &[Receiver::Public, Receiver::Uploader, Receiver::Staff],
        exports: &[Export::Uploader, Export::Backup],
        ..OF_IMAGES
    },
    Row {
        id: "index-by-hash",
        place: Place::Entry("h"),
        what: "Images in the order of their hashes",
        purpose: "To keep equal files once, and to find copies of what was removed",
        ..OF_IMAGES
    },
    Row {
        id: "index-by-likeness",
        place: Place::Entry("l"),
        what: "Images in the order of their perceptual hashes",
        purpose: "To find copies of what was removed",
        ..OF_IMAGES
    },
    Row {
        id: "index-by-state",
        place: Place::Entry("s"),
        what: "Images in the order of their state and time of upload",
        purpose: "To find what waits to be classified, moderated or removed",
        ..OF_IMAGES
    },
    Row {
        id: "index-by-last-use",
        place: Place::Entry("i"),
        what: "Images in the order of the day of their last view",
        purpose: "To find images that nobody looks at any more",
        ..OF_IMAGES
    },
    Row {
        id: "idle-warning",
        place: Place::SpaceEntry(Space::Retention, "w"),
        what: "That an image is to be removed because nobody looks at it",
        content: Content::Json,
        fields: &[
            Field::new("since_day", "Day since when nobody looked at it"),
            Field::new("remove_day", "Day on which it is removed"),
        ],
        purpose: "To warn its owner at the private link",
        until: "Until somebody looks at it, or it is removed",
        ended_by: End::Job(Job::IdleRemovals),
        seen_by: &[Receiver::Uploader],
        ..OF_IMAGES
    },
    Row {
        id: "idle-warnings-by-day",
        place: Place::SpaceEntry(Space::Retention, "d"),
        what: "The same in the order of the day of removal",
        purpose: "To find what is due",
        until: "Until somebody looks at it, or it is removed",
        ended_by: End::Job(Job::IdleRemovals),
        ..OF_IMAGES
    },
    Row {
        id: "tombstone",
        place: Place::File("erased/*"),
        what: "A line for each image that was deleted, removed or restored on that day",
        content: Content::Text,
        fields: &[
            Field::new(
                "hash",
                "Hash of the id, which tells nothing without the link",
            ),
            Field::new("at_ms", "When"),
            Field::new(
                "fate",
                "Whether it is gone, out of sight, removed under which policy, or shown again",
            ),
        ],
        subject: Subject::Deletions,
        purpose: "So that no backup brings a deleted image back",
        until: "120 days: longer than any backup",
        ended_by: End::Job(Job::Tombstones),
        exports: &[Export::Backup],
        ..OF_IMAGES
    },
    Row {
        id: "erasure-pending",
        place: Place::SpaceEntry(Space::Retention, "p"),
        what: "Since when something deleted may still be readable in the database's files",
        content: Content::Json,
        fields: &[
            Field::new("since_ms", "Since when"),
            Field::new("nonce", "A number that tells two deletions apart"),
        ],
        subject: Subject::Deletions,
        purpose: "To write the database anew in time",
        until: "Until the database is written anew",
        ended_by: End::Job(Job::Rewrite),
        ..OF_IMAGES
    },
    Row {
        id: "unpublished",
        place: Place::SpaceEntry(Space::Retention, "u"),
        what: "That a content delivery network is to purge its copies of an image",
        content: Content::Json,
        fields: &[
            Field::new("extension", "Ending of the image's addresses"),
            Field::new("revision", "Revision of the record that was public"),
            Field::new("noted_ms", "Since when it is being purged"),
            Field::new(
                "purged_ms",
                "When every network had purged for the first time",
            ),
            Field::new(
                "purged_by.*.first_ms",
                "When one network, by a hash of its settings, had purged for the first time",
            ),
            Field::new(
                "purged_by.*.is_over",
                "Whether that network is not asked again",
            ),
        ],
        subject: Subject::Deletions,
        purpose: "So that copies go with the image",
        until: "Until the network has purged them",
        ended_by: End::Expiry,
        ..OF_IMAGES
    },
    Row {
        id: "purge-due",
        place: Place::SpaceEntry(Space::Purges, ""),
        what: "When an image that moderation removed is to be erased",
        subject: Subject::Deletions,
        purpose: "To erase it in time",
        until: "Until it is erased or restored",
        ended_by: End::Job(Job::ModeratedRemovals),
        ..OF_IMAGES
    },
];
