//! JSON with one spelling only, so that a hash over it can be checked by anyone.

use std::fmt::Write;

use serde_json::Value;

/// The JSON of a value without spaces, members in the order of their names'
/// bytes, numbers and texts as `serde_json` writes them. What is deeper than
/// `serde_json` reads cannot come here, so the recursion is bounded.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                write_value(text, item);
            }
            text.push(']');
        }
        Value::Object(members) => {
            // Sorted here: a feature of serde_json that some other crate turns
            // on would keep them as they came.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (idx, (name, member)) in sorted.into_iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                write_plain(text, &Value::from(name.as_str()));
                text.push(':');
                write_value(text, member);
            }
            text.push('}');
        }
        plain => write_plain(text, plain),
    }
}

fn write_plain(text: &mut String, value: &Value) {
    write!(text, "{value}").expect("writing to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_at_every_depth() {
        let value = json!({"b": [{"z": 1, "a": "\"\n"}], "a": null, "aa": 0.1});
        assert_eq!(
            canonical(&value),
            r#"{"a":null,"aa":0.1,"b":[{"a":"\"\n","z":1}]}"#
        );
    }

    proptest! {
        #[test]
        fn reading_and_writing_again_changes_nothing(
            numbers: Vec<f64>, words: Vec<String>, whole: i64,
        ) {
            let value = json!({"n": numbers, "w": words, "i": whole});
            let text = canonical(&value);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(&read), text);
        }
    }
}
