//! Complaints over the wire, and the words for them.

use imgshare_storage::complaints as kept;
use imgshare_storage::complaints::{
    Category, CounterForm, CounterNotice, Flaw, FlawKind, NoticeForm, Progress, Receipt, Since,
};
use imgshare_storage::moderation::Policy;
use imgshare_storage::{ImageId, calendar};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::clock;

/// A field as it is, and what is `null` as if it were not there.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A report of one image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct ReportRequest {
    /// `wrongly-labelled`, `illegal`, `child-abuse`, `intimate-image`,
    /// `copyright`, `privacy`, `under-age`, `spam` or `other`.
    #[schema(example = "privacy")]
    #[serde(deserialize_with = "or_default")]
    pub category: String,
    /// What is wrong, at most 1,000 characters.
    #[serde(deserialize_with = "or_default")]
    pub text: String,
    /// How to reach you, at most 200 characters; you need not say.
    #[serde(deserialize_with = "or_default")]
    pub contact: String,
}

/// What a report was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct ReportReceipt {
    /// Names the report: keep it.
    #[schema(example = "7Yx2fGq9LmTb4RwN")]
    pub receipt: String,
    /// The reported image.
    pub image: String,
    /// Where its progress is shown.
    pub status_url: String,
}

/// How a report stands. It tells nothing of what was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportStatus {
    /// `received`, `looked-at` or `decided`.
    pub state: String,
    /// Once decided: `removed`, `warned`, `kept`, or `gone` when its owner
    /// deleted it first.
    pub decision: Option<String>,
    /// When it was decided, RFC 3339.
    pub decided_at: Option<String>,
    /// Where that was changed since, what is so now: `restored` or `removed`; null
    /// where the decision stands.
    pub now: Option<String>,
}

/// Why an image is restricted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Statement {
    /// `removed`, `hidden` or `warning`.
    pub restriction: String,
    /// The policy it is against; null where only a score or a report speaks.
    #[schema(example = "privacy")]
    pub policy: Option<String>,
    /// What whoever decided says about it; may be empty.
    pub reason: String,
    /// For an order of a court or an authority: whether its reference is on record
    /// here. The reference itself is for staff.
    pub has_reference: bool,
    /// How it was found: `report`, `automation` or `staff`.
    pub found_by: String,
    /// Whether no person decided.
    pub automated: bool,
    /// When, RFC 3339.
    pub decided_at: String,
    /// How to object.
    pub objection: String,
}

/// A copyright notice, 17 U.S.C. 512(c)(3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct NoticeRequest {
    /// Ids or links of the images, one to ten.
    #[serde(deserialize_with = "or_default")]
    pub images: Vec<String>,
    /// Who complains.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// On whose behalf; empty for your own.
    #[serde(deserialize_with = "or_default")]
    pub owner: String,
    /// Postal address; one of address, phone and email is needed.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Telephone.
    #[serde(deserialize_with = "or_default")]
    pub phone: String,
    /// Mail.
    #[serde(deserialize_with = "or_default")]
    pub email: String,
    /// Which works are infringed.
    #[serde(deserialize_with = "or_default")]
    pub work: String,
    /// You believe in good faith that the use is not authorised.
    #[serde(deserialize_with = "or_default")]
    pub good_faith: bool,
    /// The notice is accurate and, under penalty of perjury, you may act for the
    /// owner.
    #[serde(deserialize_with = "or_default")]
    pub accurate: bool,
    /// Your name typed as a signature.
    #[serde(deserialize_with = "or_default")]
    pub signature: String,
}

/// A counter-notice, 17 U.S.C. 512(g)(3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct CounterRequest {
    /// Your name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Your postal address.
    #[serde(deserialize_with = "or_default")]
    pub address: String,
    /// Your telephone number.
    #[serde(deserialize_with = "or_default")]
    pub phone: String,
    /// Mail; you need not say.
    #[serde(deserialize_with = "or_default")]
    pub email: String,
    /// What was mistaken; you need not say.
    #[serde(deserialize_with = "or_default")]
    pub text: String,
    /// Under penalty of perjury, you believe in good faith that it was removed
    /// by mistake or misidentification.
    #[serde(deserialize_with = "or_default")]
    pub mistake: bool,
    /// You consent to the jurisdiction of the federal court and will accept
    /// service of process.
    #[serde(deserialize_with = "or_default")]
    pub jurisdiction: bool,
    /// Your name typed as a signature.
    #[serde(deserialize_with = "or_default")]
    pub signature: String,
}

