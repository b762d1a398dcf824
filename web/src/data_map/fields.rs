//! Fields of what is kept, and how they are found in JSON.

use serde_json::Value;

/// A field: its path, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Names from the outside in, with dots between them; empty for a value
    /// without names. `[]` behind a name
    /// stands for each of a list, `*` for any one name, `a|b` for one of both,
    /// and a last `**` for the same structure again, or for what staff have put
    /// together from known parts.
    pub path: &'static str,
    /// What it says.
    pub what: &'static str,
}

impl Field {
    /// A field.
    #[must_use]
    pub const fn new(path: &'static str, what: &'static str) -> Self {
        Self { path, what }
    }
}

/// Deepest nesting that is looked into; `serde_json` reads no deeper.
const DEPTH_MAX: usize = 128;

/// The paths in a value that none of the fields covers.
pub(super) fn unknown_in(value: &Value, fields: &[Field]) -> Vec<String> {
    let mut unknown = Vec::new();
    walk(value, &mut Vec::new(), fields, &mut unknown);
    unknown
}

fn walk(value: &Value, path: &mut Vec<String>, fields: &[Field], unknown: &mut Vec<String>) {
    if path.len() > DEPTH_MAX {
        unknown.push(path.join("."));
        return;
    }
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                path.push(name.clone());
                walk(value, path, fields, unknown);
                path.pop();
            }
        }
        Value::Array(values) if !values.is_empty() => {
            let Some(last) = path.last_mut() else {
                path.push("[]".to_owned());
                for value in values {
                    walk(value, path, fields, unknown);
                }
                path.pop();
                return;
            };
            last.push_str("[]");
            for value in values {
                walk(value, path, fields, unknown);
            }
            if let Some(last) = path.last_mut() {
                last.truncate(last.len().saturating_sub(2));
            }
        }
        // An empty object, an empty list and null stand where there could be more.
        Value::Object(_) | Value::Array(_) | Value::Null => {
            if !fields.iter().any(|field| begins(field.path, path)) {
                unknown.push(path.join("."));
            }
        }
        _ => {
            if !fields.iter().any(|field| is(field.path, path)) {
                unknown.push(path.join("."));
            }
        }
    }
}

fn is(pattern: &str, path: &[String]) -> bool {
    if pattern.is_empty() {
        return path.is_empty();
    }
    let n_names = pattern.split('.').count();
    let is_whole = n_names == path.len() || (pattern.ends_with(".**") && path.len() >= n_names);
    is_whole && begins(pattern, path)
}

fn begins(pattern: &str, path: &[String]) -> bool {
    let mut names = pattern.split('.').peekable();
    path.iter().enumerate().all(|(depth, name)| {
        if names.peek() == Some(&"**") {
            return true;
        }
        let is_last = depth + 1 == path.len();
        let covers = |one: &str| {
            one == "*" || one == name || (is_last && one.strip_suffix("[]") == Some(name))
        };
        names
            .next()
            .is_some_and(|names| names.split('|').any(covers))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_field_covers_is_found_by_its_path() {
        let fields = [
            Field::new("id", ""),
            Field::new("said[].by", ""),
            Field::new("before|after.state", ""),
            Field::new("counts.*", ""),
            Field::new("totp.secret", ""),
            Field::new("when.**", ""),
        ];
        let known = json!({
            "id": 7, "said": [{"by": "x"}, {"by": null}], "after": {"state": "public"},
            "counts": {"a.b": 1}, "totp": null, "when": {"all": [{"not": {"bytes": 7}}]},
        });
        assert!(unknown_in(&known, &fields).is_empty());
        assert!(unknown_in(&json!({"said": []}), &fields).is_empty());
        for (value, path) in [
            (json!({"id": {"raw": 1}}), "id.raw"),
            (json!({"said": [{"by": 1, "mail": "m"}]}), "said[].mail"),
            (json!({"after": {"place": 1}}), "after.place"),
            (json!({"counts": {"a": {"b": 1}}}), "counts.a.b"),
            (json!({"gps": null}), "gps"),
            (json!({"totp": {"secret": {"raw": 1}}}), "totp.secret.raw"),
            (json!([1]), "[]"),
        ] {
            assert_eq!(unknown_in(&value, &fields), [path]);
        }
    }
}
