//! `imgshare block`: networks that are denied, by whoever has the data folder.
//! The service that holds the database is asked where one runs.

use std::process::ExitCode;

use clap::Subcommand;

use super::{CommandError, admin, output};
use crate::abuse::{BlockAnswer, BlockCommand};
use crate::clock;
use crate::config::Settings;
use crate::staff::control::{AdminAnswer, AdminCommand};

/// What to do with blocks.
#[derive(Debug, Subcommand)]
pub enum BlockArgs {
    /// Deny uploads and images to a network. It ends by itself.
    #[command(
        after_help = "Examples:\n  imgshare block add 203.0.113.0/24 --days 7 --reason spam\n  \
        imgshare block add 2001:db8:7::/48 --reason \"guessing ids\""
    )]
    Add {
        /// An address, or a network such as 203.0.113.0/24.
        network: String,
        /// For how many days, 90 at most.
        #[arg(long, default_value_t = 7, value_name = "N")]
        days: u64,
        /// Why; shown to staff.
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Name all that are in force.
    List,
    /// Lift a block.
    Remove {
        /// The network, as `list` names it.
        network: String,
    },
}

impl BlockArgs {
    fn command(&self) -> BlockCommand {
        match self {
            Self::List => BlockCommand::List,
            Self::Remove { network } => BlockCommand::Remove {
                network: network.clone(),
            },
            Self::Add {
                network,
                days,
                reason,
            } => BlockCommand::Add {
                network: network.clone(),
                days: *days,
                reason: reason.clone(),
            },
        }
    }
}

pub(super) fn run(settings: &Settings, arguments: &BlockArgs) -> Result<ExitCode, CommandError> {
    let command = AdminCommand::Block {
        block: arguments.command(),
    };
    match admin::answered(settings, &command)? {
        AdminAnswer::Block { block } => print(&block),
        AdminAnswer::Refused { error } => Err(CommandError::Admin(error)),
        _ => Err(CommandError::Admin(
            "the service answers another question".to_owned(),
        )),
    }
}

fn print(answer: &BlockAnswer) -> Result<ExitCode, CommandError> {
    match answer {
        BlockAnswer::Done { network } => {
            output::line(format_args!("done: {network}"))?;
        }
        BlockAnswer::Blocks { blocks } if blocks.is_empty() => {
            output::line("nobody is blocked")?;
        }
        BlockAnswer::Blocks { blocks } => {
            for block in blocks {
                let until = clock::rfc3339(block.until_ms);
                let (network, by, reason) = (block.network.to_string(), &block.by, &block.reason);
                let line = format!("{network:<28} until {until}, by {by}  {reason}");
                if !output::line(line.trim_end())? {
                    break;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
