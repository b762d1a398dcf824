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
const BROKEN: u8 = 1;

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
    let mut is_kept = true;
    for promise in &PROMISES {
        let standing = facts.standing(promise);
        is_kept &= !matches!(standing, Standing::Broken(_));
        let text = if arguments.json {
            as_object(promise, &standing, &proofs).to_string()
        } else {
            as_text(promise, &standing, &proofs)
        };
        if !output::line(text)? {
            break;
        }
    }
    Ok(if is_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(BROKEN)
    })
}

/// What can be looked up; without a data folder the settings alone.
fn facts(settings: &Settings) -> Result<Facts<'_>, CommandError> {
    let mut facts = Facts {
        settings,
        lateness: None,
    };
    if settings.data.join("db").is_dir() {
        let answer = Door::open(settings)?.ask(&Command::Look)?;
        if let Answer::Looked { lateness } = answer {
            facts.lateness = Some(lateness);
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
        "why": standing.words(),
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
        standing.words()
    ));
    text
}
