//! `imgshare rules`: what other rules would change, before they do, which
//! thresholds are in force, and what a candidate model would have done.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use imgshare_storage::moderation::{Bank, Queue, QueueSettings};
use imgshare_storage::{StorageError, Store};

use super::{CommandError, admin, output};
use crate::cli::{RulesCommand, RulesReplayArgs, RulesThresholdsArgs};
use crate::clock;
use crate::config::Settings;
use crate::moderation::gate::Gate;
use crate::moderation::replay::Replay;
use crate::moderation::rulebook::RuleBook;
use crate::moderation::rules::{self, Rule};
use crate::moderation::shadow_model::{self, Compared};
use crate::moderation::thresholds::ThresholdBook;
use crate::staff::control::{AdminAnswer, AdminCommand};

/// Largest file of rules, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

pub(super) fn run(settings: &Settings, command: &RulesCommand) -> Result<ExitCode, CommandError> {
    match command {
        RulesCommand::Check(arguments) => {
            let rules = read(&arguments.file)?;
            output::line(format_args!("{} rules can be used", rules.len()))?;
        }
        RulesCommand::Replay(arguments) => replay(settings, arguments)?,
        RulesCommand::Thresholds(arguments) => thresholds(settings, arguments)?,
        RulesCommand::ShadowModel => candidate_model(settings)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn replay(settings: &Settings, arguments: &RulesReplayArgs) -> Result<(), CommandError> {
    let failed = |source| CommandError::Store {
        source,
        data: settings.data.clone(),
    };
    let store = match Store::open_at(&settings.data, clock::now_ms()) {
        Err(StorageError::Locked { .. }) => {
            return Err(CommandError::Admin(
                "a service has the database: preview rules on its page /staff/rules, or stop it \
                 and run this again"
                    .to_owned(),
            ));
        }
        opened => opened.map_err(failed)?,
    };
    let thresholds = ThresholdBook::open(&store, &settings.moderation).map_err(failed)?;
    let rules = match &arguments.file {
        Some(file) => read(file)?,
        None => {
            let book = RuleBook::open(&store, &settings.moderation.rules);
            book.map_err(failed)?.rules().to_vec()
        }
    };
    let store = Arc::new(store);
    let bank = Arc::new(Bank::new(Arc::clone(&store)));
    let queue = Queue::new(store, bank, QueueSettings::default());
    let gate = Gate {
        moderation: &thresholds.moderation(),
        rules: &rules,
        now_ms: clock::now_ms(),
    };
    let replay = Replay::run(&queue, &gate, arguments.images, None)?;
    output::line(format_args!(
        "{} images judged again; {} decided by staff and {} without scores stay as they are",
        replay.n_images, replay.n_decided, replay.n_unscored
    ))?;
    for ((from, to), change) in &replay.changes {
        output::line(format_args!(
            "{} -> {}: {}",
            from.as_str(),
            to.as_str(),
            change.n_images
        ))?;
        for image in &change.images {
            output::line(format_args!("  {image}"))?;
        }
    }
    Ok(())
}

fn thresholds(settings: &Settings, arguments: &RulesThresholdsArgs) -> Result<(), CommandError> {
    let command = AdminCommand::Thresholds {
        reset: arguments.reset,
    };
    match admin::answered(settings, &command)? {
        AdminAnswer::Thresholds {
            explicit,
            sexy,
            ads,
            review_band,
            set,
        } => {
            output::line(format_args!(
                "explicit_min = {explicit}\nsexy_min = {sexy}\nads_free_min = {ads}\nreview_band = \
                 {review_band}"
            ))?;
            output::line(match set {
                Some((by, at_ms)) => {
                    format!(
                        "# set by {by} at {}, in place of the settings'",
                        clock::rfc3339(at_ms)
                    )
                }
                None => "# of the settings".to_owned(),
            })?;
            Ok(())
        }
        AdminAnswer::Refused { error } => Err(CommandError::Admin(error)),
        _ => Err(CommandError::Admin(
            "the service answers strangely".to_owned(),
        )),
    }
}

fn candidate_model(settings: &Settings) -> Result<(), CommandError> {
    let found = match admin::answered(settings, &AdminCommand::ShadowModel)? {
        AdminAnswer::ShadowModel { found } => found,
        AdminAnswer::Refused { error } => return Err(CommandError::Admin(error)),
        _ => {
            return Err(CommandError::Admin(
                "the service answers strangely".to_owned(),
            ));
        }
    };
    let Some((run, compared)) = found else {
        output::line("there is no candidate model: models.shadow names none")?;
        return Ok(());
    };
    let Compared {
        n_compared,
        n_same_label,
        moves,
        n_decided,
        n_right: [acting, candidate],
    } = compared;
    let beside = run.beside.join(" and ");
    output::line(format_args!(
        "{} beside {beside} since {}\n{n_compared} uploads compared, {n_same_label} with the \
         same label",
        run.model,
        clock::rfc3339(run.since_ms)
    ))?;
    for change in moves {
        output::line(format_args!(
            "{} -> {}: {}",
            shadow_model::words(change.from),
            shadow_model::words(change.to),
            change.n_images
        ))?;
    }
    output::line(format_args!(
        "{n_decided} decided as safe or nsfw: {beside} right in {acting}, {} in {candidate}",
        run.model
    ))?;
    Ok(())
}

fn read(file: &Path) -> Result<Vec<Rule>, CommandError> {
    let failed =
        |why: String| CommandError::Argument(format!("the rules in {}: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?;
    if size.len() > FILE_BYTES_MAX {
        return Err(failed(format!("more than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    let is_json = file
        .extension()
        .is_some_and(|extension| extension == "json");
    rules::read(&text, is_json).map_err(failed)
}