/// What a counter-notice was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct CounterReceipt {
    /// Names the counter-notice.
    pub receipt: String,
    /// From which day on the image is restored, unless the claimant goes to
    /// court.
    #[schema(example = "2026-12-09")]
    pub restore_from: String,
    /// By which day at the latest.
    pub restore_by: String,
}

/// An appeal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default)]
pub(super) struct AppealRequest {
    /// Why the image should not be restricted, at most 1,000 characters.
    #[serde(deserialize_with = "or_default")]
    pub text: String,
}

/// What an appeal was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct AppealTaken {
    /// The page that says what has become of it, to who has the delete token.
    pub manage_url: String,
}

impl ReportReceipt {
    pub(super) fn of(receipt: &Receipt, image: &ImageId, base_url: &str) -> Self {
        Self {
            receipt: receipt.to_string(),
            image: image.to_string(),
            status_url: format!("{base_url}/report/status/{receipt}"),
        }
    }
}

impl ReportStatus {
    pub(super) fn of(progress: Progress, since: Option<Since>) -> Self {
        let undecided = |state: &str| Self {
            state: state.to_owned(),
            decision: None,
            decided_at: None,
            now: None,
        };
        match progress {
            Progress::Received => undecided("received"),
            Progress::LookedAt => undecided("looked-at"),
            Progress::Decided {
                resolution, at_ms, ..
            } => Self {
                state: "decided".to_owned(),
                decision: Some(resolution.as_str().to_owned()),
                decided_at: Some(clock::rfc3339(at_ms)),
                now: since.map(|since| since.as_str().to_owned()),
            },
        }
    }
}

impl Statement {
    /// A statement with the words for its owner.
    #[must_use]
    pub fn of(statement: &kept::Statement) -> Self {
        // Of an order the reason is its reference, which may name people.
        let is_order = statement.policy == Some(Policy::LegalOrder);
        let reason = match is_order {
            true => String::new(),
            false => statement.reason.as_str().to_owned(),
        };
        Self {
            restriction: statement.restriction.as_str().to_owned(),
            policy: statement.policy.map(policy_name),
            reason,
            has_reference: is_order && !statement.reason.is_empty(),
            found_by: statement.found.as_str().to_owned(),
            automated: statement.is_automated,
            decided_at: clock::rfc3339(statement.at_ms),
            objection: "Its uploader can object with the token of the deletion link, on the \
                        page /m/ and the image's id."
                .to_owned(),
        }
    }
}

impl NoticeRequest {
    /// The form, and whether every line names an image.
    pub(super) fn form(&self) -> (NoticeForm, bool) {
        let named: Vec<&str> = self
            .images
            .iter()
            .map(|line| line.trim())
            .filter(|line| !line.is_empty())
            .collect();
        let images: Vec<ImageId> = named.iter().filter_map(|line| image_of(line)).collect();
        let are_images = images.len() == named.len();
        let form = NoticeForm {
            images,
            name: self.name.clone(),
            owner: self.owner.clone(),
            address: self.address.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            work: self.work.clone(),
            good_faith: self.good_faith,
            accurate: self.accurate,
            signature: self.signature.clone(),
        };
        (form, are_images)
    }
}

impl CounterRequest {
    pub(super) fn form(&self) -> CounterForm {
        CounterForm {
            name: self.name.clone(),
            address: self.address.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            text: self.text.clone(),
            mistake: self.mistake,
            jurisdiction: self.jurisdiction,
            signature: self.signature.clone(),
        }
    }
}

impl CounterReceipt {
    pub(super) fn of(counter: &CounterNotice) -> Self {
        // Business days end where the claimant lives; the day then is the first on
        // which the image is back, and the day before the end the last on which it
        // is not.
        let last_before = counter.restore_by_ms.saturating_sub(1);
        Self {
            receipt: counter.receipt.to_string(),
            restore_from: calendar::date(counter.restore_from_ms),
            restore_by: calendar::date(last_before),
        }
    }
}

/// The id in an id or in any of an image's links.
fn image_of(text: &str) -> Option<ImageId> {
    let path = text.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    path.split('/')
        .filter_map(|part| part.split('.').next()?.parse().ok())
        .next_back()
}

/// The stable kebab-case name of a policy.
fn policy_name(policy: Policy) -> String {
    let name = serde_json::to_value(policy).ok();
    name.as_ref()
        .and_then(|name| name.as_str())
        .unwrap_or_default()
        .to_owned()
}

