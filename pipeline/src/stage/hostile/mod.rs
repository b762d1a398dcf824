//! Files no camera makes, through every stage: whatever the bytes, the answer is
//! a picture or a refusal, in time, and every promise holds (T14).

mod floods;
mod mutations;

use std::path::Path;
use std::time::{Duration, Instant};

use super::inspect::inspect;
use super::testing::hold_to_promises;
use crate::error::Reject;
use crate::limits::Limits;
use crate::path::prepare_alone;

/// Under these limits each file takes some milliseconds; what loops or grows
/// without bound takes minutes.
const LONG: Duration = Duration::from_secs(10);

fn limits() -> Limits {
    Limits {
        side_px_max: 2_000,
        pixels_max: 300_000,
        frames_max: 50,
        animation_pixels_max: 600_000,
        ..Limits::default()
    }
}

/// What becomes of the file; a broken promise is a panic.
fn answer(name: &str, file: &[u8]) -> Result<(), Reject> {
    let started = Instant::now();
    let answer = hold_to_promises(file, &limits());
    let _upright = prepare_alone(file.into(), &limits(), 32);
    let report = inspect(file.into(), &limits());
    for part in report.carried {
        assert!(part.offset <= file.len(), "{name}: {part:?}");
    }
    assert!(started.elapsed() < LONG, "{name}: {:?}", started.elapsed());
    answer
}

/// What fuzzers have found, once fixed, stays fixed.
#[test]
fn every_find_of_the_fuzzers_gets_an_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hostile");
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of finds") {
        let path = entry.expect("a folder can be read").path();
        let bytes = std::fs::read(&path).expect("a file can be read");
        let _answer = answer(&path.to_string_lossy(), &bytes);
        n_files += 1;
    }
    assert!(n_files > 0, "the finds are gone");
}
