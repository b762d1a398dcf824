//! The command line.

mod moderation;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use crate::commands::admin::AdminArgs;
pub use crate::commands::audit::AuditArgs;
pub use crate::commands::backup::{BackupArgs, RestoreArgs};
use crate::commands::bench::BenchCommand;
pub use crate::commands::block::BlockArgs;
pub use crate::commands::data_map::DataMapCommand;
pub use crate::commands::promises::PromisesArgs;
pub use crate::commands::retention::RetentionArgs;
use crate::config::{LogFormat, Overrides};

pub use moderation::{
    BankCommand, BankExportArgs, BankImportArgs, ListFormat, ListPolicy, PolicyName,
    RulesCheckArgs, RulesCommand, RulesReplayArgs, RulesThresholdsArgs,
};

/// An anonymous image host: removes metadata, classifies, stores, serves.
#[derive(Debug, Parser)]
#[command(name = "imgshare", version, max_term_width = 100)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Common {
    /// Settings file; without it `imgshare.toml` in the working folder, if there.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a list of targets.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How log lines look.
    #[arg(long, global = true, value_name = "FORMAT", value_enum)]
    pub log_format: Option<LogFormat>,
    /// Folder of images, records and weights [default: ./imgshare-data].
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service.
    ///
    /// The first start fetches the classifier's weights through npm. SIGTERM
    /// and Ctrl-C finish what is in flight and stop.
    #[command(after_help = "Examples:\n  imgshare serve\n  imgshare serve --listen \
        0.0.0.0:8080 --data /var/lib/imgshare\n  IMGSHARE_BASE_URL=https://img.example \
        imgshare serve --device gpu")]
    Serve(ServeArgs),
    /// Classify image files without storing anything.
    ///
    /// Takes files and folders (with everything below them, links not
    /// followed). A file that cannot be read or is refused is reported and
    /// does not stop the rest; the exit status is 1 if none could be read.
    #[command(
        after_help = "Examples:\n  imgshare classify photo.jpg\n  imgshare classify \
        --json ~/Pictures > scores.jsonl\n\nWith --json each line is an object with path, \
        label, confidence, model (which\ndecided), scores, width, height, frames, mime, bytes \
        and timings, or with path, code\nand error."
    )]
    Classify(ClassifyArgs),
    /// Say whether image files are clean, and what they carry if not.
    ///
    /// A file is clean when it holds nothing but its picture: the service would
    /// store it byte for byte as it is, or the same data cut into other pieces,
    /// which is said then. What else is in it is named with its place and size,
    /// never quoted. Nothing is stored or sent, and no weights are needed. The
    /// exit status is 0 when every file is clean, 1 when one is not or cannot be
    /// proved to be, and 2 when one cannot be read or is of no accepted format.
    #[command(after_help = "Examples:\n  imgshare verify photo.jpg\n  curl -s \
        http://127.0.0.1:8080/i/ID.jpg | imgshare verify -\n  imgshare verify --json *.png | \
        jq 'select(.clean | not)'\n\nWith --json each line is an object with path, clean, \
        format, fate, carried (a list\nof what, offset and bytes), omitted, bytes, stored_bytes \
        and differs (where the two\nfirst do), or with path, code and error. The fate is \
        stored-as-it-is, cut-anew\n(it carries nothing, and would be rewritten), rewritten, or \
        refused with its code.")]
    Verify(VerifyArgs),
    /// Fetch, list or check the classifiers' weights.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Measure this machine: images a second, and where the time goes.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Invite and manage the staff.
    ///
    /// Works while the service runs, and while it does not, over the same data
    /// folder.
    #[command(subcommand)]
    Admin(AdminArgs),
    /// Prove or export the audit of what the staff did.
    #[command(subcommand)]
    Audit(AuditArgs),
    /// Rebuild the database from what lies beside the images.
    ///
    /// Stop the service first. The old database is put aside, not deleted. Every
    /// original is read and compared with the hash in its record. One that is
    /// missing or damaged is named and counts as lost, and the exit status is 1. So it
    /// is where accounts, holds, reports or other entries were lost: restore a backup
    /// before the service starts.
    #[command(after_help = "Example:\n  imgshare repair --data /var/lib/imgshare")]
    Repair,
    /// Make a backup, or look after backups.
    ///
    /// Works while the service runs, and while it does not. Images that are in
    /// the backup are not written again; everything is sealed with a key. Backups
    /// older than `backup.days_max` are ended. The exit status is 1 when an image
    /// could not be taken; it is named.
    #[command(
        after_help = "Examples:\n  imgshare backup keygen backup.key\n  imgshare backup \
        --to /mnt/backup --key backup.key\n  imgshare backup verify --from /mnt/backup --key \
        backup.key"
    )]
    Backup(BackupArgs),
    /// Bring a backup back. Stop the service first.
    ///
    /// What was deleted since the backup stays so. A database that can be read
    /// is left as it is, and only what is missing or damaged is brought back: every
    /// original is read. Into a database that `imgshare repair` had to make anew,
    /// entries that were lost are brought back too. What cannot be brought back is
    /// named, and the exit status is 1. So it is where the newest backup does not say
    /// any more what was deleted: some of it may be back.
    #[command(
        after_help = "Example:\n  imgshare restore --from /mnt/backup --key backup.key \
        --data /var/lib/imgshare"
    )]
    Restore(RestoreArgs),
    /// Print everything that is kept, or compare a data folder with that.
    #[command(subcommand)]
    DataMap(DataMapCommand),
    /// Print the promises of the privacy policy, what keeps each, and how it stands.
    ///
    /// Looks into the data folder, or asks the service that has it. The exit
    /// status is 0 when every promise is kept; 1 when one is not; 3 when none is
    /// known not to be kept, and one needs the operator or cannot be looked at.
    #[command(
        after_help = "Examples:\n  imgshare promises\n  imgshare promises --json | \
        jq 'select(.state | startswith(\"kept\") | not)'"
    )]
    Promises(PromisesArgs),
    /// End what is kept too long, and say what would end.
    ///
    /// Works while the service runs, and while it does not, over the same data
    /// folder.
    #[command(subcommand)]
    Retention(RetentionArgs),
    /// Read or write the list of images that must not come back.
    #[command(subcommand)]
    Bank(BankCommand),
    /// Deny uploads and images to networks.
    ///
    /// Works while the service runs, and while it does not, over the same data
    /// folder.
    #[command(subcommand)]
    Block(BlockArgs),
    /// Try rules on the images that are stored.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Print the effective settings as TOML.
    ///
    /// Defaults, then the settings file, then IMGSHARE_* variables (a setting
    /// `limits.side_px_max` is IMGSHARE_LIMITS_SIDE_PX_MAX), then flags.
    #[command(after_help = "Example:\n  imgshare config > imgshare.toml")]
    Config,
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port of the service [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address and port of /metrics, or off [default: 127.0.0.1:9090].
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// Start of every link, such as https://img.example.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Flags about the classifier.
    #[command(flatten)]
    pub classifier: ClassifierArgs,
}

