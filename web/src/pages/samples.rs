//! A site and an image for the tests of the pages.

use super::complaints::{ClaimView, CounterView, NoticeView, OwnerView};
use super::policies::{Facts, LawfulYear, Listed, Sheet};
use super::{ImageView, OwnerLinks, Site, Theme};
use crate::complaints::{ReportStatus, Statement};
use crate::config::Operator;
use crate::consent::{Consent, Purposes};
use crate::policies::{Notice, NoticeItem, Version};

pub(super) fn site() -> Site {
    Site {
        name: "ImgShare".to_owned(),
        base_url: "https://img.example".to_owned(),
        theme: Theme::System,
        upload_bytes_max: 40_000_000,
        formats: "JPEG, PNG, WebP, GIF, AVIF",
        files_per_batch_max: 20,
        contact: Some("privacy@img.example".to_owned()),
        is_counted: true,
        asks: None,
    }
}

pub(super) fn image() -> ImageView {
    ImageView {
        id: "3kTMd8vXqz2P".to_owned(),
        url: "https://img.example/3kTMd8vXqz2P".to_owned(),
        direct_url: "https://img.example/i/3kTMd8vXqz2P.jpg".to_owned(),
        thumbnail_url: "https://img.example/i/3kTMd8vXqz2P/thumb.jpg".to_owned(),
        card_url: Some("https://img.example/i/3kTMd8vXqz2P/social.jpg".to_owned()),
        renditions: vec![
            ("/i/3kTMd8vXqz2P/small.jpg".to_owned(), 512),
            ("/i/3kTMd8vXqz2P/medium.jpg".to_owned(), 1_280),
        ],
        filename: "evening at the lake.jpg".to_owned(),
        mime: "image/jpeg".to_owned(),
        bytes: 2_190_194,
        width: 4_000,
        height: 3_000,
        state: "public".to_owned(),
        label: Some("safe".to_owned()),
        label_set_by: None,
        confidence: Some(0.994),
        scores: Some([
            ("drawing", 0.004),
            ("hentai", 0.001),
            ("neutral", 0.99),
            ("porn", 0.002),
            ("sexy", 0.003),
        ]),
        uploaded_at_iso: "2025-01-05T12:34:56Z".to_owned(),
        views: 1_234,
        ending: None,
    }
}

pub(super) fn nsfw_image() -> ImageView {
    ImageView {
        label: Some("nsfw".to_owned()),
        confidence: Some(0.87),
        card_url: Some("https://img.example/i/3kTMd8vXqz2P/social-blurred.jpg".to_owned()),
        ..image()
    }
}

pub(super) fn owner() -> OwnerLinks {
    let delete_token = "9bZkp7q19f0aC3dE5fG7hJ9kL2mN".to_owned();
    OwnerLinks {
        delete_url: format!("https://img.example/d/3kTMd8vXqz2P#{delete_token}"),
        delete_token,
    }
}

pub(super) fn report_status() -> ReportStatus {
    ReportStatus {
        state: "decided".to_owned(),
        decision: Some("removed".to_owned()),
        decided_at: Some("2025-01-05T12:34:56Z".to_owned()),
        now: None,
    }
}

/// A statement whose free words are these.
pub(super) fn statement(words: &str) -> Statement {
    Statement {
        restriction: "removed".to_owned(),
        policy: Some("copyright".to_owned()),
        reason: words.to_owned(),
        has_reference: true,
        found_by: "report".to_owned(),
        automated: false,
        decided_at: "2025-01-05T12:34:56Z".to_owned(),
        objection: words.to_owned(),
    }
}

pub(super) fn owner_view(words: &str) -> OwnerView<'_> {
    OwnerView {
        id: words,
        token: words,
        state: "blocked",
        filename: words,
        ads_objection: false,
        held: vec![("filename".to_owned(), words.to_owned())],
        policy_words: Some("it was claimed to infringe a copyright"),
        statement: Some(statement(words)),
        claims: vec![claim(words)],
        appeal: None,
        can_counter: true,
        restore: Some(("2026-12-09".to_owned(), words.to_owned())),
        ending: Some(words.to_owned()),
    }
}

/// A claim of which a stranger has written every word.
pub(super) fn claim(words: &str) -> ClaimView {
    ClaimView {
        name: words.to_owned(),
        owner: words.to_owned(),
        work: words.to_owned(),
        on: "2025-01-05".to_owned(),
    }
}

pub(super) fn notice(words: &str) -> NoticeView<'_> {
    NoticeView {
        images: words,
        name: words,
        owner: words,
        address: words,
        phone: words,
        email: words,
        work: words,
        signature: words,
        good_faith: true,
        accurate: false,
    }
}

pub(super) fn counter(words: &str) -> CounterView<'_> {
    CounterView {
        claims: &[],
        id: words,
        token: words,
        name: words,
        address: words,
        phone: words,
        email: words,
        text: words,
        signature: words,
        mistake: false,
        jurisdiction: true,
    }
}

pub(super) fn notice_of_change() -> Notice {
    Notice {
        day: "2027-03-01".to_owned(),
        items: vec![NoticeItem {
            title: "Privacy policy",
            path: "/privacy/2".to_owned(),
            effective: "2027-03-01".to_owned(),
            change: "logs end sooner",
        }],
    }
}

pub(super) fn operator(words: &str) -> Operator {
    Operator {
        name: words.to_owned(),
        address: words.to_owned(),
        country: words.to_owned(),
        privacy_contact: words.to_owned(),
        abuse_contact: words.to_owned(),
        copyright_agent: words.to_owned(),
        ..Operator::default()
    }
}

/// An old version, with everything that it may say.
pub(super) fn sheet<'a>(site: &'a Site, version: &Version, operator: &'a Operator) -> Sheet<'a> {
    let offered = Purposes {
        analytics: true,
        advertising: false,
    };
    let listed = |number, change| Listed {
        number,
        effective: "2027-03-01",
        change,
    };
    Sheet {
        site,
        document: version.document,
        version: version.number,
        in_force: version.number,
        effective: version.effective,
        reviewed: version.reviewed,
        versions: vec![listed(2, Some("logs end sooner")), listed(1, None)],
        facts: Facts {
            operator,
            consent: Consent {
                given: offered,
                offered,
                is_chosen: true,
                has_gpc: false,
            },
            offered,
            is_behind_tls: true,
            consent_platform: "https://consent.example/platform.js",
            counts: Some(vec![LawfulYear {
                year: 2027,
                n_held: 2,
                n_ended: 1,
                n_exported: 1,
            }]),
        },
    }
}
