//! Original filenames: kept as a fact about the upload, never used as a path.

/// Longest name that is kept, in bytes of UTF-8: what file systems allow.
const FILENAME_BYTES_MAX: usize = 255;

/// The last component of `sent`, without control and direction-changing
/// characters, cut at a character boundary. May be empty.
#[must_use]
pub fn sanitize(sent: &str) -> String {
    let base = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name = String::with_capacity(base.len().min(FILENAME_BYTES_MAX));
    for character in base.chars().filter(|&character| !is_hidden(character)) {
        if name.len() + character.len_utf8() > FILENAME_BYTES_MAX {
            break;
        }
        name.push(character);
    }
    match name.trim() {
        "." | ".." => String::new(),
        trimmed => trimmed.to_owned(),
    }
}

/// Control characters, and those that reorder or hide text: `gpj.exe` must not
/// read as `exe.jpg`.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{feff}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_base_name_stays() {
        for (sent, kept) in [
            ("cat.jpg", "cat.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\cat.jpg", "cat.jpg"),
            ("folder/", ""),
            ("..", ""),
            ("", ""),
            ("  cat.jpg ", "cat.jpg"),
            ("猫.png", "猫.png"),
        ] {
            assert_eq!(sanitize(sent), kept, "{sent:?}");
        }
    }

    #[test]
    fn control_and_direction_characters_go() {
        assert_eq!(sanitize("a\0b\r\nc\u{202e}gpj.exe\u{200f}"), "abcgpj.exe");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = sanitize(&"ü".repeat(200));
        assert_eq!(name.len(), 254);
    }

    proptest! {
        #[test]
        fn any_name_becomes_short_flat_and_stable(sent in any::<String>()) {
            let name = sanitize(&sent);
            prop_assert!(name.len() <= FILENAME_BYTES_MAX);
            prop_assert!(!name.contains(['/', '\\', '\0', '\n']));
            prop_assert_eq!(sanitize(&name), name);
        }
    }
}
