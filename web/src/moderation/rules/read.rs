//! Rules as people write them: TOML as in the settings, or JSON.

use serde::{Deserialize, Serialize};

use super::{Rule, check};

/// Longest text that somebody types, in characters: rules of the largest size that is
/// kept, however deep their conditions lie, as [`typed`] writes them.
pub const TYPED_CHARS_MAX: usize = 32_000;

/// A file of rules: as in the settings, or without what is around them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rules: Option<Vec<Rule>>,
    moderation: Option<Around>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Around {
    rules: Vec<Rule>,
}

impl RuleFile {
    fn rules(self) -> Result<Vec<Rule>, &'static str> {
        match (self.rules, self.moderation) {
            (Some(rules), None) | (None, Some(Around { rules })) => Ok(rules),
            (Some(_), Some(_)) => Err("rules and moderation.rules are both there: one is needed"),
            (None, None) => Err("there are neither rules nor moderation.rules"),
        }
    }
}

/// Reads rules, and checks that they can be used.
///
/// # Errors
/// What is wrong with them, for people.
pub fn read(text: &str, is_json: bool) -> Result<Vec<Rule>, String> {
    let read: RuleFile = if is_json {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        toml::from_str(text).map_err(|error| error.to_string())?
    };
    let rules = read.rules()?;
    check(&rules).map_err(|error| error.to_string())?;
    Ok(rules)
}

/// Reads what somebody typed: JSON begins with a brace, and no TOML does.
///
/// # Errors
/// As [`read`].
pub fn read_typed(text: &str) -> Result<Vec<Rule>, String> {
    read(text, text.trim_start().starts_with('{'))
}

/// Rules as [`read_typed`] reads them back.
#[must_use]
pub fn typed(rules: &[Rule]) -> String {
    #[derive(Serialize)]
    struct Listed<'a> {
        rules: &'a [Rule],
    }
    serde_json::to_string_pretty(&Listed { rules })
        .expect("rules have string keys and are written to memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the README shows can be copied into a file and checked.
    #[test]
    fn rules_are_read_as_the_settings_and_the_page_have_them() {
        let readme = include_str!("../../../../README.md");
        let (_, rest) = readme.split_once("```toml\n[[moderation.rules]]").unwrap();
        let (snippet, _) = rest.split_once("```").unwrap();
        let of = |heading: &str| read(&format!("{heading}{snippet}"), false);
        let rules = of("[[moderation.rules]]").unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(of("[[rules]]").unwrap(), rules);
        assert_eq!(read_typed(&format!("[[rules]]{snippet}")).unwrap(), rules);
        assert_eq!(read_typed(&typed(&rules)).unwrap(), rules);
        assert_eq!(read_typed(&typed(&[])).unwrap(), []);
        read("", false).unwrap_err();
        read("[moderation]\nexplicit = 0.5", false).unwrap_err();
        read_typed("{").unwrap_err();
    }
}
