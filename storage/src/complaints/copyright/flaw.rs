//! What a form lacks.

use super::super::Text;

/// One thing that is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flaw {
    /// The field, by its name in the form and in the API.
    pub field: &'static str,
    /// What is wrong with it.
    pub kind: FlawKind,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlawKind {
    /// Nothing is in it, or the box is not ticked.
    Missing,
    /// It is longer than it may be.
    TooLong,
    /// It is not what the field asks for.
    Invalid,
}

impl Flaw {
    /// The stable code: `signature-missing`.
    #[must_use]
    pub fn code(&self) -> String {
        let kind = match self.kind {
            FlawKind::Missing => "missing",
            FlawKind::TooLong => "too-long",
            FlawKind::Invalid => "invalid",
        };
        format!("{}-{kind}", self.field.replace('_', "-"))
    }
}

/// Looks at the fields of a form one after the other and keeps every flaw, so
/// that nobody has to send it five times.
#[derive(Default)]
pub(super) struct Check {
    flaws: Vec<Flaw>,
}

impl Check {
    pub(super) fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        self.flaws.push(Flaw { field, kind });
    }

    /// A text that may be empty.
    pub(super) fn text<const N: usize>(&mut self, field: &'static str, text: &str) -> Text<N> {
        Text::new(text).unwrap_or_else(|_| {
            self.flaw(field, FlawKind::TooLong);
            Text::default()
        })
    }

    /// A text that must say something.
    pub(super) fn needed<const N: usize>(&mut self, field: &'static str, text: &str) -> Text<N> {
        let n_before = self.flaws.len();
        let checked = self.text(field, text);
        if checked.is_empty() && self.flaws.len() == n_before {
            self.flaw(field, FlawKind::Missing);
        }
        checked
    }

    /// A statement that must be made.
    pub(super) fn stated(&mut self, field: &'static str, is_stated: bool) {
        if !is_stated {
            self.flaw(field, FlawKind::Missing);
        }
    }

    /// An address for mail, if there is one: something before and behind one @.
    pub(super) fn email<const N: usize>(&mut self, field: &'static str, text: &str) -> Text<N> {
        let email: Text<N> = self.text(field, text);
        let mut parts = email.as_str().split('@');
        let is_plain = |part: Option<&str>| {
            part.is_some_and(|part| !part.is_empty() && !part.contains(char::is_whitespace))
        };
        let is_address = is_plain(parts.next()) && is_plain(parts.next()) && parts.next().is_none();
        if !email.is_empty() && !is_address {
            self.flaw(field, FlawKind::Invalid);
        }
        email
    }

    pub(super) fn done<T>(self, value: T) -> Result<T, Vec<Flaw>> {
        if self.flaws.is_empty() {
            return Ok(value);
        }
        Err(self.flaws)
    }
}
