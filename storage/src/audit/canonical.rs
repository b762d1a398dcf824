//! JSON with one spelling only, so that a hash over it can be checked by anyone.

use std::fmt::Write;

use serde_json::{Number, Value};

/// Numbers below this have every digit before the point, as RFC 8785 (with
/// ECMAScript) writes them; the smallest without an exponent is 1e-6.
const DIGITS_BEFORE_POINT_MAX: i32 = 21;

/// Zeros behind the point that are still written out.
const ZEROS_BEHIND_POINT_MAX: i32 = 5;

/// The JSON of a value as RFC 8785 spells it: no spaces, members in the order of
/// their names in UTF-16, numbers as ECMAScript writes them. What is deeper than
/// `serde_json` reads cannot come here, so the recursion is bounded.
pub(super) fn canonical(value: &Value) -> String {
    written(value, Spelling::Rfc8785)
}

/// The same as it was spelled before: members in the order of their names' bytes,
/// numbers as `serde_json` writes them. Chains that were begun then are checked
/// with it, and nothing is hashed with it any more.
pub(super) fn canonical_of_old(value: &Value) -> String {
    written(value, Spelling::Old)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Rfc8785,
    Old,
}

fn written(value: &Value, spelling: Spelling) -> String {
    let mut text = String::new();
    write_value(&mut text, value, spelling);
    text
}

fn write_value(text: &mut String, value: &Value, spelling: Spelling) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                write_value(text, item, spelling);
            }
            text.push(']');
        }
        Value::Object(members) => {
            // Sorted here: a feature of serde_json that some other crate turns
            // on would keep them as they came.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|(a, _), (b, _)| match spelling {
                Spelling::Rfc8785 => a.encode_utf16().cmp(b.encode_utf16()),
                Spelling::Old => a.cmp(b),
            });
            text.push('{');
            for (idx, (name, member)) in sorted.into_iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                write_plain(text, &Value::from(name.as_str()));
                text.push(':');
                write_value(text, member, spelling);
            }
            text.push('}');
        }
        Value::Number(number) if spelling == Spelling::Rfc8785 => write_number(text, number),
        plain => write_plain(text, plain),
    }
}

fn write_plain(text: &mut String, value: &impl std::fmt::Display) {
    write!(text, "{value}").expect("writing to memory cannot fail");
}

/// A number as ECMAScript writes it (Number::toString, which RFC 8785 3.2.2.3 takes
/// over): the fewest digits that say which double it is, and of two as near the even.
fn write_number(text: &mut String, number: &Number) {
    let Some(value) = number.as_f64().filter(|value| *value != 0.0) else {
        text.push('0');
        return;
    };
    if value < 0.0 {
        text.push('-');
    }
    let (digits, point) = digits_of(value.abs());
    let n_digits = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if (n_digits..=DIGITS_BEFORE_POINT_MAX).contains(&point) {
        text.push_str(&digits);
        text.push_str(&zeros(point - n_digits));
    } else if (1..=DIGITS_BEFORE_POINT_MAX).contains(&point) {
        let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or(0));
        write_plain(text, &format_args!("{whole}.{rest}"));
    } else if (-ZEROS_BEHIND_POINT_MAX..=0).contains(&point) {
        write_plain(text, &format_args!("0.{}{digits}", zeros(-point)));
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        write_plain(text, &format_args!("{first}{dot}{rest}e{:+}", point - 1));
    }
}

/// The fewest digits of a number above zero, without zeros around them, and how many
/// of them stand before the point; less than none where zeros stand behind it.
/// `serde_json` finds them: Rust's own spelling takes the higher of two as near.
fn digits_of(value: f64) -> (String, i32) {
    let spelled = Value::from(value).to_string();
    let (mantissa, exponent) = spelled.split_once(['e', 'E']).unwrap_or((&spelled, "0"));
    let (whole, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, rest].concat();
    let significant = digits.trim_start_matches('0');
    let length = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
    let point = length(whole) - (length(&digits) - length(significant))
        + exponent.parse::<i32>().unwrap_or(0);
    (significant.trim_end_matches('0').to_owned(), point)
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

    /// RFC 8785, 3.2.3: a pair of surrogates stands before what is behind them.
    #[test]
    fn names_are_sorted_by_utf_16() {
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "1": 4});
        let text = canonical(&value);
        let order: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(order, ['1', '4', '3', '2', '1']);
    }

    /// The examples of RFC 8785, appendix B, and where the forms meet.
    #[test]
    fn numbers_are_spelled_as_ecmascript_does() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(canonical(&json!(f64::from_bits(bits))), expected);
        }
        assert_eq!(canonical(&json!([1.0, 10, 0.1, 1e-7])), "[1,10,0.1,1e-7]");
        assert_eq!(
            canonical(&json!(0.000_039_808_015_571_907_16)),
            "0.00003980801557190716"
        );
        assert_eq!(canonical_of_old(&json!([1.0, 1e-6])), "[1.0,1e-6]");
    }

    proptest! {
        #[test]
        fn reading_and_writing_again_changes_nothing(
            numbers: Vec<f64>, words: Vec<String>, whole: i32,
        ) {
            let value = json!({"n": numbers, "w": words, "i": whole});
            for spell in [canonical, canonical_of_old] {
                let text = spell(&value);
                let read: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(spell(&read), text);
            }
        }
    }
}
