//! Logs, daily numbers, and what keeps abuse off.

use imgshare_storage::Space;
use imgshare_storage::retention::Job;

use super::super::{Content, End, Export, Field, Place, Receiver, Row, Subject};

/// The fields of a line of the request log.
pub(in super::super) const REQUEST: &[Field] = &[
    Field::new("at", "Time of the request"),
    Field::new("method", "Method, such as GET"),
    Field::new(
        "path",
        "Route, with placeholders for ids and receipts, without the query",
    ),
    Field::new("status", "Status of the answer"),
    Field::new("ms", "Time until the answer"),
    Field::new("bytes", "Size of the answer"),
    Field::new("agent", "User agent, cut to 256 bytes"),
    Field::new("referrer", "Page the visitor came from, without its query"),
    Field::new(
        "address",
        "Network address without its end: IPv4 /24, IPv6 /48",
    ),
];

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "request-log",
        place: Place::File("log/*.jsonl"),
        what: "A line for each request, by day",
        content: Content::JsonLines,
        fields: REQUEST,
        subject: Subject::Requests,
        purpose: "To keep the service healthy, to notice abuse, and to count; never to build a \
                  profile of a person",
        until: "90 days",
        ended_by: End::Job(Job::RequestLogs),
        seen_by: &[Receiver::Operator],
        exports: &[],
    },
    Row {
        id: "service-log",
        place: Place::ServiceLog,
        what: "What the service did and what went wrong, with ids of images, without addresses, \
               file names and tokens",
        content: Content::Text,
        fields: super::super::service_log::FIELDS,
        subject: Subject::Operation,
        purpose: "To find out what went wrong",
        until: "As the operator's log keeper is set; the service keeps no copy",
        ended_by: End::Nothing,
        seen_by: &[Receiver::Operator],
        exports: &[],
    },
    Row {
        id: "daily-numbers",
        place: Place::SpaceEntry(Space::Aggregates, ""),
        what: "What was counted on a day: pages, images, sites that visitors came from, statuses; \
               with consent also countries and the length of visits",
        content: Content::Json,
        fields: &[
            Field::new("counts.*", "Number by page, image, site, status or country"),
            Field::new("others", "Number of all that is too rare to be told"),
            Field::new(
                "is_closed",
                "Whether the day is over and rare things are taken out",
            ),
        ],
        subject: Subject::Numbers,
        purpose: "To improve the service, from numbers alone",
        until: "2 years, or what statistics.days says; ids of images 30 days, and no longer than \
                the image is public",
        ended_by: End::Job(Job::Statistics),
        seen_by: &[Receiver::Staff],
        exports: &[Export::Statistics, Export::Backup],
    },
    Row {
        id: "network-block",
        place: Place::SpaceEntry(Space::Blocks, ""),
        what: "A network that may not upload or look at images",
        content: Content::Json,
        fields: &[
            Field::new("network", "The network"),
            Field::new("reason", "Why, in the words of whoever blocked it"),
            Field::new("by", "Pseudonym of whoever blocked it"),
            Field::new("since_ms", "Since when"),
            Field::new("until_ms", "Until when"),
        ],
        subject: Subject::Abuse,
        purpose: "To keep abuse off",
        until: "Its date, 90 days at most",
        ended_by: End::Job(Job::Blocks),
        seen_by: &[Receiver::Staff],
        exports: &[Export::Backup],
    },
    Row {
        id: "whole-address",
        place: Place::Memory("the address of a connection"),
        what: "The visitor's whole network address",
        content: Content::Text,
        fields: &[],
        subject: Subject::Abuse,
        purpose: "To answer the request, and to see whether its network is blocked",
        until: "As long as the connection",
        ended_by: End::Memory,
        seen_by: &[],
        exports: &[],
    },
    Row {
        id: "limits",
        place: Place::Memory("limits"),
        what: "How much a client or a network has asked for lately, under a hash with a key that \
               changes every day and is written nowhere",
        content: Content::Text,
        fields: &[],
        subject: Subject::Abuse,
        purpose: "To limit abuse",
        until: "A day at most",
        ended_by: End::Memory,
        seen_by: &[],
        exports: &[],
    },
    Row {
        id: "alerts",
        place: Place::Memory("alerts"),
        what: "That unusual traffic was noticed, with the network it came from",
        content: Content::Text,
        fields: &[],
        subject: Subject::Abuse,
        purpose: "To let staff act on it",
        until: "7 days at most",
        ended_by: End::Memory,
        seen_by: &[Receiver::Staff],
        exports: &[],
    },
];
