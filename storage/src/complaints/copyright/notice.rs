//! Notices of claimed infringement.

use serde::{Deserialize, Serialize};

use super::super::case::REPORTS_OPEN_MAX;
use super::super::filing::{Filed, Planned, Reach, ReportDraft};
use super::super::{Category, ComplaintError, Complaints, Receipt, Text, keys};
use super::flaw::{Check, Flaw, FlawKind};
use crate::ImageId;
use crate::audit;
use crate::staff::kept::{self, Kept};

/// Images that one notice can name.
pub const IMAGES_PER_NOTICE_MAX: usize = 10;

/// Reports of one image that are looked through for notices: all that can be open.
const REPORTS_READ_MAX: usize = REPORTS_OPEN_MAX as usize;

/// A notice as somebody filled it in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NoticeForm {
    /// Where the material is: (iii).
    pub images: Vec<ImageId>,
    /// Who complains.
    pub name: String,
    /// For whom; empty for themselves.
    pub owner: String,
    /// How they are reached, one of three at least: (iv).
    pub address: String,
    /// Telephone.
    pub phone: String,
    /// Mail.
    pub email: String,
    /// Which works: (ii).
    pub work: String,
    /// "I have a good faith belief that this use is not authorised": (v).
    pub good_faith: bool,
    /// "This is accurate, and under penalty of perjury I am authorised": (vi).
    pub accurate: bool,
    /// A name typed as a signature: (i).
    pub signature: String,
}

/// A notice that has what 17 U.S.C. 512(c)(3)(A) asks for. The longest one fits
/// into a value. Both statements were made, else there were none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The images whose reports are still kept.
    pub images: Vec<ImageId>,
    /// Who complains.
    pub name: Text<100>,
    /// For whom; empty for themselves.
    pub owner: Text<100>,
    /// Postal address.
    pub address: Text<200>,
    /// Telephone.
    pub phone: Text<40>,
    /// Mail.
    pub email: Text<100>,
    /// Which works.
    pub work: Text<500>,
    /// The typed signature.
    pub signature: Text<100>,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
}

impl NoticeForm {
    /// The notice, if nothing is missing.
    ///
    /// # Errors
    /// Everything that is.
    pub fn check(&self, now_ms: u64) -> Result<Notice, Vec<Flaw>> {
        let mut check = Check::default();
        let mut images = self.images.clone();
        images.sort_unstable();
        images.dedup();
        if images.is_empty() {
            check.flaw("images", FlawKind::Missing);
        } else if images.len() > IMAGES_PER_NOTICE_MAX {
            check.flaw("images", FlawKind::TooLong);
        }
        let notice = Notice {
            images,
            work: check.needed("work", &self.work),
            name: check.needed("name", &self.name),
            owner: check.text("owner", &self.owner),
            address: check.text("address", &self.address),
            phone: check.text("phone", &self.phone),
            email: check.email("email", &self.email),
            signature: check.needed("signature", &self.signature),
            at_ms: now_ms,
        };
        let contacts = [&self.address, &self.phone, &self.email];
        if contacts.iter().all(|contact| contact.trim().is_empty()) {
            check.flaw("contact", FlawKind::Missing);
        }
        check.stated("good_faith", self.good_faith);
        check.stated("accurate", self.accurate);
        check.done(notice)
    }
}

impl Complaints {
    /// Takes a notice: a report of each of its images, all in one commit.
    ///
    /// # Errors
    /// [`ComplaintError::UnknownImage`] when strangers may not know of one of
    /// them, and the store's.
    pub fn notice(
        &self,
        notice: &Notice,
        trust: f32,
        now_ms: u64,
    ) -> Result<Vec<(ImageId, Filed)>, ComplaintError> {
        let _turn = self.queue.turn();
        let store = &**self.queue.store();
        let names = Receipt::random()?;
        let drafts: Vec<ReportDraft> = notice.images.iter().map(draft).collect();
        let mut planned = Vec::with_capacity(drafts.len());
        for draft in &drafts {
            planned.push(Planned {
                draft,
                receipt: Receipt::random()?,
                notice: Some(names),
                views: store.views(&draft.image)?,
                trust,
                reach: Reach::Full,
            });
        }
        audit::commit(store, |changes| {
            kept::insert(changes, keys::notice(&names), notice);
            let filed = planned.iter().map(|planned| {
                let filed = self.plan_report(changes, planned, now_ms)?;
                Ok((planned.draft.image, filed))
            });
            filed.collect()
        })
    }

    /// The notices that the newest reports of an image came with, decided or not:
    /// who claims what. They go with their reports.
    ///
    /// # Errors
    /// The store's.
    pub fn notices_about(&self, image: &ImageId) -> Result<Vec<Notice>, ComplaintError> {
        let Some((case, reports)) = self.case(image, REPORTS_READ_MAX)? else {
            return Ok(Vec::new());
        };
        let mut notices = Vec::new();
        if case.n_notices == 0 {
            return Ok(notices);
        }
        for receipt in reports.iter().filter_map(|report| report.notice) {
            notices.extend(self.notice_of(&receipt)?);
        }
        Ok(notices)
    }

    /// The notice of a report.
    ///
    /// # Errors
    /// The store's.
    pub fn notice_of(&self, receipt: &Receipt) -> Result<Option<Notice>, ComplaintError> {
        let store = &**self.queue.store();
        let kept = Kept::<Notice>::read(store, keys::notice(receipt))?;
        Ok(kept.map(|kept| kept.value))
    }
}

fn draft(image: &ImageId) -> ReportDraft {
    ReportDraft {
        image: *image,
        category: Category::Copyright,
        text: Text::default(),
        contact: Text::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(images: Vec<ImageId>) -> NoticeForm {
        NoticeForm {
            images,
            name: "A. Claimant".to_owned(),
            email: "a@example.org".to_owned(),
            work: "The photograph \"Evening\"".to_owned(),
            good_faith: true,
            accurate: true,
            signature: "A. Claimant".to_owned(),
            ..NoticeForm::default()
        }
    }

    fn codes(form: &NoticeForm) -> Vec<String> {
        let flaws = form.check(7).unwrap_err();
        flaws.iter().map(Flaw::code).collect()
    }

    #[test]
    fn every_missing_field_is_named() {
        assert_eq!(
            codes(&NoticeForm::default()),
            [
                "images-missing",
                "work-missing",
                "name-missing",
                "signature-missing",
                "contact-missing",
                "good-faith-missing",
                "accurate-missing",
            ]
        );
        let whole = form(vec![ImageId::random().unwrap()]);
        assert_eq!(whole.check(7).unwrap().name.as_str(), "A. Claimant");
        let wrong = NoticeForm {
            email: "a@b@c".to_owned(),
            work: "x".repeat(501),
            images: (0..11).map(|_| ImageId::random().unwrap()).collect(),
            ..whole
        };
        assert_eq!(
            codes(&wrong),
            ["images-too-long", "work-too-long", "email-invalid"]
        );
    }

    #[test]
    fn the_longest_notice_fits_into_a_value() {
        let long = |n: usize| "\u{1F600}".repeat(n);
        let form = NoticeForm {
            images: (0..IMAGES_PER_NOTICE_MAX)
                .map(|_| ImageId::random().unwrap())
                .collect(),
            name: long(100),
            owner: long(100),
            address: long(200),
            phone: long(40),
            email: format!("a@{}", long(98)),
            work: long(500),
            good_faith: true,
            accurate: true,
            signature: long(100),
        };
        let notice = form.check(u64::MAX).unwrap();
        assert!(kept::encode(&notice).len() <= crate::VALUE_BYTES_MAX);
    }
}
