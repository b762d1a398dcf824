//! Short texts that staff and visitors write.

use serde::{Deserialize, Deserializer, Serialize};

/// Longest text, in characters.
pub const NOTE_CHARS_MAX: usize = 500;

/// A text of bounded length without control characters, so that it can neither
/// outgrow what holds it, nor end a line of a log, nor turn the writing around.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Note(String);

/// The text has more than [`NOTE_CHARS_MAX`] characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text of more than {NOTE_CHARS_MAX} characters")]
pub struct NoteTooLong;

impl Note {
    /// The text, without what is no character to be read.
    ///
    /// # Errors
    /// When it is too long.
    pub fn new(text: &str) -> Result<Self, NoteTooLong> {
        let readable: String = text
            .chars()
            .filter(|character| !is_hidden(*character))
            .take(NOTE_CHARS_MAX + 1)
            .collect();
        let readable = readable.trim();
        if readable.chars().count() > NOTE_CHARS_MAX {
            return Err(NoteTooLong);
        }
        Ok(Self(readable.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Note {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Control characters, and marks that turn the direction of writing.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_readable_line() {
        let note = Note::new(" a\n\u{1b}[31mb\u{202e}c\0 ").unwrap();
        assert_eq!(note.as_str(), "a[31mbc");
        assert!(Note::new("\n\n").unwrap().is_empty());
    }

    #[test]
    fn a_note_has_a_largest_size() {
        let longest = "ä".repeat(NOTE_CHARS_MAX);
        assert_eq!(Note::new(&longest).unwrap().as_str(), longest);
        let longer = longest + "ä";
        assert_eq!(Note::new(&longer), Err(NoteTooLong));
        let json = serde_json::to_string(&longer).unwrap();
        assert!(serde_json::from_str::<Note>(&json).is_err());
    }
}
