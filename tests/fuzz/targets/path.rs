//! Any bytes through every stage, turning and resizing included.
#![no_main]

use imgshare_fuzz::limits;
use imgshare_pipeline::path::{StageClock, prepare};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _answer = prepare(bytes.into(), &limits(), 32, &StageClock::default());
});
