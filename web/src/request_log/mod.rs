//! The request log: what came in, in lines of JSON, for ninety days (P4, P13b).
//!
//! A request puts its line into a queue and goes on; one thread writes what has
//! gathered. When the queue or the disk is full lines are lost and counted, and
//! nobody waits.

mod line;

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use imgshare_storage::calendar::MS_A_DAY;
use imgshare_storage::request_log::Segments;

use line::Stamp;
pub use line::{Line, Shown, UNMATCHED};

use crate::metrics::LogCounters;

/// Lines that may wait to be written, some 200 bytes each: a third of a second
/// of the fastest traffic that was measured.
const LINES_MAX: usize = 8_192;

/// For how long lines gather, so that a busy service wakes the writer ten times
/// a second and not for each of them.
const GATHER: Duration = Duration::from_millis(100);

/// A disk that refuses lines is told of this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// The way to the writer; closed until [`RequestLog::start`].
#[derive(Debug, Default)]
pub struct RequestLog {
    sender: OnceLock<SyncSender<Message>>,
    writer: OnceLock<std::sync::Mutex<Option<JoinHandle<()>>>>,
}

#[derive(Debug)]
enum Message {
    Line(Line),
    Stop,
}

impl RequestLog {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn start(&self, segments: Segments, counters: LogCounters) -> std::io::Result<()> {
        let (sender, receiver) = sync_channel(LINES_MAX);
        let writer = Writer {
            segments,
            counters,
            complained: None,
            stamp: Stamp::default(),
        };
        let thread = thread::Builder::new()
            .name("imgshare-log".to_owned())
            .spawn(move || writer.run(&receiver))?;
        // Started once, with the service.
        let _ = self.sender.set(sender);
        let _ = self.writer.set(std::sync::Mutex::new(Some(thread)));
        Ok(())
    }

    /// Whether lines are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.sender.get().is_some()
    }

    /// Hands a line over, or loses it.
    pub(crate) fn write(&self, line: Line, counters: &LogCounters) {
        let Some(sender) = self.sender.get() else {
            return;
        };
        match sender.try_send(Message::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                counters.lost_in_queue.inc();
            }
            Err(TrySendError::Disconnected(_)) => {
                counters.lost_on_disk.inc();
            }
        }
    }

    /// Writes what waits, and ends. May block for a moment.
    pub(crate) fn stop(&self) {
        let thread = self.writer.get().and_then(|writer| {
            let mut writer = writer
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            writer.take()
        });
        if let (Some(sender), Some(thread)) = (self.sender.get(), thread)
            && sender.send(Message::Stop).is_ok()
            && thread.join().is_err()
        {
            tracing::error!("the request log's writer panicked");
        }
    }
}

struct Writer {
    segments: Segments,
    counters: LogCounters,
    complained: Option<Instant>,
    stamp: Stamp,
}

impl Writer {
    fn run(mut self, lines: &Receiver<Message>) {
        let mut is_over = false;
        while !is_over && let Ok(first) = lines.recv() {
            if matches!(first, Message::Line(_)) {
                thread::sleep(GATHER);
            }
            let gathered = std::iter::once(first).chain(lines.try_iter());
            let mut batch = Batch::default();
            for message in gathered.take(LINES_MAX) {
                match message {
                    Message::Stop => is_over = true,
                    Message::Line(line) => {
                        if !batch.is_of_day(line.at_ms) {
                            self.append(&mut batch);
                        }
                        batch.add(&line, &mut self.stamp);
                    }
                }
            }
            self.append(&mut batch);
        }
    }

    fn append(&mut self, batch: &mut Batch) {
        if batch.n_lines == 0 {
            return;
        }
        match self.segments.append(batch.at_ms, &batch.text) {
            Ok(()) => {
                self.counters.written.inc_by(batch.n_lines);
            }
            Err(error) => {
                self.counters.lost_on_disk.inc_by(batch.n_lines);
                let is_new = self
                    .complained
                    .is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY);
                if is_new {
                    tracing::warn!(%error, "lines of the request log are lost");
                    self.complained = Some(Instant::now());
                }
            }
        }
        *batch = Batch::default();
    }
}

/// Lines of one day.
#[derive(Default)]
struct Batch {
    at_ms: u64,
    n_lines: u64,
    text: Vec<u8>,
}

impl Batch {
    fn is_of_day(&self, at_ms: u64) -> bool {
        self.n_lines == 0 || self.at_ms / MS_A_DAY == at_ms / MS_A_DAY
    }

    fn add(&mut self, line: &Line, stamp: &mut Stamp) {
        if self.n_lines == 0 {
            self.at_ms = line.at_ms;
        }
        line.write_to(&mut self.text, stamp);
        self.n_lines += 1;
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::http::address::AnonymizedIp;

    fn line(at_ms: u64, path: &'static str) -> Line {
        Line {
            at_ms,
            method: "GET",
            path: Shown::Fixed(path),
            status: 200,
            took: Duration::from_micros(1_234),
            bytes: Some(7),
            agent: Some(HeaderValue::from_bytes(b"a\"\t\xe9").unwrap()),
            referrer: None,
            address: Some(AnonymizedIp::of("203.0.113.77".parse().unwrap())),
        }
    }

    #[test]
    fn p04_a_line_is_one_object_without_a_whole_address() {
        let dir = tempfile::tempdir().unwrap();
        let (log, counters) = (RequestLog::default(), LogCounters::default());
        log.write(line(0, "/lost"), &counters);
        log.start(Segments::open(dir.path()).unwrap(), counters.clone())
            .unwrap();
        let noon = 1_795_694_400_123;
        log.write(line(noon, "/{id}"), &counters);
        log.write(line(noon + MS_A_DAY, "/"), &counters);
        log.stop();
        let text = std::fs::read_to_string(dir.path().join("2026-11-26.jsonl")).unwrap();
        assert_eq!(
            text,
            "{\"at\":\"2026-11-26T12:00:00.123Z\",\"method\":\"GET\",\"path\":\"/{id}\",\
             \"status\":200,\"ms\":1.234,\"bytes\":7,\"agent\":\"a\\\"\\t\u{fffd}\",\
             \"address\":\"203.0.113.0\"}\n"
        );
        assert!(dir.path().join("2026-11-27.jsonl").exists());
        assert_eq!(counters.written.get(), 2);
        log.write(line(noon, "/late"), &counters);
        assert_eq!(counters.lost_on_disk.get(), 1);
    }

    #[test]
    fn a_log_that_cannot_be_written_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let (log, counters) = (RequestLog::default(), LogCounters::default());
        let segments = Segments::open(&dir.path().join("log")).unwrap();
        std::fs::remove_dir(dir.path().join("log")).unwrap();
        log.start(segments, counters.clone()).unwrap();
        let n_lines = 3 * LINES_MAX;
        for _ in 0..n_lines {
            log.write(line(0, "/"), &counters);
        }
        log.stop();
        let (queue, disk) = (counters.lost_in_queue.get(), counters.lost_on_disk.get());
        assert_eq!(counters.written.get(), 0);
        assert_eq!(usize::try_from(queue + disk).unwrap(), n_lines);
        assert!(disk > 0, "{queue} {disk}");
    }
}
