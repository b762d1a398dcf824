//! A data folder, and commands that run over it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::Finished;
use crate::server::Server;
use crate::{binary, cache};

/// A command may classify a folder, or check the golden vectors of every batch
/// size, beside the other tests.
const ENDED_WITHIN: Duration = Duration::from_secs(180);

/// A data folder with weights in it, and nothing else yet.
#[derive(Debug)]
pub struct Installation {
    folder: TempDir,
    data: PathBuf,
    is_compared: bool,
}

impl Installation {
    /// An empty data folder that shares the installed weights.
    ///
    /// # Panics
    /// When there is no room for it, or no weights.
    #[must_use]
    pub fn new() -> Self {
        let bare = Self::without_weights();
        bare.share_weights();
        bare
    }

    /// An empty data folder with nothing in it.
    ///
    /// # Panics
    /// When there is no room for it.
    #[must_use]
    pub fn without_weights() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder can be made");
        Self {
            folder,
            data,
            is_compared: true,
        }
    }

    /// A data folder made at `data`, which shares the installed weights.
    ///
    /// # Panics
    /// When there is no room for it, or no weights.
    #[must_use]
    pub fn at(data: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        std::fs::create_dir(data).expect("a folder can be made");
        let installation = Self {
            folder,
            data: data.to_owned(),
            is_compared: true,
        };
        installation.share_weights();
        installation
    }

    fn share_weights(&self) {
        let shared = std::os::unix::fs::symlink(cache::models(), self.data.join("models"));
        shared.expect("a link can be made");
    }

    /// For a test that leaves its data folder damaged, or with a file of its own
    /// in it: it is not compared with the data map at the end.
    pub fn leave_uncompared(&mut self) {
        self.is_compared = false;
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A place for a test's own files, outside the data folder.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a server and waits until it is ready.
    #[must_use]
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same with settings, as environment variables.
    #[must_use]
    pub fn serve_with(&self, settings: &[(&str, &str)]) -> Server {
        let mut server = Server::spawn(&self.data, settings);
        server.wait_until_ready();
        server
    }

    /// Runs another command over this data folder.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with(arguments, &[])
    }

    /// The same with settings, as environment variables.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Finished {
        let mut command = binary::command();
        command
            .args(arguments)
            .env("IMGSHARE_DATA", &self.data)
            .env("IMGSHARE_DEVICE", "cpu")
            .env("IMGSHARE_MODELS_AUTO_PULL", "false")
            .envs(settings.iter().copied())
            .current_dir(self.scratch());
        binary::run(&mut command, ENDED_WITHIN)
    }
}

/// Every data folder that a test has filled is compared with the data map: what
/// is stored and not in the map fails the test.
impl Drop for Installation {
    fn drop(&mut self) {
        let is_left_whole = self.data.join("db").is_dir() && !std::thread::panicking();
        if self.is_compared && is_left_whole {
            let compared = self.run(&["data-map", "check"]);
            assert!(
                compared.status.success(),
                "something is kept that is not in the data map:\n{}{}",
                compared.stdout,
                compared.stderr
            );
        }
    }
}

impl Default for Installation {
    fn default() -> Self {
        Self::new()
    }
}
