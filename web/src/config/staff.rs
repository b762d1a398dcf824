//! Settings about accounts of the staff.

use imgshare_storage::staff::{LockoutRules, SessionTimes};
use serde::{Deserialize, Serialize};

const MS_A_MINUTE: u64 = 60_000;

/// Between password and second factor: enough to look for a phone.
const HALF_MINUTES_MAX: u64 = 5;

/// Accounts of the staff: sessions, locks, invitations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Staff {
    /// Time without use after which a session is over.
    pub session_idle_minutes_max: u64,
    /// Time after which a session is over in any case.
    pub session_hours_max: u64,
    /// Time for which a second factor counts as fresh, for dangerous acts.
    pub step_up_minutes_max: u64,
    /// Time in which an invitation can be used.
    pub invitation_hours_max: u64,
    /// Wrong passwords or codes in a row after which a name is locked. Each
    /// further one doubles the lock.
    pub failures_max: u32,
    /// Longest lock of a name.
    pub lock_minutes_max: u64,
    /// Wrong passwords a minute from one network, over all names; more wait.
    pub failures_per_minute_max: u32,
    /// Passwords checked at once; each takes 19 MiB for a moment.
    pub passwords_at_once_max: usize,
}

impl Default for Staff {
    fn default() -> Self {
        Self {
            session_idle_minutes_max: 30,
            session_hours_max: 12,
            step_up_minutes_max: 5,
            invitation_hours_max: 48,
            failures_max: 5,
            lock_minutes_max: 60,
            failures_per_minute_max: 60,
            passwords_at_once_max: 2,
        }
    }
}

impl Staff {
    /// How long sessions live.
    #[must_use]
    pub fn session_times(&self) -> SessionTimes {
        SessionTimes {
            idle_ms_max: minutes(self.session_idle_minutes_max),
            age_ms_max: minutes(self.session_hours_max.saturating_mul(60)),
            half_ms_max: minutes(HALF_MINUTES_MAX),
        }
    }

    /// When names are locked.
    #[must_use]
    pub fn lockout_rules(&self) -> LockoutRules {
        LockoutRules {
            free_failures: self.failures_max,
            lock_ms_max: minutes(self.lock_minutes_max),
        }
    }

    /// For how long a second factor is fresh, in milliseconds.
    #[must_use]
    pub fn step_up_ms_max(&self) -> u64 {
        minutes(self.step_up_minutes_max)
    }

    /// For how long an invitation is good, in milliseconds.
    #[must_use]
    pub fn invitation_ms_max(&self) -> u64 {
        minutes(self.invitation_hours_max.saturating_mul(60))
    }

    /// The settings that mean nothing at 0.
    pub(super) fn counts(&self) -> [(&'static str, u64); 8] {
        [
            (
                "staff.session_idle_minutes_max",
                self.session_idle_minutes_max,
            ),
            ("staff.session_hours_max", self.session_hours_max),
            ("staff.step_up_minutes_max", self.step_up_minutes_max),
            ("staff.invitation_hours_max", self.invitation_hours_max),
            ("staff.failures_max", self.failures_max.into()),
            ("staff.lock_minutes_max", self.lock_minutes_max),
            (
                "staff.failures_per_minute_max",
                self.failures_per_minute_max.into(),
            ),
            (
                "staff.passwords_at_once_max",
                u64::try_from(self.passwords_at_once_max).unwrap_or(u64::MAX),
            ),
        ]
    }
}

fn minutes(count: u64) -> u64 {
    count.saturating_mul(MS_A_MINUTE)
}
