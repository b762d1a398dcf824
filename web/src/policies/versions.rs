//! Every version of every document with its dates: one table.

use imgshare_storage::calendar::{self, MS_A_DAY};

use super::Document;
use crate::pages::policies as sheets;
use crate::pages::policies::Sheet;

/// How long the upload page tells of a change to whoever has not dismissed it.
const NOTICE_DAYS: u64 = 365;

/// One version of a document.
#[derive(Clone, Copy)]
pub struct Version {
    /// Of which.
    pub document: Document,
    /// Counted from 1.
    pub number: u32,
    /// From when it applies, as YYYY-MM-DD.
    pub effective: &'static str,
    /// When it was last compared with what the program does.
    pub reviewed: &'static str,
    /// What is different, where visitors have to be told.
    pub change: Option<&'static str>,
    /// Writes it.
    pub(crate) show: fn(&Sheet<'_>) -> String,
}

/// The versions; those of one document from the oldest to the newest.
#[derive(Clone, Copy)]
pub struct Table(pub &'static [Version]);

impl Table {
    /// What this program publishes.
    pub const PUBLISHED: Self = Self(&PUBLISHED);

    /// The versions of a document, the newest first.
    pub fn of(self, document: Document) -> impl Iterator<Item = &'static Version> {
        let versions = self.0.iter().rev();
        versions.filter(move |version| version.document == document)
    }

    /// A version of a document by its number.
    #[must_use]
    pub fn find(self, document: Document, number: u32) -> Option<&'static Version> {
        self.of(document).find(|version| version.number == number)
    }

    /// The version in force on a day: the newest that has begun, or the first.
    ///
    /// # Panics
    /// When the table has none of the document, which a test rules out.
    #[must_use]
    pub fn in_force(self, document: Document, today: &str) -> &'static Version {
        let begun = self.of(document).find(|version| version.effective <= today);
        begun
            .or_else(|| self.of(document).last())
            .expect("the table has a version of every document")
    }

    /// What a visitor has to be told who has last seen the changes up to a day:
    /// changes of the documents, and of who runs the site (`operator_since`, or
    /// empty).
    #[must_use]
    pub fn notice(self, operator_since: &str, seen: Option<&str>, now_ms: u64) -> Option<Notice> {
        let since = calendar::date(now_ms.saturating_sub(NOTICE_DAYS * MS_A_DAY));
        let seen = seen.unwrap_or_default();
        let is_news = |day: &str| day > seen && *day >= *since;
        let changed = self.0.iter().filter_map(|version| {
            let item = NoticeItem {
                title: version.document.title(),
                path: format!("{}/{}", version.document.path(), version.number),
                effective: version.effective.to_owned(),
                change: version.change?,
            };
            is_news(version.effective).then_some(item)
        });
        let operator = is_news(operator_since).then(|| NoticeItem {
            title: Document::Processors.title(),
            path: Document::Processors.path().to_owned(),
            effective: operator_since.to_owned(),
            change: "who runs this site or handles data for it has changed",
        });
        let mut items: Vec<NoticeItem> = changed.chain(operator).collect();
        items.sort_by(|left, right| right.effective.cmp(&left.effective));
        let day = items.first()?.effective.clone();
        Some(Notice { day, items })
    }
}

/// Changes that a visitor has not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The last day among them: what dismissing it remembers.
    pub day: String,
    /// The newest first.
    pub items: Vec<NoticeItem>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeItem {
    /// Of which document.
    pub title: &'static str,
    /// Where it is.
    pub path: String,
    /// From when on, as YYYY-MM-DD.
    pub effective: String,
    /// What is different.
    pub change: &'static str,
}

const fn first(document: Document, show: fn(&Sheet<'_>) -> String) -> Version {
    Version {
        document,
        number: 1,
        effective: "2026-11-26",
        reviewed: "2026-11-26",
        change: None,
        show,
    }
}

/// The first version of a document changes nothing, whatever it says.
const PUBLISHED: [Version; 8] = [
    first(Document::Privacy, sheets::privacy_1),
    first(Document::Terms, sheets::terms_1),
    first(Document::Content, sheets::content_1),
    first(Document::Copyright, sheets::copyright_1),
    first(Document::Cookies, sheets::cookies_1),
    first(Document::Processors, sheets::processors_1),
    first(Document::Contact, sheets::contact_1),
    first(Document::Transparency, sheets::transparency_1),
];

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = MS_A_DAY;

    fn later(effective: &'static str, change: Option<&'static str>) -> Version {
        Version {
            number: 2,
            effective,
            reviewed: effective,
            change,
            ..first(Document::Privacy, sheets::privacy_1)
        }
    }

    fn table(version: Version) -> Table {
        let mut versions = PUBLISHED.to_vec();
        versions.push(version);
        Table(versions.leak())
    }

    #[test]
    fn p24_the_table_has_every_document_with_rising_numbers_and_dates() {
        for document in Document::ALL {
            let versions: Vec<_> = Table::PUBLISHED.of(document).collect();
            assert!(!versions.is_empty(), "{document:?}");
            for (newer, older) in versions.iter().zip(&versions[1..]) {
                assert_eq!(newer.number, older.number + 1, "{document:?}");
                assert!(newer.effective > older.effective, "{document:?}");
            }
            for version in versions {
                assert!(super::super::is_day(version.effective));
                assert!(super::super::is_day(version.reviewed));
            }
        }
    }

    #[test]
    fn p24_a_version_begins_on_its_day() {
        let table = table(later("2027-03-01", Some("logs end sooner")));
        let number = |today| table.in_force(Document::Privacy, today).number;
        assert_eq!(number("2020-01-01"), 1, "there is always one in force");
        assert_eq!(number("2027-02-28"), 1);
        assert_eq!(number("2027-03-01"), 2);
        assert_eq!(table.in_force(Document::Terms, "2027-03-01").number, 1);
    }

    #[test]
    fn p24_a_material_change_is_told_until_it_is_dismissed() {
        let now_ms = calendar::start_of("2027-02-01").unwrap();
        let published = Table::PUBLISHED;
        assert_eq!(published.notice("", None, now_ms), None);
        assert_eq!(
            table(later("2027-03-01", None)).notice("", None, now_ms),
            None
        );
        let table = table(later("2027-03-01", Some("logs end sooner")));
        let notice = table
            .notice("", None, now_ms)
            .expect("it is told beforehand");
        assert_eq!((notice.day.as_str(), notice.items.len()), ("2027-03-01", 1));
        assert_eq!(notice.items[0].path, "/privacy/2");
        assert!(table.notice("", Some("2027-02-28"), now_ms).is_some());
        assert_eq!(table.notice("", Some("2027-03-01"), now_ms), None);
        assert_eq!(table.notice("", None, now_ms + 2 * 365 * DAY), None);
    }

    #[test]
    fn p24_another_operator_is_told_of_as_well() {
        let now_ms = calendar::start_of("2027-02-01").unwrap();
        let notice = Table::PUBLISHED.notice("2027-01-20", None, now_ms);
        assert_eq!(notice.expect("it is told").items[0].path, "/processors");
        let seen = Some("2027-01-20");
        assert_eq!(Table::PUBLISHED.notice("2027-01-20", seen, now_ms), None);
    }
}
