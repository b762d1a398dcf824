//! A single byte range (RFC 9110, section 14).

/// What a `Range` header asks of a whole of known length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// Everything: no range, or one that is ignored as the RFC allows
    /// (another unit, several ranges, malformed).
    Whole,
    /// These bytes, first and last included.
    Part {
        /// Index of the first byte.
        first: u64,
        /// Index of the last byte, within the whole.
        last: u64,
    },
    /// A well-formed range with no byte in the whole.
    Unsatisfiable,
}

/// Reads a `Range` header's value for a whole of `length` bytes.
#[must_use]
pub fn parse(value: &str, length: u64) -> Requested {
    let Some((unit, set)) = value.split_once('=') else {
        return Requested::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return Requested::Whole;
    }
    let Some((first, last)) = set.trim().split_once('-') else {
        return Requested::Whole;
    };
    match (number(first), number(last)) {
        (Ok(None), Ok(Some(suffix))) => last_bytes(suffix, length),
        (Ok(Some(first)), Ok(last)) => {
            let last = last.unwrap_or(u64::MAX);
            if last < first {
                Requested::Whole
            } else if first >= length {
                Requested::Unsatisfiable
            } else {
                Requested::Part {
                    first,
                    last: last.min(length - 1),
                }
            }
        }
        _ => Requested::Whole,
    }
}

fn last_bytes(suffix: u64, length: u64) -> Requested {
    if suffix == 0 || length == 0 {
        return Requested::Unsatisfiable;
    }
    Requested::Part {
        first: length.saturating_sub(suffix),
        last: length - 1,
    }
}

struct NotANumber;

/// Digits only; one too large for 64 bits lies behind any end.
fn number(text: &str) -> Result<Option<u64>, NotANumber> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotANumber);
    }
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_of_the_rfc() {
        use Requested::{Part, Unsatisfiable, Whole};
        for (value, requested) in [
            (
                "bytes=0-499",
                Part {
                    first: 0,
                    last: 499,
                },
            ),
            (
                "bytes=500-",
                Part {
                    first: 500,
                    last: 999,
                },
            ),
            (
                "bytes=-1",
                Part {
                    first: 999,
                    last: 999,
                },
            ),
            (
                "bytes=-5000",
                Part {
                    first: 0,
                    last: 999,
                },
            ),
            (
                "bytes=0-5000",
                Part {
                    first: 0,
                    last: 999,
                },
            ),
            ("Bytes=0-0", Part { first: 0, last: 0 }),
            (
                "bytes=999-99999999999999999999999",
                Part {
                    first: 999,
                    last: 999,
                },
            ),
            ("bytes=1000-", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=5-4", Whole),
            ("bytes=0-1,3-4", Whole),
            ("items=0-1", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes", Whole),
            ("", Whole),
        ] {
            assert_eq!(parse(value, 1_000), requested, "{value}");
        }
        assert_eq!(parse("bytes=-1", 0), Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Unsatisfiable);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_whole(value in ".{0,40}", length in any::<u64>()) {
            if let Requested::Part { first, last } = parse(&value, length) {
                prop_assert!(first <= last && last < length);
            }
        }

        #[test]
        fn a_part_is_what_was_asked_for(first in 0..2_000_u64, extra in 0..2_000_u64, length in 1..2_000_u64) {
            let last = first + extra;
            let requested = parse(&format!("bytes={first}-{last}"), length);
            if first < length {
                prop_assert_eq!(requested, Requested::Part { first, last: last.min(length - 1) });
            } else {
                prop_assert_eq!(requested, Requested::Unsatisfiable);
            }
        }

        #[test]
        fn a_suffix_ends_with_the_whole(suffix in 1..2_000_u64, length in 1..2_000_u64) {
            let first = length.saturating_sub(suffix);
            let part = Requested::Part { first, last: length - 1 };
            prop_assert_eq!(parse(&format!("bytes=-{suffix}"), length), part);
        }
    }
}
