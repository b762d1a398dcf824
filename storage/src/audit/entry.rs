//! What one entry of the audit says.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::ScoresDigest;
use crate::ImageId;
use crate::staff::{Role, StaffId};

/// Longest name of a subject, in bytes: an image, a rule, a hash in hex.
const SUBJECT_BYTES_MAX: usize = 96;

/// One thing that happened, as it is kept for ever. It names staff by
/// pseudonym and images by id; it holds no address, no name, no image and no
/// scores of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// To what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// What was changed, as it was.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// What was changed, as it is now.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
    /// The scores at that moment, with the model that gave them. Those of an image
    /// are not kept here: see [`Entry::scores_sha256`].
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub scores: Value,
    /// What is kept of the scores of an image once it is gone: see
    /// [`Scores`](super::Scores).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores_sha256: Option<ScoresDigest>,
    /// The thresholds at that moment.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub thresholds: Value,
    /// The lease under which it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// The reports it answers, by their receipts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
}

impl Entry {
    /// An entry that says who did what, and nothing else yet.
    #[must_use]
    pub fn new(at_ms: u64, actor: Actor, action: Action) -> Self {
        Self {
            at_ms,
            actor,
            action,
            subject: None,
            before: Value::Null,
            after: Value::Null,
            scores: Value::Null,
            scores_sha256: None,
            thresholds: Value::Null,
            lease: None,
            reports: Vec::new(),
        }
    }

    /// The same, about a subject.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// The same, with what was changed into what; null where there was nothing.
    #[must_use]
    pub fn changed(mut self, before: Value, after: Value) -> Self {
        (self.before, self.after) = (before, after);
        self
    }

    /// The image whose scores lie beside the chain, and the digest of them.
    pub(super) fn bound_scores(&self) -> Option<(ImageId, ScoresDigest)> {
        let image = self.subject.as_ref()?.as_image()?;
        Some((image, self.scores_sha256?))
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Actor {
    /// A member of the staff, with the role at that moment.
    Staff {
        /// The pseudonym.
        id: StaffId,
        /// The role.
        role: Role,
    },
    /// Whoever runs commands on the machine itself.
    Operator,
    /// The service by itself: a rule, a clock, a repair.
    System,
    /// Somebody without an account. Nothing of them is kept.
    Visitor,
}

impl Actor {
    /// The name by which the actor is listed and looked for.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Staff { id, .. } => id.as_str(),
            Self::Operator => "operator",
            Self::System => "system",
            Self::Visitor => "visitor",
        }
    }

    /// The role, where the actor has one.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Staff { role, .. } => Some(*role),
            _ => None,
        }
    }
}

/// What was done, in kebab-case: `staff-joined`, `image-removed`. Written to
/// disk: never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Action(Cow<'static, str>);

impl Action {
    /// An action by its name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let is_kebab = !name.is_empty()
            && name.len() <= SUBJECT_BYTES_MAX
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if is_kebab {
            return Ok(Self(Cow::Owned(name)));
        }
        Err(serde::de::Error::custom("not an action in kebab-case"))
    }
}

/// What was acted on: a kind and a name, `image:3kTMd8vXqz2P`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// An image.
    #[must_use]
    pub fn image(id: &ImageId) -> Self {
        Self(format!("image:{id}"))
    }

    /// The image, where it is one.
    #[must_use]
    pub fn as_image(&self) -> Option<ImageId> {
        self.0.strip_prefix("image:")?.parse().ok()
    }

    /// A member of the staff.
    #[must_use]
    pub fn staff(id: &StaffId) -> Self {
        Self(format!("staff:{id}"))
    }

    /// Anything else by its kind and name. What is no printable ASCII, or too
    /// long, is left out: a subject is a name, not a text.
    #[must_use]
    pub fn named(kind: &'static str, name: &str) -> Self {
        let mut text = format!("{kind}:");
        let room = SUBJECT_BYTES_MAX.saturating_sub(text.len());
        let printable = name.chars().filter(char::is_ascii_graphic);
        text.extend(printable.take(room));
        Self(text)
    }

    /// The kind and the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_read_back_as_it_was() {
        let actor = Actor::Staff {
            id: StaffId::random().unwrap(),
            role: Role::Moderator,
        };
        let mut entry = Entry::new(7, actor, Action::new("image-removed"))
            .about(Subject::image(&ImageId::random().unwrap()))
            .changed(json!({"state": "public"}), json!({"state": "removed"}));
        entry.scores = json!({"porn": 0.875, "model": "mobilenet_v2"});
        entry.lease = Some("abc".to_owned());
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }

    #[test]
    fn what_is_not_said_is_not_written() {
        let entry = Entry::new(7, Actor::System, Action::new("started"));
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            text,
            r#"{"at_ms":7,"actor":{"kind":"system"},"action":"started"}"#
        );
    }

    #[test]
    fn a_subject_is_a_short_name() {
        let subject = Subject::named("rule", &format!("a b\n\u{202e}{}", "x".repeat(200)));
        assert!(subject.as_str().starts_with("rule:abx"));
        assert_eq!(subject.as_str().len(), SUBJECT_BYTES_MAX);
        assert!(serde_json::from_str::<Action>("\"No Kebab\"").is_err());
    }
}
