//! Flags of `bank` and `rules`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use imgshare_storage::moderation::{BankHash, BankPolicy, Policy};

/// What to do with the hash bank.
#[derive(Debug, Subcommand)]
pub enum BankCommand {
    /// Add a list of hashes; those that are there already stay as they are.
    ///
    /// JSON lines with `hash`, or CSV with one column `hash`, `pdq` or `sha256`; a hash
    /// is pdq: or sha256: and 64 hexadecimal characters, and 64 characters alone are
    /// of the column's kind, PDQ under `hash` or without a first line that names it.
    /// Where that line names none, nothing is added. A sha256 is
    /// compared with every upload twice: with the file as it came, and as it is
    /// stored without its metadata. Of the first nothing is kept, so copies that are
    /// stored already are found by what is stored and by PDQ alone: within moments by
    /// a service that runs, else when it starts.
    #[command(
        after_help = "Examples:\n  imgshare bank import shared.csv --against illegal\n  \
        imgshare bank import own.jsonl --policy refuse --reason \"court order 7/26\""
    )]
    Import(BankImportArgs),
    /// Print the hashes with what is known of them. Works while the service
    /// runs, and while it does not.
    Export(BankExportArgs),
    /// Say how many hashes there are, or what is known of one.
    ///
    /// Works while the service runs, and while it does not.
    Show(BankShowArgs),
    /// Take one hash out, so that its image can be uploaded again.
    ///
    /// Images that were removed for it stay removed. Works while the service runs,
    /// and while it does not.
    #[command(
        after_help = "Example:\n  imgshare bank remove pdq:f8f8f0cee0f4a84f06370a22038f63\
        f0b36e2ed596621e1d33e6b39c4e9c9b22"
    )]
    Remove(BankRemoveArgs),
}

/// Flags of `bank import`.
#[derive(Debug, Args)]
pub struct BankImportArgs {
    /// The list; - is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// What happens to uploads that match, unless a line says so.
    #[arg(long, value_enum, default_value = "queue")]
    pub policy: ListPolicy,
    /// Against which policy the images are, unless a line says so.
    #[arg(long, default_value = "illegal", value_name = "POLICY")]
    pub against: PolicyName,
    /// Why, unless a line says so.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub reason: String,
}

/// Flags of `bank show`.
#[derive(Debug, Args)]
pub struct BankShowArgs {
    /// pdq: or sha256: and 64 hexadecimal characters; without it, how many there are.
    #[arg(value_name = "HASH")]
    pub hash: Option<BankHash>,
}

/// Flags of `bank remove`.
#[derive(Debug, Args)]
pub struct BankRemoveArgs {
    /// pdq: or sha256: and 64 hexadecimal characters, as `export` prints them.
    #[arg(value_name = "HASH")]
    pub hash: BankHash,
}

/// Flags of `bank export`.
#[derive(Debug, Args)]
pub struct BankExportArgs {
    /// How the list is written.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub format: ListFormat,
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated, with a header.
    Csv,
}

/// What happens to what matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListPolicy {
    /// It is not taken in.
    Refuse,
    /// It is hidden until somebody has looked.
    Queue,
}

impl From<ListPolicy> for BankPolicy {
    fn from(policy: ListPolicy) -> Self {
        match policy {
            ListPolicy::Refuse => Self::Refuse,
            ListPolicy::Queue => Self::Queue,
        }
    }
}

/// A policy by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyName(pub Policy);

impl FromStr for PolicyName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = serde_json::Value::String(text.to_owned());
        serde_json::from_value(name)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Say whether a file of rules can be used.
    ///
    /// They stand under [[moderation.rules]] as in the settings, or under [[rules]].
    Check(RulesCheckArgs),
    /// Say what rules would change about the images that are stored.
    ///
    /// Judges again from the stored scores; nothing is changed. Stop the
    /// service first.
    #[command(
        after_help = "Examples:\n  imgshare rules replay\n  imgshare rules replay \
        --rules new.toml --images 20"
    )]
    Replay(RulesReplayArgs),
    /// Say which thresholds are in force, and whether staff have set them or the
    /// settings. Works while the service runs, and while it does not.
    #[command(
        after_help = "Examples:\n  imgshare rules thresholds\n  imgshare rules thresholds \
        --reset"
    )]
    Thresholds(RulesThresholdsArgs),
    /// Say what the candidate model of `models.shadow` would have done. Works while
    /// the service runs, and while it does not.
    ShadowModel,
}

/// Flags of `rules thresholds`.
#[derive(Debug, Args)]
pub struct RulesThresholdsArgs {
    /// Put those of the settings in force again, and relabel what is stored.
    #[arg(long)]
    pub reset: bool,
}

/// Flags of `rules check`.
#[derive(Debug, Args)]
pub struct RulesCheckArgs {
    /// The rules, as TOML or as JSON.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Flags of `rules replay`.
#[derive(Debug, Args)]
pub struct RulesReplayArgs {
    /// Rules as TOML or as JSON, instead of those in force.
    #[arg(long = "rules", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Images that are named, for each change.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub images: usize,
}
