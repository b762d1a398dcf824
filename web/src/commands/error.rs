//! Why a command failed, in one line with its remedy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use imgshare_models::pull::PullError;
use imgshare_models::{EngineError, WeightsError};
use imgshare_pipeline::StartError;
use imgshare_storage::StorageError;
use imgshare_storage::moderation::ModerationError;

use super::bench::BenchError;
use crate::cdn::CdnError;
use crate::config::ConfigError;
use crate::http::server::tls::TlsError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The settings are not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificate or key are not usable.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// Nobody can be told to purge.
    #[error(transparent)]
    Cdn(#[from] CdnError),
    /// The store cannot be opened.
    #[error("{source}{}", remedy(.source, .data))]
    Store {
        /// What it said.
        source: StorageError,
        /// The data folder.
        data: PathBuf,
    },
    /// The weights are missing or damaged.
    #[error("{source}{hint}")]
    Weights {
        /// What is wrong with them, and the remedy.
        source: WeightsError,
        /// Why they were not fetched, if that was not allowed.
        hint: &'static str,
    },
    /// The weights could not be fetched.
    #[error("the classifier's weights could not be fetched: {0}")]
    Pull(#[from] PullError),
    /// The classifier does not run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The classifier's device gave an answer that is not the known one.
    #[error("{device} answers wrongly: {mismatch}")]
    Golden {
        /// The device.
        device: String,
        /// What it answered.
        mismatch: imgshare_models::golden::GoldenMismatch,
    },
    /// The queue or the hash bank failed.
    #[error(transparent)]
    Moderation(ModerationError),
    /// What a flag or a file says cannot be used.
    #[error("{0}")]
    Argument(String),
    /// The pipeline did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// What was asked about the staff was refused.
    #[error("{0}")]
    Admin(String),
    /// The key of second factors cannot be read or made.
    #[error(transparent)]
    Vault(#[from] crate::staff::vault::VaultError),
    /// A folder cannot be compared with the data map.
    #[error(transparent)]
    DataMap(crate::data_map::check::CheckError),
    /// There is no figure.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}{}", listen_remedy(.source, .flag))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that chooses another one.
        flag: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The runtime or a signal handler could not be set up.
    #[error("the system refused what the service needs: {0}")]
    System(io::Error),
    /// Standard output is gone.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
}

fn listen_remedy(source: &io::Error, flag: &str) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            format!("; stop what uses it, or choose another address with {flag}")
        }
        io::ErrorKind::PermissionDenied => {
            format!("; choose a port above 1023 with {flag}, or grant the right to bind low ports")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("; it is no address of this machine, choose another with {flag}")
        }
        _ => String::new(),
    }
}

fn remedy(source: &StorageError, data: &std::path::Path) -> String {
    match source {
        StorageError::ReadOnly { .. } => format!(
            "; make {} writable for this user, or choose another folder with --data",
            data.display()
        ),
        StorageError::NoSpace { .. } => "; make room and start again".to_owned(),
        _ => String::new(),
    }
}
