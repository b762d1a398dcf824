//! Settings about notices of copyright.

use imgshare_storage::complaints::Zone;
use serde::{Deserialize, Serialize};

/// The largest distance of a time zone from UTC, in minutes: that of the Line
/// Islands.
const OFFSET_MINUTES_MAX: i16 = 14 * 60;

/// Notices of copyright.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Copyright {
    /// Where business days begin and end, in minutes east of UTC: -300 is New
    /// York in winter.
    pub time_zone_offset_minutes: i16,
}

impl Copyright {
    /// What is wrong with them.
    pub(super) fn broken(&self) -> Option<(&'static str, &'static str)> {
        let is_zone =
            self.time_zone_offset_minutes.unsigned_abs() <= OFFSET_MINUTES_MAX.unsigned_abs();
        (!is_zone).then_some((
            "copyright.time_zone_offset_minutes",
            "must lie between -840 and 840",
        ))
    }

    /// The zone of business days.
    #[must_use]
    pub fn zone(&self) -> Zone {
        Zone {
            minutes_east: self.time_zone_offset_minutes,
        }
    }
}
