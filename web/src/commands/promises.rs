//! `imgshare promises`: what is promised, what keeps it, when that was last
//! proved, and how it stands.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::retention::Door;
use super::{CommandError, output};
use crate::config::Settings;
use crate::promises::proofs::Proofs;
use crate::promises::{Facts, PROMISES, Promise, Standing};
use crate::retention::control::{Answer, Command};

/// Exit status when a promise is not kept.
const NOT_KEPT: u8 = 1;

/// Exit status when none is known not to be kept, and one needs the operator or is
/// not known; 2 is for a wrong command line.
const OPEN: u8 = 3;

/// Flags of `promises`.
#[derive(Debug, Args)]
pub struct PromisesArgs {
    /// One JSON object a line instead of a table.
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(settings: &Settings, arguments: &PromisesArgs) -> Result<ExitCode, CommandError> {
    let facts = facts(settings)?;
    let proofs = Proofs::recorded();
    let mut status = ExitStatus::default();
    for promise in &PROMISES {
        let standing = facts.standing(promise, &proofs);
        status.meets(&standing);
        let text = if arguments.json {
            as_object(promise, &standing, &proofs).to_string()
        } else {
            as_text(promise, &standing, &proofs)
        };
        if !output::line(text)? {
            break;
        }
    }
    Ok(ExitCode::from(status.0))
}

/// The exit status of the promises so far: the gravest of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct ExitStatus(u8);

impl ExitStatus {
    fn meets(&mut self, standing: &Standing) {
        self.0 = match standing {
            Standing::Broken(_) => NOT_KEPT,
            Standing::Needs(_) | Standing::Unknown(_) if self.0 != NOT_KEPT => OPEN,
            _ => self.0,
        };
    }
}

/// What can be looked up; without a data folder the settings alone.
fn facts(settings: &Settings) -> Result<Facts<'_>, CommandError> {
    let mut facts = Facts {
        settings,
        sight: None,
    };
    if settings.data.join("db").is_dir() {
        let answer = Door::open(settings)?.ask(&Command::Look)?;
        if let Answer::Looked { sight } = answer {
            facts.sight = Some(sight);
        }
    }
    Ok(facts)
}

fn as_object(promise: &Promise, standing: &Standing, proofs: &Proofs<'_>) -> serde_json::Value {
    let keepers = promise.kept_by.iter();
    json!({
        "promise": promise.number,
        "words": promise.words,
        "kept_by": keepers.map(|keeper| json!({"kind": keeper.kind(), "what": keeper.what()})).collect::<Vec<_>>(),
        "proofs": proofs.of(promise).collect::<Vec<_>>(),
        "last_proof": proofs.day,
        "commit": proofs.commit,
        "state": standing.as_str(),
        "why": standing.words(proofs),
    })
}

fn as_text(promise: &Promise, standing: &Standing, proofs: &Proofs<'_>) -> String {
    let mut text = format!("{:<5} {}\n", promise.number, promise.words);
    for keeper in promise.kept_by {
        text.push_str(&format!("      kept by    {}\n", keeper.words()));
    }
    let n_tests = proofs.of(promise).count();
    text.push_str(&format!(
        "      last proof {}, {n_tests} tests\n      state      {}\n",
        proofs.day,
        standing.words(proofs)
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_that_of_the_gravest() {
        let why = || "why".to_owned();
        let status = |met: &[Standing]| {
            let mut status = ExitStatus::default();
            met.iter().for_each(|standing| status.meets(standing));
            status.0
        };
        assert_eq!(
            status(&[Standing::Observed(why()), Standing::ByConstruction]),
            0
        );
        assert_eq!(
            status(&[Standing::Needs(why()), Standing::ByConstruction]),
            3
        );
        assert_eq!(status(&[Standing::Unknown(why())]), 3);
        assert_eq!(
            status(&[Standing::Needs(why()), Standing::Broken(why())]),
            1
        );
        assert_eq!(
            status(&[Standing::Broken(why()), Standing::Needs(why())]),
            1
        );
    }
}
