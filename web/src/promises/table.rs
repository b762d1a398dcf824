//! The promises, one by one.

use imgshare_storage::retention::Job;

use super::{Keeper, Promise, judge};
use Keeper::{Code, Page, Task, Type};

/// Every promise.
pub const PROMISES: [Promise; 30] = [
    Promise {
        number: "P1",
        words: "Of an upload we keep the image, its file name, size, type and time of upload, \
                and nothing else about the file",
        kept_by: &[
            Type("Record, with exactly the fields of the data map"),
            Code("imgshare data-map check, over every data folder that the tests fill"),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P2",
        words: "Before anything is stored, location, camera, lens, capture time, orientation, \
                embedded thumbnails and all other metadata are removed, and kept nowhere",
        kept_by: &[
            Type("Scrubbed: the store takes no bytes that were not rebuilt and looked at again"),
            Code("the scrubber of each format; imgshare verify shows it for any file"),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P3",
        words: "Every upload is classified; label and confidence are stored with it and used for \
                policy, warnings and advertising rules only. No face recognition, no biometrics",
        kept_by: &[
            Code("the pipeline: nothing is public before it has been classified"),
            Task("the scan of what waits, at the start and while the service runs"),
        ],
        judged: judge::classification,
    },
    Promise {
        number: "P4",
        words: "The request log holds address without its end, user agent, referring page, page, \
                status and time, and is never used for a profile of a person",
        kept_by: &[
            Type("AnonymizedIp, which cannot be built from less than a cut address"),
            Type("Line, which has no field for a query, a file name or a token"),
        ],
        judged: judge::request_log,
    },
    Promise {
        number: "P5",
        words: "Essential cookies alone, unless the visitor allows more",
        kept_by: &[
            Code("consent, kept in the visitor's browser and asked before anything else is set"),
            Page("/cookies"),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P6",
        words: "Images are served at short links, from cacheable addresses, with a viewer page",
        kept_by: &[Page("/ID and /i/ID.EXT")],
        judged: judge::by_construction,
    },
    Promise {
        number: "P7",
        words: "Automatic detection, abuse reports, copyright takedown, and the removal of what \
                is prohibited",
        kept_by: &[
            Code("the queue, the rules, and the list of hashes that must not come back"),
            Page("/report/ID, /copyright/notice and the moderators' desk"),
        ],
        judged: judge::reports_decided,
    },
    Promise {
        number: "P8",
        words: "Uploads are limited, spam patterns noticed, addresses blocked, and lawful \
                requests answered",
        kept_by: &[
            Code("limits by address and network, in memory under a key that changes every day"),
            Page("/staff/blocks and /staff/holds"),
            Keeper::Job(Job::Blocks),
        ],
        judged: judge::abuse_prevention,
    },
    Promise {
        number: "P9",
        words: "The service is improved from aggregates only",
        kept_by: &[
            Type("DayCounts, which holds numbers by name and no trace of anybody"),
            Page("/staff/statistics"),
            Keeper::Job(Job::Statistics),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P10",
        words: "Advertising pays for the service; never beside what is not safe for work; opting \
                out works",
        kept_by: &[Code(
            "one function that every clause must allow, and a content security policy that \
                  admits the network on those answers alone",
        )],
        judged: judge::advertising,
    },
    Promise {
        number: "P11",
        words: "Data is kept or handed over where a valid legal order demands it, and only then",
        kept_by: &[
            Type("Hold, with a reference and an end"),
            Code("every purge asks for holds in the commit that erases"),
            Page("/staff/holds and /transparency"),
            Keeper::Job(Job::LegalHolds),
        ],
        judged: judge::holds,
    },
    Promise {
        number: "P12",
        words: "Personal data is not sold; the list of processors is public",
        kept_by: &[Page("/processors")],
        judged: judge::nothing_sold,
    },
    Promise {
        number: "P13a",
        words: "An image stays while it is viewed; without a view for 180 days in a row it may be \
                removed",
        kept_by: &[
            Keeper::Job(Job::IdleWarnings),
            Keeper::Job(Job::IdleRemovals),
            Keeper::Job(Job::Imports),
        ],
        judged: judge::idle_images,
    },
    Promise {
        number: "P13b",
        words: "The request log is purged after 90 days",
        kept_by: &[Keeper::Job(Job::RequestLogs)],
        judged: judge::log_age,
    },
    Promise {
        number: "P13c",
        words: "Classification results live exactly as long as the image",
        kept_by: &[
            Type("Record: the scores are a part of it, and go in its commit"),
            Keeper::Job(Job::Leftovers),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P13d",
        words: "Reports are kept for one year after they are resolved",
        kept_by: &[Keeper::Job(Job::Reports)],
        judged: judge::reports_ended,
    },
    Promise {
        number: "P13e",
        words: "Deleted images leave active servers within 30 days and backups within 90",
        kept_by: &[
            Keeper::Job(Job::ModeratedRemovals),
            Keeper::Job(Job::Erasures),
            Keeper::Job(Job::OldDatabases),
            Keeper::Job(Job::Rewrite),
            Keeper::Job(Job::Tombstones),
            Keeper::Job(Job::Backups),
        ],
        judged: judge::deletions,
    },
    Promise {
        number: "P14",
        words: "TLS 1.2 or higher",
        kept_by: &[Code(
            "rustls, with nothing older built in, and Strict-Transport-Security",
        )],
        judged: judge::encryption,
    },
    Promise {
        number: "P15",
        words: "Image files survive the loss of a machine",
        kept_by: &[
            Task("backups, sealed, to a folder of the operator's"),
            Code("imgshare restore and imgshare repair, which name what cannot be brought back"),
        ],
        judged: judge::backups,
    },
    Promise {
        number: "P16",
        words: "Access to the database with least privilege",
        kept_by: &[
            Code("a data folder that its own user alone can enter, and a lock"),
            Type("Store, the one door to records and images"),
        ],
        judged: judge::closed_to_others,
    },
    Promise {
        number: "P17",
        words: "Administrative access needs a second factor",
        kept_by: &[
            Type("Caller, which only a session with a second factor becomes"),
            Code("the guard before every route of the staff"),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P18",
        words: "Ids are random and cannot be enumerated",
        kept_by: &[
            Type("ImageId, of 70 random bits"),
            Code("equal answers to unknown, deleted and hidden"),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P19",
        words: "Unusual traffic is noticed",
        kept_by: &[
            Code("patterns that slow a client down"),
            Page("/staff, with alerts"),
        ],
        judged: judge::patterns,
    },
    Promise {
        number: "P20",
        words: "Access, deletion, correction, objection and portability, answered within 30 days",
        kept_by: &[
            Page("/m/ID, for an upload, without an account"),
            Page("/staff/requests, with a clock, for what comes by mail"),
        ],
        judged: judge::requests,
    },
    Promise {
        number: "P21",
        words: "Copies of a content delivery network are purged when an image is removed",
        kept_by: &[Task("purges at the network, kept until they succeed")],
        judged: judge::network_copies,
    },
    Promise {
        number: "P22",
        words: "Not for children under 13; such data is deleted promptly when it is reported",
        kept_by: &[
            Code("reports of that category have a clock of their own"),
            Page("/report/ID"),
        ],
        judged: judge::children,
    },
    Promise {
        number: "P23",
        words: "Third parties are named, each with its own policy",
        kept_by: &[Page("/processors")],
        judged: judge::third_parties,
    },
    Promise {
        number: "P24",
        words: "A changed policy shows its date, and the home page tells of a material change",
        kept_by: &[
            Type("Table, with every version of every document"),
            Page("/privacy and its versions"),
        ],
        judged: judge::by_construction,
    },
    Promise {
        number: "P25",
        words: "A privacy contact, answered within 30 days",
        kept_by: &[
            Page("/contact"),
            Page("/staff/requests, with a clock"),
            Keeper::Job(Job::PrivacyRequests),
        ],
        judged: judge::contact,
    },
    Promise {
        number: "P26",
        words: "Terms, content policy, copyright policy and cookie policy are linked from every \
                page",
        kept_by: &[Page("the footer of every page")],
        judged: judge::by_construction,
    },
];
