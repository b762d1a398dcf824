//! Any bytes: a report whose parts lie in the file.
#![no_main]

use imgshare_fuzz::limits;
use imgshare_pipeline::stage::inspect::{PARTS_MAX, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let report = inspect(bytes.into(), &limits());
    assert!(report.carried.len() <= PARTS_MAX);
    for part in report.carried {
        assert!(part.offset <= bytes.len(), "{part:?}");
    }
});
