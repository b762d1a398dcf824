//! `imgshare serve` on loopback.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::binary;
use crate::client::Client;
use crate::deadline::wait_for;

/// A start checks the golden vectors, beside other tests' servers on few cores.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// A drain may take as long as the slowest upload in it.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    metrics_address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server over `data` and does not wait for it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn spawn(data: &Path, settings: &[(&str, &str)]) -> Self {
        let (address, metrics_address) = (free_address(), free_address());
        let mut command = binary::command();
        command
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(data)
            .env("IMGSHARE_HTTP_METRICS_LISTEN", metrics_address.to_string())
            .env("IMGSHARE_DEVICE", "cpu")
            .env("IMGSHARE_MODELS_AUTO_PULL", "false")
            .envs(settings.iter().copied())
            // A settings file of whoever runs the tests is none of theirs.
            .current_dir(data.parent().expect("a data folder lies in a folder"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("util-linux is installed");
        let log = Arc::new(Mutex::new(String::new()));
        follow(child.stdout.take(), &log);
        follow(child.stderr.take(), &log);
        Self {
            child,
            address,
            metrics_address,
            log,
        }
    }

    /// Waits until `/readyz` says yes.
    ///
    /// # Panics
    /// When it does not in time, or the server ends first.
    pub fn wait_until_ready(&mut self) {
        let client = self.client();
        wait_for("a server that is ready", READY_WITHIN, || {
            if let Some(status) = self.exit_status() {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            client
                .try_request("GET", "/readyz", &[], &[])
                .is_ok_and(|response| response.status == 200)
                .then_some(())
        });
    }

    /// A client of the service.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// A client of the metrics listener.
    #[must_use]
    pub fn metrics_client(&self) -> Client {
        Client::new(self.metrics_address)
    }

    /// The value of one sample of `/metrics`, by its name and labels.
    ///
    /// # Panics
    /// When there are no metrics or the sample is no number.
    #[must_use]
    pub fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.metrics_client().get("/metrics").expect(200).text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        Some(line.parse().expect("a sample is a number"))
    }

    /// The most memory it has had in use at once, as the system counts it.
    ///
    /// # Panics
    /// When the system does not say.
    #[must_use]
    pub fn memory_peak_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the server runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("Linux counts it");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>();
        kilobytes.expect("it is a number") * 1_024
    }

    /// Everything the server has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// When the child cannot be waited for.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for the server to end by itself.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        wait_for("the server's end", STOPPED_WITHIN, || self.exit_status())
    }

    /// Sends SIGTERM and does not wait.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "cannot signal {pid}"
        );
    }

    /// Stops it in order and checks that it says so.
    ///
    /// # Panics
    /// When it does not end with success.
    pub fn stop(mut self) -> String {
        self.terminate();
        let status = self.wait_for_exit();
        assert!(
            status.success(),
            "the server ended with {status}:\n{}",
            self.log()
        );
        self.log()
    }

    /// kill -9.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended already, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// An address nobody listens on, below the range that outgoing connections
/// take their ports from, so that none of them can take it meanwhile.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % 10_000).expect("below 10,000");
    wait_for("a free port", Duration::from_secs(10), || {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (offset + step) % 12_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).is_ok().then_some(address)
    })
}

fn follow(pipe: Option<impl Read + Send + 'static>, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    let pipe = BufReader::new(pipe.expect("the pipe was asked for"));
    std::thread::spawn(move || {
        for line in pipe.split(b'\n').map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&String::from_utf8_lossy(&line));
            log.push('\n');
        }
    });
}
