//! How far a pull has come, on standard error: a bar on a terminal, lines
//! elsewhere.

use std::time::Duration;

use imgshare_models::pull::PullProgress;
use indicatif::{ProgressBar, ProgressStyle};

const BAR: &str = "{msg:24} [{bar:30}] {bytes:>10} / {total_bytes} {bytes_per_sec}";
const SPINNER: &str = "{msg:24} {spinner}";

/// A line is written each time another of these parts of the download is there.
const LINES: u64 = 4;

/// Shows a pull. Dropped, it leaves the terminal clean.
pub(super) struct PullDisplay {
    bar: ProgressBar,
    is_terminal: bool,
    lines_written: u64,
}

impl PullDisplay {
    pub(super) fn new() -> Self {
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let bar = if is_terminal {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            is_terminal,
            lines_written: 0,
        }
    }

    pub(super) fn show(&mut self, progress: PullProgress) {
        match progress {
            PullProgress::Downloading { bytes, bytes_total } => {
                self.downloading(bytes, bytes_total);
            }
            PullProgress::Verifying => self.step("checking the package"),
            PullProgress::Converting { id } => self.step(&format!("converting {id}")),
        }
    }

    fn downloading(&mut self, bytes: u64, bytes_total: u64) {
        if self.is_terminal {
            self.bar.set_style(style(BAR));
            self.bar.set_message("fetching the classifier");
            self.bar.set_length(bytes_total);
            self.bar.set_position(bytes);
            return;
        }
        let parts_done = bytes.saturating_mul(LINES) / bytes_total.max(1);
        if self.lines_written == 0 || parts_done + 1 > self.lines_written {
            self.lines_written = parts_done + 1;
            let (mb, mb_total) = (bytes / 1_000_000, bytes_total / 1_000_000);
            eprintln!("fetching the classifier: {mb} of {mb_total} MB");
        }
    }

    fn step(&mut self, what: &str) {
        if self.is_terminal {
            self.bar.set_style(style(SPINNER));
            self.bar.enable_steady_tick(Duration::from_millis(100));
            self.bar.set_message(what.to_owned());
        } else {
            eprintln!("{what}");
        }
    }
}

impl Drop for PullDisplay {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
