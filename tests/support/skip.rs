//! Tests that cannot run here say so where it is read.

use std::fs::OpenOptions;
use std::io::Write;

/// Says on the terminal, past the test runner's capture, that `test` did not
/// run; `tests/run` repeats the line at its end.
pub fn skipped(test: &str, reason: &str) {
    let line = format!("skipped: {test}: {reason}");
    // `eprintln!` would be captured and shown only if the test failed.
    let _ = writeln!(std::io::stderr(), "{line}");
    if let Some(path) = std::env::var_os("IMGSHARE_TEST_SKIPS") {
        let noted = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| writeln!(file, "{line}"));
        assert!(
            noted.is_ok(),
            "cannot note that {test} was skipped: {noted:?}"
        );
    }
}
