//! Business days of the United States, as 17 U.S.C. 512(g)(2)(C) counts them:
//! weekdays that are no federal holiday (5 U.S.C. 6103), with the day on which a
//! holiday of the weekend is observed instead.

use crate::calendar::{MS_A_DAY, civil, start_of};

/// More days than lie between eleven business days in any year.
const DAYS_LOOKED_AT_MAX: u64 = 4_000;

/// Where days begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Zone {
    /// How far it is ahead of UTC, in minutes.
    pub minutes_east: i16,
}

impl Zone {
    fn ms_east(self) -> i64 {
        i64::from(self.minutes_east) * 60_000
    }
}

/// The end of the n-th business day after a moment's own day, in milliseconds.
/// Days are those of the zone.
#[must_use]
pub fn end_of_business_day(from_ms: u64, n: u64, zone: Zone) -> u64 {
    let mut day = from_ms.saturating_add_signed(zone.ms_east()) / MS_A_DAY;
    let last = day.saturating_add(DAYS_LOOKED_AT_MAX);
    let mut n_left = n;
    while n_left > 0 && day < last {
        day += 1;
        if is_business_day(day) {
            n_left -= 1;
        }
    }
    let end_ms = day.saturating_add(1).saturating_mul(MS_A_DAY);
    end_ms.saturating_add_signed(-zone.ms_east())
}

/// Whether a day, counted from 1970-01-01, is one of business.
#[must_use]
pub fn is_business_day(day: u64) -> bool {
    !is_weekend(day) && !is_observed(day)
}

/// 1970-01-01 was a Thursday; 0 is Monday.
fn weekday(day: u64) -> u64 {
    (day + 3) % 7
}

fn is_weekend(day: u64) -> bool {
    weekday(day) >= 5
}

/// A holiday on Saturday is observed the Friday before, one on Sunday the
/// Monday after.
fn is_observed(day: u64) -> bool {
    is_holiday(day)
        || weekday(day) == 4 && is_holiday(day + 1)
        || weekday(day) == 0 && day > 0 && is_holiday(day - 1)
}

fn is_holiday(day: u64) -> bool {
    let (year, month, of_month) = civil(day);
    let nth = (of_month - 1) / 7 + 1;
    let is_last = of_month + 7 > days_in(year, month);
    match (month, weekday(day)) {
        // New Year, Juneteenth (from 2021), Independence, Veterans, Christmas.
        (1, _) if of_month == 1 => true,
        (6, _) if of_month == 19 && year >= 2021 => true,
        (7, _) if of_month == 4 => true,
        (11, _) if of_month == 11 => true,
        (12, _) if of_month == 25 => true,
        // Martin Luther King (from 1986) and Washington: third Mondays.
        (1, 0) => nth == 3 && year >= 1986,
        (2, 0) => nth == 3,
        // Memorial Day: the last Monday.
        (5, 0) => is_last,
        // Labor Day and Columbus Day.
        (9, 0) => nth == 1,
        (10, 0) => nth == 2,
        // Thanksgiving.
        (11, 3) => nth == 4,
        _ => false,
    }
}

fn days_in(year: u64, month: u64) -> u64 {
    let (next_year, next) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    let start = |year, month| start_of(&format!("{year:04}-{month:02}-01"));
    match (start(year, month), start(next_year, next)) {
        (Some(start), Some(end)) => (end - start) / MS_A_DAY,
        // Beyond year 9999 no calendar of ours goes.
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::date;

    fn observed_in(year: u64) -> Vec<String> {
        let start = start_of(&format!("{year}-01-01")).unwrap() / MS_A_DAY;
        let days = (start..start + 365).filter(|day| !is_weekend(*day) && is_observed(*day));
        days.map(|day| date(day * MS_A_DAY)[5..].to_owned())
            .collect()
    }

    /// The lists of the Office of Personnel Management.
    #[test]
    fn federal_holidays_of_known_years() {
        assert_eq!(
            observed_in(2024),
            [
                "01-01", "01-15", "02-19", "05-27", "06-19", "07-04", "09-02", "10-14", "11-11",
                "11-28", "12-25"
            ]
        );
        // Independence Day on Saturday: Friday the 3rd.
        assert_eq!(
            observed_in(2026),
            [
                "01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-11",
                "11-26", "12-25"
            ]
        );
        // Juneteenth on Saturday, Independence Day on Sunday, and New Year of
        // 2022 observed on the last day of the year.
        assert_eq!(
            observed_in(2021),
            [
                "01-01", "01-18", "02-15", "05-31", "06-18", "07-05", "09-06", "10-11", "11-11",
                "11-25", "12-24", "12-31"
            ]
        );
        // Before Juneteenth was one.
        assert!(!observed_in(2019).contains(&"06-19".to_owned()));
    }

    #[test]
    fn business_days_pass_over_weekends_and_holidays() {
        let end = |from: &str, n| {
            let end = end_of_business_day(start_of(from).unwrap() + 1, n, Zone::default());
            date(end - 1)
        };
        // Monday, no holiday near.
        assert_eq!(end("2026-03-02", 1), "2026-03-03");
        assert_eq!(end("2026-03-02", 10), "2026-03-16");
        assert_eq!(end("2026-03-02", 14), "2026-03-20");
        // A weekend's receipt counts from Monday.
        assert_eq!(end("2026-03-07", 1), "2026-03-09");
        // Thanksgiving, Christmas and New Year.
        assert_eq!(end("2026-11-24", 10), "2026-12-09");
        assert_eq!(end("2026-12-18", 10), "2027-01-05");
        assert_eq!(end("2026-03-02", 0), "2026-03-02");
    }

    #[test]
    fn no_time_is_too_late() {
        for minutes_east in [i16::MIN, 0, i16::MAX] {
            let zone = Zone { minutes_east };
            let _ = end_of_business_day(u64::MAX, 14, zone);
            let _ = end_of_business_day(0, 14, zone);
        }
    }

    #[test]
    fn days_are_those_of_the_zone() {
        const HOUR: u64 = 3_600_000;
        let end = |hour: u64, minutes_east| {
            // Friday, and a weekend behind it.
            let from = start_of("2026-03-06").unwrap() + hour * HOUR;
            end_of_business_day(from, 1, Zone { minutes_east })
        };
        let midnight = |day: &str| start_of(day).unwrap();
        assert_eq!(end(2, 0), midnight("2026-03-10"));
        // It is still Thursday in New York, whose Friday ends at five in UTC.
        assert_eq!(end(2, -300), midnight("2026-03-07") + 5 * HOUR);
        assert_eq!(end(12, -300), midnight("2026-03-10") + 5 * HOUR);
        // It is Saturday already in Auckland.
        assert_eq!(end(12, 780), midnight("2026-03-10") - 13 * HOUR);
    }
}
