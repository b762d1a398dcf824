//! Any bytes through every stage, turning and resizing included.
#![no_main]

use imgshare_fuzz::limits;
use imgshare_pipeline::path::prepare_alone;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _answer = prepare_alone(bytes.into(), &limits(), 32);
});