/// Flags about the classifier.
#[derive(Debug, Args)]
pub struct ClassifierArgs {
    /// What classifies: auto, gpu, cpu or software-gpu [default: auto].
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// How the CPU computes: auto or one that `imgshare models check` lists.
    #[arg(long, value_name = "WAY")]
    pub cpu_path: Option<String>,
    /// Never fetch weights; without them nothing starts.
    #[arg(long)]
    pub offline: bool,
}

/// Flags of `classify`.
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// Image files and folders.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Flags about the classifier.
    #[command(flatten)]
    pub classifier: ClassifierArgs,
}

/// Flags of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Image files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// One JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// What to do with weights.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Fetch weights and install them.
    ///
    /// Gets the package through `npm pack`, checks its hash and the weights'
    /// own, and converts them. With --from no network is used.
    #[command(
        after_help = "Examples:\n  imgshare models pull\n  imgshare models pull --all\n  \
        imgshare models pull --from nsfwjs-4.4.0.tgz"
    )]
    Pull(PullArgs),
    /// Say what is installed and whether it is whole.
    List,
    /// Run known inputs through the classifier on a device.
    ///
    /// Says first which ways of computing this CPU has, the fastest first as far as
    /// that is known.
    #[command(
        after_help = "Examples:\n  imgshare models check\n  imgshare models check --device cpu \
        --cpu-path avx2"
    )]
    Check(CheckArgs),
}

