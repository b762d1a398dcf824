//! Numbers, names and verdicts as words. The browser's twin is `words.js`.

/// A file name that is safe to show: no control characters and none of the
/// direction overrides that make `gpj.exe` read as something else.
pub(super) fn display_name(filename: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown: String = filename
        .chars()
        .filter(|&c| !c.is_control() && !reorders(c))
        .collect();
    let shown = shown.trim();
    if shown.is_empty() {
        "Untitled image".to_owned()
    } else {
        shown.to_owned()
    }
}

/// A size in decimal units: "640 bytes", "82 kB", "2.2 MB".
pub(super) fn byte_size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => {
            let tenths = bytes.saturating_add(50_000) / 100_000;
            match tenths % 10 {
                0 => format!("{} MB", tenths / 10),
                tenth => format!("{}.{tenth} MB", tenths / 10),
            }
        }
    }
}

/// A share of one as per cent. Never 100: a classifier is not certain.
pub(super) fn percent(share: f32) -> String {
    let tenths = (f64::from(share) * 1_000.0).round().clamp(0.0, 999.0);
    format!("{:.1} %", tenths / 10.0)
}

/// What the classifier and the state of an image come to: "Safe, 99.4 % sure"; or who
/// set the label in its place.
pub(super) fn verdict(
    state: &str,
    label: Option<&str>,
    confidence: Option<f32>,
    set_by: Option<&str>,
) -> String {
    match state {
        "pending" => return "Still being checked".to_owned(),
        "scan-failed" => return "Could not be checked yet".to_owned(),
        "review" => return "Waiting for a moderator".to_owned(),
        "blocked" => return "Blocked".to_owned(),
        "removed" => return "Removed".to_owned(),
        _ => {}
    }
    let word = match label {
        Some("safe") => "Safe",
        Some("nsfw") => "Not safe for work",
        _ => return "Not classified".to_owned(),
    };
    match (set_by, confidence) {
        (Some("staff"), _) => format!("{word}, a person decided"),
        (Some(_), _) => format!("{word}, by a rule of this site"),
        (None, Some(share)) => format!("{word}, {} sure", percent(share)),
        (None, None) => word.to_owned(),
    }
}

/// Why an image in this state is not served, and what happens next.
pub(super) fn why_hidden(state: &str) -> &'static str {
    match state {
        "pending" => "It is shown here as soon as the check is done, usually within a minute.",
        "scan-failed" => "The classifier did not answer. The image is shown once it was checked.",
        "review" => "A person looks at it before it is shown here.",
        _ => "It is not shown here.",
    }
}

/// A count with its thousands set apart: "12,345".
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (digit_idx, digit) in digits.chars().enumerate() {
        if digit_idx > 0 && (digits.len() - digit_idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An RFC 3339 time in UTC for people: "5 January 2025, 12:34 UTC". Anything
/// else is returned as it is.
pub(super) fn moment(iso: &str) -> String {
    read_moment(iso).unwrap_or_else(|| iso.to_owned())
}

fn read_moment(iso: &str) -> Option<String> {
    let (date, time) = iso.strip_suffix('Z')?.split_once('T')?;
    Some(format!("{}, {} UTC", read_day(date)?, time.get(..5)?))
}

/// A day as YYYY-MM-DD for people: "5 January 2025". Anything else is returned
/// as it is.
pub(super) fn day(iso: &str) -> String {
    read_day(iso).unwrap_or_else(|| iso.to_owned())
}

fn read_day(date: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month_idx = month.parse::<usize>().ok()?.checked_sub(1)?;
    let day: u32 = day.parse().ok()?;
    Some(format!("{day} {} {year}", MONTHS.get(month_idx)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_control_and_direction_characters() {
        assert_eq!(display_name("holiday\u{202e}gpj.exe"), "holidaygpj.exe");
        assert_eq!(display_name("a\r\nb\0.png"), "ab.png");
        assert_eq!(
            display_name("\u{635}\u{648}\u{631}\u{629}.jpg"),
            "\u{635}\u{648}\u{631}\u{629}.jpg"
        );
        assert_eq!(display_name(" \u{200f} "), "Untitled image");
    }

    #[test]
    fn sizes_use_decimal_units() {
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (999_999, "999 kB"),
            (2_190_194, "2.2 MB"),
            (40_000_000, "40 MB"),
            (u64::MAX, "18446744073709.5 MB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(byte_size(bytes), text);
        }
    }

    #[test]
    fn certainty_is_never_complete() {
        assert_eq!(percent(0.994), "99.4 %");
        assert_eq!(percent(0.6), "60.0 %");
        assert_eq!(percent(1.0), "99.9 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(f32::NAN), "NaN %");
    }

    #[test]
    fn verdicts_put_the_state_before_the_label() {
        assert_eq!(
            verdict("public", Some("safe"), Some(0.994), None),
            "Safe, 99.4 % sure"
        );
        for (set_by, words) in [
            ("staff", "Safe, a person decided"),
            ("rule", "Safe, by a rule of this site"),
        ] {
            assert_eq!(verdict("public", Some("safe"), None, Some(set_by)), words);
        }
        let plain = verdict("public", Some("nsfw"), None, None);
        assert_eq!(plain, "Not safe for work");
        assert_eq!(verdict("public", None, None, None), "Not classified");
        assert_eq!(verdict("pending", None, None, None), "Still being checked");
        assert_eq!(
            verdict("review", Some("nsfw"), Some(0.6), None),
            "Waiting for a moderator"
        );
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (count, text) in cases {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn times_are_spelled_out_and_odd_ones_kept() {
        assert_eq!(moment("2025-01-05T12:34:56Z"), "5 January 2025, 12:34 UTC");
        assert_eq!(moment("2025-13-05T12:34:56Z"), "2025-13-05T12:34:56Z");
        assert_eq!(moment("yesterday"), "yesterday");
        assert_eq!(day("2026-11-26"), "26 November 2026");
        assert_eq!(day("soon"), "soon");
    }
}
