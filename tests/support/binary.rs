//! The binary under test, run as its users run it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::deadline::wait_for;

/// Where the binary is: `IMGSHARE_BIN`, or beside this test's own executable.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn path() -> PathBuf {
    let path = std::env::var_os("IMGSHARE_BIN").map_or_else(beside_the_tests, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is not built: run tests/run",
        path.display()
    );
    path
}

fn beside_the_tests() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("tests lie in target/<profile>/deps");
    profile.join("imgshare")
}

/// The command line up to the arguments, with no setting of the caller's
/// environment in it. The process dies with the thread that starts it, so that
/// even a test that is killed leaves nothing behind.
#[must_use]
pub fn command() -> Command {
    // By its full path, because some tests take `PATH` away.
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(path());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("IMGSHARE_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command left.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Finished {
    /// The same, if it succeeded.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn expect_success(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// The same, if it failed with a message, as opposed to a panic or a signal.
    ///
    /// # Panics
    /// When it succeeded, panicked or was killed.
    #[must_use]
    pub fn expect_refusal(self) -> Self {
        assert!(
            self.status
                .code()
                .is_some_and(|code| code != 0 && code != 101),
            "{self:#?}"
        );
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }
}

/// Runs a prepared command to its end.
///
/// # Panics
/// When it cannot be started or is still running after `within`.
pub fn run(command: &mut Command, within: Duration) -> Finished {
    let spawned = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Running(spawned.unwrap_or_else(|error| panic!("{command:?}: {error}")));
    let stdout = collect(child.0.stdout.take());
    let stderr = collect(child.0.stderr.take());
    let status = wait_for(&format!("the end of {command:?}"), within, || {
        child.0.try_wait().expect("a child can be waited for")
    });
    let text = |reader: JoinHandle<String>| reader.join().expect("a reader does not panic");
    Finished {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// Killed when dropped, which matters only where its deadline has passed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut pipe = pipe.expect("the pipe was asked for");
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
