//! Bounds of rules that types alone cannot hold.

use super::{Condition, Range, Rule, ScoreRange};

/// Rules of one set.
pub const RULES_MAX: usize = 100;

/// Conditions inside one rule, in all.
pub const CONDITIONS_MAX: usize = 200;

/// Conditions inside each other.
pub const DEPTH_MAX: usize = 8;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Why rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {why}")]
pub struct RuleError {
    /// The rule's name.
    pub rule: String,
    /// What is wrong with it.
    pub why: String,
}

/// Checks rules before they are used.
///
/// # Errors
/// [`RuleError`] names the first rule that cannot be used, and why.
pub fn check(rules: &[Rule]) -> Result<(), RuleError> {
    for (idx, rule) in rules.iter().enumerate() {
        let is_again = rules[..idx].iter().any(|other| other.name == rule.name);
        let why = if idx >= RULES_MAX {
            Err(format!("there are more than {RULES_MAX} rules"))
        } else if !is_name(&rule.name) {
            Err(format!(
                "a name is 1 to {NAME_BYTES_MAX} lower-case letters, digits and hyphens"
            ))
        } else if is_again {
            Err("another rule has this name".to_owned())
        } else {
            check_condition(&rule.when, DEPTH_MAX, &mut 0)
        };
        why.map_err(|why| RuleError {
            rule: rule.name.chars().take(NAME_BYTES_MAX).collect(),
            why,
        })?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_letter)
}

fn check_condition(
    condition: &Condition,
    depth_left: usize,
    n_seen: &mut usize,
) -> Result<(), String> {
    *n_seen += 1;
    if *n_seen > CONDITIONS_MAX {
        return Err(format!("it has more than {CONDITIONS_MAX} conditions"));
    }
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(format!(
            "its conditions lie more than {DEPTH_MAX} deep in each other"
        ));
    };
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            if inner.is_empty() {
                return Err("`all` and `any` need at least one condition".to_owned());
            }
            inner
                .iter()
                .try_for_each(|inner| check_condition(inner, depth_left, n_seen))
        }
        Condition::Not(inner) => check_condition(inner, depth_left, n_seen),
        Condition::Score(range) => check_scores(range),
        Condition::HashMatch(_) => Ok(()),
        Condition::Bytes(range)
        | Condition::Width(range)
        | Condition::Height(range)
        | Condition::Pixels(range)
        | Condition::Frames(range)
        | Condition::UploadsPerMinute(range)
        | Condition::Reports(range) => check_range(range),
    }
}

fn check_scores(range: &ScoreRange) -> Result<(), String> {
    let bounds = [range.at_least, range.below];
    if bounds
        .into_iter()
        .flatten()
        .any(|bound| !(0.0..=1.0).contains(&bound))
    {
        return Err("a score lies between 0 and 1".to_owned());
    }
    match bounds {
        [None, None] => Err(NO_BOUND.to_owned()),
        [Some(least), Some(bound)] if least >= bound => Err(EMPTY.to_owned()),
        _ => Ok(()),
    }
}

fn check_range(range: &Range) -> Result<(), String> {
    match (range.at_least, range.below) {
        (None, None) => Err(NO_BOUND.to_owned()),
        (Some(least), Some(bound)) if least >= bound => Err(EMPTY.to_owned()),
        (_, Some(0)) => Err(EMPTY.to_owned()),
        _ => Ok(()),
    }
}

const NO_BOUND: &str = "a range needs `at-least`, `below`, or both";
const EMPTY: &str = "nothing lies in a range whose `below` is not above its `at-least`";
