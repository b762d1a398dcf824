//! File names within an image's folder. None of them comes from a client.

use std::fmt;

/// Longest extension: `jpeg` and `webp` have four characters; one to spare.
const EXTENSION_CHARS_MAX: usize = 5;

/// Which of an image's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The scrubbed upload.
    Original,
    /// A smaller rendering, by its name in the fixed list of variants.
    Variant(&'static str),
}

/// A part and its extension: the name of one file in an image's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartName {
    part: Part,
    extension: String,
}

impl PartName {
    /// The original, stored with this extension.
    ///
    /// # Errors
    /// When the extension is not one to five of `a-z` and `0-9`.
    pub fn original(extension: &str) -> Result<Self, InvalidPartName> {
        Self::new(Part::Original, extension)
    }

    /// The variant of this name, stored with this extension.
    ///
    /// # Errors
    /// When the extension is not one to five of `a-z` and `0-9`, or the name is
    /// empty, is `original`, or has other characters than `a-z`, `0-9` and `-`.
    pub fn variant(name: &'static str, extension: &str) -> Result<Self, InvalidPartName> {
        Self::new(Part::Variant(name), extension)
    }

    fn new(part: Part, extension: &str) -> Result<Self, InvalidPartName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let extension_fits =
            (1..=EXTENSION_CHARS_MAX).contains(&extension.len()) && extension.bytes().all(plain);
        let name_fits = match part {
            Part::Original => true,
            Part::Variant(name) => {
                !name.is_empty()
                    && name != "original"
                    && name.bytes().all(|byte| plain(byte) || byte == b'-')
            }
        };
        if extension_fits && name_fits {
            Ok(Self {
                part,
                extension: extension.to_owned(),
            })
        } else {
            Err(InvalidPartName)
        }
    }

    /// Which part it is.
    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// The extension, without the dot.
    #[must_use]
    pub fn extension(&self) -> &str {
        &self.extension
    }
}

/// The file's name: `original.jpg`, `thumbnail.png`.
impl fmt::Display for PartName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stem = match self.part {
            Part::Original => "original",
            Part::Variant(name) => name,
        };
        write!(formatter, "{stem}.{}", self.extension)
    }
}

/// The variant or extension could not be a file name of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a part of an image: names and extensions are lower-case letters and digits")]
pub struct InvalidPartName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_part_and_the_extension() {
        assert_eq!(
            PartName::original("jpg").unwrap().to_string(),
            "original.jpg"
        );
        assert_eq!(
            PartName::variant("thumb-2", "png").unwrap().to_string(),
            "thumb-2.png"
        );
    }

    #[test]
    fn nothing_that_could_leave_the_folder_is_a_name() {
        for extension in ["", "JPG", "a/b", "..", "jpg\0", "toolong", "ä"] {
            assert_eq!(
                PartName::original(extension),
                Err(InvalidPartName),
                "{extension:?}"
            );
        }
        for name in ["", "..", "a/b", "original", "Thumb"] {
            assert_eq!(
                PartName::variant(name, "jpg"),
                Err(InvalidPartName),
                "{name:?}"
            );
        }
    }
}
