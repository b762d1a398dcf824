//! Texts of strangers, bounded by type.

use serde::{Deserialize, Deserializer, Serialize};

/// A text of at most `CHARS_MAX` characters that can be read: line breaks stay,
/// other control characters and marks that turn the writing around do not.
///
/// Stored as JSON it takes at most four bytes a character.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Text<const CHARS_MAX: usize>(String);

/// The text is longer than its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a text of more than {chars_max} characters")]
pub struct TextTooLong {
    /// The longest one.
    pub chars_max: usize,
}

impl<const CHARS_MAX: usize> Text<CHARS_MAX> {
    /// The text without what cannot be read, and without space around it.
    ///
    /// # Errors
    /// When more than `CHARS_MAX` characters are left.
    pub fn new(text: &str) -> Result<Self, TextTooLong> {
        let mut readable = String::new();
        let mut n_chars = 0;
        for character in text
            .trim()
            .chars()
            .filter(|character| is_readable(*character))
        {
            n_chars += 1;
            if n_chars > CHARS_MAX {
                return Err(TextTooLong {
                    chars_max: CHARS_MAX,
                });
            }
            readable.push(character);
        }
        Ok(Self(readable.trim().to_owned()))
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

impl<'de, const CHARS_MAX: usize> Deserialize<'de> for Text<CHARS_MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn is_readable(character: char) -> bool {
    let turns = matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    character == '\n' || !(character.is_control() || turns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_stay_and_tricks_do_not() {
        let text: Text<20> = Text::new(" a\r\nb\u{1b}[1mc\u{202e}d\0 ").unwrap();
        assert_eq!(text.as_str(), "a\nb[1mcd");
        assert!(Text::<5>::new("\u{202e}\r\n ").unwrap().is_empty());
        assert_eq!(Text::<3>::new("äöü").unwrap().as_str(), "äöü");
        assert_eq!(Text::<3>::new("äöüß"), Err(TextTooLong { chars_max: 3 }));
        assert!(serde_json::from_str::<Text<3>>("\"four\"").is_err());
    }

    proptest! {
        #[test]
        fn a_stored_text_is_bounded(text: String) {
            if let Ok(text) = Text::<16>::new(&text) {
                let json = serde_json::to_string(&text).unwrap();
                prop_assert!(json.len() <= 16 * 4 + 2);
                prop_assert_eq!(serde_json::from_str::<Text<16>>(&json).unwrap(), text);
            }
        }
    }
}
