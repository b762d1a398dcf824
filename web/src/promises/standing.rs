//! How a promise stands on this very service, and how that is known.

use super::Promise;
use super::proofs::Proofs;
use crate::config::Settings;
use crate::retention::Sight;

/// How a promise stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is kept: this was looked up just now, and says so.
    Observed(String),
    /// Nothing of it can be looked up while the service runs: the program cannot
    /// do otherwise, and tests have shown that.
    ByConstruction,
    /// It is kept as far as this service goes; the operator has to do the rest.
    Needs(String),
    /// It is not kept at present.
    Broken(String),
    /// Nobody could look.
    Unknown(String),
}

impl Standing {
    /// Its stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Observed(_) => "kept-observed",
            Self::ByConstruction => "kept-by-construction",
            Self::Needs(_) => "needs-operator",
            Self::Broken(_) => "not-kept",
            Self::Unknown(_) => "not-known",
        }
    }

    /// It in words.
    #[must_use]
    pub fn words(&self, proofs: &Proofs<'_>) -> String {
        match self {
            Self::Observed(what) => format!("kept (observed now: {what})"),
            Self::ByConstruction => {
                let version = match proofs.commit {
                    "" => String::new(),
                    commit => format!(" of {commit}"),
                };
                let day = proofs.day;
                format!("kept by construction (tests{version} passed on {day})")
            }
            Self::Needs(why) => format!("needs the operator: {why}"),
            Self::Broken(why) => format!("NOT kept: {why}"),
            Self::Unknown(why) => format!("not known: {why}"),
        }
    }
}

/// What promises are judged by.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// What was looked at; `None` when nobody could look.
    pub sight: Option<Sight>,
}

impl Facts<'_> {
    /// How a promise stands. What no test has proved is not kept by construction.
    #[must_use]
    pub fn standing(&self, promise: &Promise, proofs: &Proofs<'_>) -> Standing {
        match (promise.judged)(self) {
            Standing::ByConstruction if proofs.of(promise).next().is_none() => {
                Standing::Unknown("no test is recorded that proves it".to_owned())
            }
            standing => standing,
        }
    }
}
