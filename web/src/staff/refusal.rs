//! Why something under `/staff` is refused: status, stable code and words.

use std::time::Duration;

use axum::http::StatusCode;

/// A refusal. None of them tells whether an account exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody is logged in.
    #[error("You are not logged in, or not any more.")]
    SessionMissing,
    /// The password was shown, the second factor was not.
    #[error("The second factor is still missing.")]
    SecondFactorMissing,
    /// The role does not have the permission.
    #[error("Your role does not allow this.")]
    NotPermitted,
    /// The form or call does not carry this session's token.
    #[error("This form is not from a page of this session; load the page again.")]
    CsrfToken,
    /// The request comes from another site.
    #[error("This request was sent by another site.")]
    ForeignOrigin,
    /// A fresh proof of the second factor is asked for.
    #[error("This needs your second factor again.")]
    StepUpNeeded,
    /// Name, password, or both are wrong.
    #[error("The name or the password is wrong.")]
    LoginWrong,
    /// The code is wrong, too old, or was used before.
    #[error("The code is wrong, too old, or was used already.")]
    CodeWrong,
    /// The key that the app's secret is sealed under is not here.
    #[error(
        "Your authenticator app cannot be checked: this installation has lost the key for it. Use \
         a passkey or a recovery code, or ask an admin to reset your second factor."
    )]
    SecretUnreadable,
    /// The authenticator's answer does not hold.
    #[error("The passkey was not accepted.")]
    PasskeyWrong,
    /// Too many failures with this name from one network, or of one account.
    #[error("Too many attempts. Try again in {}.", minutes(.wait))]
    Locked {
        /// What is left of the lock.
        wait: Duration,
    },
    /// Too many failures from one network, or passwords at the same time.
    #[error("Too many people are logging in. Try again in a moment.")]
    Busy,
    /// Somebody else looks at what other rules would change.
    #[error("Somebody is looking at such a preview just now. Try again in a moment.")]
    PreviewBusy,
    /// Served without TLS to more than this machine.
    #[error(
        "Staff pages are served over TLS only: set base_url to the site's https address, or listen \
         on this machine alone."
    )]
    InsecureTransport,
    /// An invitation that is unknown, used or expired.
    #[error("This invitation is unknown, was used, or has expired. Ask for a new one.")]
    InvitationUnknown,
    /// What was entered cannot be taken.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Refusal {
    /// Status and code.
    #[must_use]
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::SessionMissing => (StatusCode::UNAUTHORIZED, "staff-session-missing"),
            Self::SecondFactorMissing => (StatusCode::UNAUTHORIZED, "staff-second-factor-missing"),
            Self::NotPermitted => (StatusCode::FORBIDDEN, "staff-not-permitted"),
            Self::CsrfToken => (StatusCode::FORBIDDEN, "staff-csrf-token"),
            Self::ForeignOrigin => (StatusCode::FORBIDDEN, "staff-foreign-origin"),
            Self::StepUpNeeded => (StatusCode::FORBIDDEN, "staff-step-up-needed"),
            Self::LoginWrong => (StatusCode::FORBIDDEN, "staff-login-wrong"),
            Self::CodeWrong => (StatusCode::FORBIDDEN, "staff-code-wrong"),
            Self::SecretUnreadable => (StatusCode::FORBIDDEN, "staff-secret-unreadable"),
            Self::PasskeyWrong => (StatusCode::FORBIDDEN, "staff-passkey-wrong"),
            Self::Locked { .. } => (StatusCode::TOO_MANY_REQUESTS, "staff-locked"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "staff-busy"),
            Self::PreviewBusy => (StatusCode::TOO_MANY_REQUESTS, "staff-preview-busy"),
            Self::InsecureTransport => (StatusCode::FORBIDDEN, "staff-insecure-transport"),
            Self::InvitationUnknown => (StatusCode::NOT_FOUND, "staff-invitation-unknown"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "staff-form-invalid"),
        }
    }

    /// When the same may be tried again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Locked { wait } => Some(*wait),
            Self::Busy => Some(Duration::from_secs(2)),
            Self::PreviewBusy => Some(Duration::from_secs(10)),
            _ => None,
        }
    }
}

/// A wait for people, rounded up.
fn minutes(wait: &Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_says_how_long() {
        let locked = |secs| {
            let wait = Duration::from_secs(secs);
            Refusal::Locked { wait }.to_string()
        };
        assert_eq!(locked(30), "Too many attempts. Try again in a minute.");
        assert_eq!(locked(61), "Too many attempts. Try again in 2 minutes.");
    }
}
