//! How much memory a server takes while large pictures arrive together.

use std::thread;
use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::installation::Installation;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const N_UPLOADS: usize = 64;

/// 49 MP: about as large as the limits let in.
const SIDE: u16 = 7_000;

/// Holds a progressive picture at full colour resolution (147 MB of pixels, 294
/// of coefficients) and some baseline ones, of which only rows are kept. Without
/// the budget eight workers would take up to 3.5 GB.
const DECODE_BYTES_MAX: u64 = 700_000_000;
const WORKERS: &str = "8";

const UPLOAD_BYTES_MAX: u64 = 10_000_000;

/// The program itself, its model, a thread's stack and an input for each picture.
const BESIDE_BYTES_MAX: u64 = 200_000_000;

/// All of them, one after another, on a machine that does other work.
const ANSWERED_WITHIN: Duration = Duration::from_secs(600);

#[test]
fn t9_large_uploads_at_once_stay_within_the_budgets() {
    let files = [jpeg(false), jpeg(true)];
    let largest = files.iter().map(Vec::len).max().unwrap_or(0) as u64;
    assert!(largest < UPLOAD_BYTES_MAX);
    // The form around a file is no part of it.
    let bodies_bytes_max = N_UPLOADS as u64 * (largest + 4_096);

    let installation = Installation::new();
    let [decode, bodies, upload] = [DECODE_BYTES_MAX, bodies_bytes_max, UPLOAD_BYTES_MAX]
        .map(|bytes_max| bytes_max.to_string());
    let server = installation.serve_with(&[
        ("IMGSHARE_PIPELINE_DECODE_MEMORY_BYTES_MAX", &decode),
        ("IMGSHARE_PIPELINE_BYTES_IN_FLIGHT_MAX", &bodies),
        ("IMGSHARE_PIPELINE_IMAGES_IN_FLIGHT_MAX", "64"),
        ("IMGSHARE_PIPELINE_WORKERS", WORKERS),
        ("IMGSHARE_LIMITS_UPLOAD_BYTES_MAX", &upload),
        // How long they may stand in line is not what is tested here.
        ("IMGSHARE_LIMITS_IMAGE_SECONDS_MAX", "600"),
    ]);
    let client = server.client().patient(ANSWERED_WITHIN);
    let codes: Vec<u16> = thread::scope(|scope| {
        let uploads: Vec<_> = (0..N_UPLOADS)
            .map(|upload_idx| {
                let file = &files[upload_idx % files.len()];
                scope.spawn(move || status(client, file))
            })
            .collect();
        uploads
            .into_iter()
            .map(|upload| upload.join().expect("an upload does not panic"))
            .collect()
    });
    assert!(
        codes.iter().all(|code| matches!(code, 201 | 202)),
        "{codes:?}"
    );

    let metric = |name: &str| server.metric(&format!("imgshare_pipeline_{name}"));
    assert_eq!(metric("decode_memory_bytes"), Some(0.0));
    assert_eq!(metric("decode_memory_waiting"), Some(0.0));
    let reserved = metric("decode_memory_bytes_peak").expect("it is measured");
    // The progressive one alone, and never more than there is.
    assert!((441e6..=700e6).contains(&reserved), "{reserved}");
    let resident = server.memory_peak_bytes();
    let most = DECODE_BYTES_MAX + bodies_bytes_max + BESIDE_BYTES_MAX;
    println!("{resident} bytes resident at most, {reserved} reserved, {most} allowed");
    assert!(resident <= most, "{resident} bytes, not {most}");
}

fn status(client: Client, file: &[u8]) -> u16 {
    client.upload("large.jpg", file).status
}

#[test]
fn what_takes_more_memory_than_there_is_is_refused_by_its_header() {
    let installation = Installation::new();
    let server = installation.serve_with(&[
        ("IMGSHARE_PIPELINE_DECODE_MEMORY_BYTES_MAX", "250000000"),
        ("IMGSHARE_LIMITS_UPLOAD_BYTES_MAX", "10000000"),
    ]);
    let refused = server.client().upload("large.jpg", &jpeg(true)).expect(422);
    assert_eq!(refused.field("code"), "needs-too-much-memory");
    let reserved = server.metric("imgshare_pipeline_decode_memory_bytes_peak");
    assert_eq!(reserved, Some(0.0));
}

/// Squares of one colour each: small to send.
fn jpeg(progressive: bool) -> Vec<u8> {
    let side = usize::from(SIDE);
    let mut rgb = Vec::with_capacity(3 * side * side);
    for y in 0..side {
        let colour = |x: usize| {
            let square = (x / 50 + y / 50) % 256;
            [u8::try_from(square).unwrap_or(0), 128, 200]
        };
        rgb.extend((0..side).flat_map(colour));
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder.set_progressive(progressive);
    encoder
        .encode(&rgb, SIDE, SIDE, ColorType::Rgb)
        .expect("the samples fit the size");
    bytes
}