/// Flags of `models pull`.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Models by id; without any the default one.
    #[arg(value_name = "ID", conflicts_with = "all")]
    pub ids: Vec<String>,
    /// Every known model.
    #[arg(long)]
    pub all: bool,
    /// A tarball of the package on disk instead of the network.
    #[arg(long, value_name = "TARBALL")]
    pub from: Option<PathBuf>,
}

/// Flags of `models check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What classifies: auto, gpu, cpu or software-gpu [default: auto].
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// How the CPU computes: auto or one of those that are listed [default: auto].
    #[arg(long, value_name = "WAY")]
    pub cpu_path: Option<String>,
}

impl Cli {
    /// What the flags say about settings.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let Common {
            config,
            log_level,
            log_format,
            data,
        } = &self.common;
        let mut overrides = Overrides {
            config: config.clone(),
            values: Vec::new(),
        };
        overrides.set(
            "--data",
            "data",
            data.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
        );
        overrides.set("--log-level", "log.level", log_level.clone());
        let log_format = log_format.map(|format| match format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        });
        overrides.set("--log-format", "log.format", log_format);
        match &self.command {
            Command::Serve(serve) => {
                overrides.set("--listen", "listen", serve.listen.clone());
                overrides.set(
                    "--metrics-listen",
                    "http.metrics_listen",
                    serve.metrics_listen.clone(),
                );
                overrides.set("--base-url", "base_url", serve.base_url.clone());
                serve.classifier.set(&mut overrides);
            }
            Command::Classify(classify) => classify.classifier.set(&mut overrides),
            Command::Models(ModelsCommand::Check(check)) => {
                overrides.set("--device", "device", check.device.clone());
                overrides.set("--cpu-path", "models.cpu_path", check.cpu_path.clone());
            }
            Command::Bench(bench) => bench.set(&mut overrides),
            Command::Models(_)
            | Command::Verify(_)
            | Command::Admin(_)
            | Command::Audit(_)
            | Command::Repair
            | Command::DataMap(_)
            | Command::Promises(_)
            | Command::Retention(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Bank(_)
            | Command::Block(_)
            | Command::Rules(_)
            | Command::Config => {}
        }
        overrides
    }
}

impl ClassifierArgs {
    /// Adds what the flags say.
    pub(crate) fn set(&self, overrides: &mut Overrides) {
        overrides.set("--device", "device", self.device.clone());
        overrides.set("--cpu-path", "models.cpu_path", self.cpu_path.clone());
        overrides.set(
            "--offline",
            "models.auto_pull",
            self.offline.then(|| "false".to_owned()),
        );
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        let cli = Cli::parse_from([
            "imgshare",
            "serve",
            "--data",
            "/tmp/x",
            "--listen",
            "127.0.0.1:1",
            "--offline",
            "--metrics-listen",
            "off",
            "--log-format",
            "json",
        ]);
        let settings = config::load_from(&cli.overrides(), []).unwrap();
        assert_eq!(settings.data, PathBuf::from("/tmp/x"));
        assert_eq!(settings.listen.port(), 1);
        assert!(!settings.models.auto_pull);
        assert_eq!(settings.http.metrics_listen.0, None);
        assert_eq!(settings.log.format, LogFormat::Json);
    }

    #[test]
    fn a_wrong_flag_is_named() {
        let cli = Cli::parse_from(["imgshare", "serve", "--listen", "nowhere"]);
        let message = config::load_from(&cli.overrides(), [])
            .unwrap_err()
            .to_string();
        assert!(message.contains("--listen"), "{message}");
    }
}