/// A policy in words, behind "It is against our rules: ".
pub(super) fn policy_words(policy: Policy) -> &'static str {
    match policy {
        Policy::ChildAbuse => "sexual abuse of a child",
        Policy::IntimateImage => "an intimate image shown without consent",
        Policy::Illegal => "it is against the law",
        Policy::Copyright => "it was claimed to infringe a copyright",
        Policy::Privacy => "it violates somebody's privacy",
        Policy::UnderAge => "it shows, or was uploaded by, a child under 13",
        Policy::Violence => "cruelty",
        Policy::Spam => "spam or fraud",
        Policy::SiteRules => "it breaks the rules of this site",
        Policy::LegalOrder => "a court or an authority has ordered it",
    }
}

/// A category in the words of the form.
pub(crate) fn category_words(category: Category) -> (&'static str, &'static str) {
    match category {
        Category::WronglyLabelled => (
            "Wrongly labelled",
            "Shown without a warning and should have one, or the other way round.",
        ),
        Category::Illegal => (
            "Illegal",
            "Against the law in another way than those below.",
        ),
        Category::ChildAbuse => (
            "Child abuse",
            "A child is shown sexually. Child safety sees it before everything else, and it is \
             taken offline at once; after many such reports from your network, once they \
             have looked.",
        ),
        Category::IntimateImage => (
            "Intimate image without consent",
            "You, or somebody you speak for, never agreed to it. Decided within 48 hours.",
        ),
        Category::Copyright => (
            "Copyright",
            "For a legal notice there is a form of its own, linked below.",
        ),
        Category::Privacy => (
            "Privacy",
            "An address, a document, a face that should not be here.",
        ),
        Category::UnderAge => (
            "Child under 13",
            "It shows, or was uploaded by, a child under 13.",
        ),
        Category::Spam => ("Spam or fraud", "Advertising, phishing, malware."),
        Category::Other => ("Something else", "Please say what."),
    }
}

/// What is told of a removal.
pub(super) fn removal_words(statement: &kept::Statement) -> String {
    let why = statement.policy.map_or("a rule of this site", policy_words);
    let by = if statement.is_automated {
        "This was decided without a person."
    } else {
        "A moderator decided this."
    };
    format!("This image was removed: {why}. {by}")
}

/// What a form lacks, in words.
pub(super) fn flaw_words(flaw: &Flaw) -> String {
    let what = match flaw.field {
        "category" => "a category",
        "images" => "the images (one to ten of this site, a link or an id a line)",
        "work" => "the work that is infringed",
        "name" => "your name",
        "owner" => "the owner's name",
        "address" => "your postal address",
        "phone" => "your telephone number",
        "email" => "your mail address",
        "contact" => "a way to reach you",
        "signature" => "your signature",
        "good_faith" => "the statement of good faith",
        "accurate" => "the statement under penalty of perjury",
        "mistake" => "the statement that it was a mistake",
        "jurisdiction" => "the consent to jurisdiction",
        "reference" => "the reference of the order, as the reason",
        _ => "the text",
    };
    match flaw.kind {
        FlawKind::Missing => format!("Missing: {what}."),
        FlawKind::TooLong => format!("Too long: {what}."),
        FlawKind::Invalid => format!("Not readable: {what}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_an_image_names_it() {
        for text in [
            "3kTMd8vXqz2P",
            "https://img.example/3kTMd8vXqz2P",
            "https://img.example/i/3kTMd8vXqz2P.jpg",
            "http://localhost:80/i/3kTMd8vXqz2P/thumb.jpg?x=1#y",
            "/3kTMd8vXqz2P?show=1",
        ] {
            let id = image_of(text).map(|id| id.to_string());
            assert_eq!(id.as_deref(), Some("3kTMd8vXqz2P"), "{text}");
        }
        for text in [
            "",
            "https://img.example/",
            "javascript:alert(1)",
            "3kTMd8vXqz2",
        ] {
            assert_eq!(image_of(text), None, "{text}");
        }
    }

    #[test]
    fn policies_and_categories_have_words() {
        for policy in Policy::ALL {
            assert!(!policy_name(policy).is_empty() && !policy_words(policy).is_empty());
        }
        assert_eq!(policy_name(Policy::ChildAbuse), "child-abuse");
        assert!(
            Category::ALL
                .iter()
                .all(|category| !category_words(*category).0.is_empty())
        );
    }
}
