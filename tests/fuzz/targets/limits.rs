//! Any bytes under any limits: no header beyond them gets through. The first
//! eight bytes are the limits.
#![no_main]

use imgshare_pipeline::Limits;
use imgshare_pipeline::item::Upload;
use imgshare_pipeline::stage::sniff::sniff;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((limits, file)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let number = |at: usize| u32::from(u16::from_le_bytes([limits[at], limits[at + 1]]));
    let limits = Limits {
        side_px_max: number(0),
        pixels_max: u64::from(number(2)) * 16,
        frames_max: number(4) % 100,
        animation_pixels_max: u64::from(number(6)) * 16,
        ..Limits::default()
    };
    let Ok(sniffed) = sniff(Upload { bytes: file.into() }, &limits) else {
        return;
    };
    let header = sniffed.header();
    let pixels = u64::from(header.width) * u64::from(header.height);
    assert!(header.width.max(header.height) <= limits.side_px_max);
    assert!(pixels <= limits.pixels_max);
    let frames = u64::from(header.frames);
    assert!(frames <= u64::from(limits.frames_max.max(1)));
    assert!(frames == 1 || pixels * frames <= limits.animation_pixels_max);
});
