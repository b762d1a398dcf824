//! Days of the calendar, for file names and for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds of a day; days are UTC and have no leap seconds.
pub const MS_A_DAY: u64 = 86_400_000;

/// The day of a moment, counted from 1970-01-01 UTC.
#[must_use]
pub fn day(ms: u64) -> u32 {
    u32::try_from(ms / MS_A_DAY).unwrap_or(u32::MAX)
}

/// What the system's clock says, in milliseconds since 1970 UTC. For what has no
/// caller who says the time.
#[must_use]
pub(crate) fn system_now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-26` for a moment in milliseconds since 1970 UTC.
#[must_use]
pub fn date(ms: u64) -> String {
    let (year, month, day) = civil(ms / MS_A_DAY);
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-26T09:54:54Z` for a moment in milliseconds since 1970 UTC (RFC 3339).
#[must_use]
pub fn rfc3339(ms: u64) -> String {
    let of_day = ms % MS_A_DAY / 1_000;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", date(ms))
}

/// The first millisecond of a date such as `2026-11-26`; `None` for what is
/// none.
#[must_use]
pub fn start_of(date: &str) -> Option<u64> {
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next()?.parse::<u64>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let is_possible =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let ms = is_possible
        .then(|| days_from_civil(year, month, day))?
        .checked_mul(MS_A_DAY)?;
    (self::date(ms) == date).then_some(ms)
}

/// Year, month and day of a day counted from 1970-01-01: Howard Hinnant's
/// `civil_from_days`, for days after the epoch.
#[must_use]
pub fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        year_of_era + era * 400 + u64::from(month <= 2),
        month,
        day_of_month,
    )
}

/// Hinnant's `days_from_civil`, for years from 1970 on.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let era = year / 400;
    let year_of_era = year % 400;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_date_is_none() {
        for wrong in [
            "",
            "2026",
            "2026-2-3",
            "2026-02-30",
            "2026-13-01",
            "1969-12-31",
            "2026-11-26T00",
            "2026-11-00",
            "99999999999999999999-01-01",
        ] {
            assert_eq!(start_of(wrong), None, "{wrong}");
        }
        assert_eq!(start_of("2000-02-29"), Some(951_782_400_000));
    }

    proptest! {
        #[test]
        fn a_date_is_read_back(day in 0_u64..2_900_000) {
            let ms = day * MS_A_DAY;
            prop_assert_eq!(start_of(&date(ms + MS_A_DAY - 1)), Some(ms));
        }
    }
}
