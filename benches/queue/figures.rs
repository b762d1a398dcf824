//! What was measured, to be read and to be recorded.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Times in milliseconds, by what was done and how many images there were.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    times: BTreeMap<(String, usize), Vec<f64>>,
    notes: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, what: &str, n_images: usize, time: Duration) {
        let times = self.times.entry((what.to_owned(), n_images)).or_default();
        times.push(time.as_secs_f64() * 1_000.0);
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn print(&self) {
        for ((what, n_images), times) in &self.times {
            let (median, n) = (median(times), times.len());
            println!("{what}, {n_images} images: {median:.3} ms ({n} times)");
        }
        for note in &self.notes {
            println!("{note}");
        }
    }

    /// Writes everything as JSON. Names hold nothing that needs escaping.
    pub(crate) fn write(&self, file: &Path) {
        let times = self.times.iter().map(|((what, n_images), times)| {
            format!("{{\"what\":\"{what}\",\"n_images\":{n_images},\"times_ms\":{times:?}}}")
        });
        let times: Vec<String> = times.collect();
        let json = format!(
            "{{\"figures\":[{}],\"notes\":{:?}}}",
            times.join(","),
            self.notes
        );
        std::fs::write(file, json).expect("the figures can be written");
    }
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
