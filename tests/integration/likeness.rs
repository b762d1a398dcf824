//! Our scores against nsfwjs itself, on the same decoded pixels.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use imgshare_tests::binary;
use imgshare_tests::cache;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Jpeg, Picture};
use serde_json::Value;
use zune_core::bytestream::ZCursor;

const CLASSES: [&str; 5] = ["drawing", "hentai", "neutral", "porn", "sexy"];

/// The largest difference in any class. Rounding the resized picture to eight
/// bits alone would cost up to 0.013.
const TOLERANCE: f64 = 0.002;

const NODE_WITHIN: Duration = Duration::from_secs(180);

/// The same where another decoder made nsfwjs's pixels: JPEG leaves decoders some
/// freedom, and a step of eight bits moves a class by as much.
const DECODERS_TOLERANCE: f64 = 0.02;

/// A file, and the pixels that a decoder of its format finds in it.
struct Sample {
    name: String,
    file: Vec<u8>,
    pixels: Picture,
    tolerance: f64,
}

#[test]
fn every_class_is_within_two_thousandths_of_nsfwjs() {
    let installation = Installation::new();
    let samples = samples();
    let folder = installation.scratch().join("samples");
    std::fs::create_dir(&folder).expect("scratch is writable");
    let mut node = Command::new("node");
    node.arg(cache::workspace().join("tests/nsfwjs/score.mjs"));
    for Sample {
        name, file, pixels, ..
    } in &samples
    {
        std::fs::write(folder.join(name), file).expect("scratch is writable");
        let raw = installation.scratch().join(format!("{name}.rgb"));
        std::fs::write(&raw, &pixels.rgb).expect("scratch is writable");
        node.arg(format!(
            "{}:{}x{}",
            raw.display(),
            pixels.width,
            pixels.height
        ));
    }
    let theirs = lines(&binary::run(&mut node, NODE_WITHIN).expect_success().stdout);
    let arguments = ["classify", "--json", &folder.to_string_lossy()];
    let ours = lines(&installation.run(&arguments).expect_success().stdout);
    assert_eq!((theirs.len(), ours.len()), (samples.len(), samples.len()));

    let mut worst = 0.0_f64;
    for (sample, theirs) in samples.iter().zip(&theirs) {
        let Sample {
            name, tolerance, ..
        } = sample;
        let ours = ours
            .iter()
            .find(|line| {
                line["path"]
                    .as_str()
                    .is_some_and(|path| path.ends_with(name))
            })
            .unwrap_or_else(|| panic!("{name} was not classified"));
        for class in CLASSES {
            let [ours, theirs] = [&ours["scores"][class], &theirs[class]]
                .map(|score| score.as_f64().expect("a score is a number"));
            let difference = (ours - theirs).abs();
            assert!(
                difference <= *tolerance,
                "{name}, {class}: {ours}, nsfwjs {theirs}"
            );
            if *tolerance == TOLERANCE {
                worst = worst.max(difference);
            }
        }
    }
    println!("{} pictures, largest difference {worst:.6}", samples.len());
}

fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    // Larger, smaller, equal to the classifier's square, and far from square.
    let sizes = [
        (640, 480),
        (1200, 900),
        (100, 77),
        (224, 224),
        (33, 500),
        (701, 223),
        (1, 1),
    ];
    for (seed, (width, height)) in (1..).zip(sizes) {
        for format in Format::ALL {
            let picture = Picture::scene(width, height, seed);
            if format == Format::Jpeg {
                samples.extend(jpegs(&picture));
                continue;
            }
            samples.push(Sample {
                name: format!("{width}x{height}.{}", format.extension()),
                file: picture.encode(format),
                pixels: match format {
                    Format::Gif => picture.websafe(),
                    _ => picture,
                },
                tolerance: TOLERANCE,
            });
        }
    }
    for class in ["porn", "hentai", "sexy"] {
        let name = format!("pattern_scored_{class}.png");
        let path: PathBuf = cache::workspace().join("tests/fixtures").join(&name);
        let file = std::fs::read(path).expect("a fixture");
        let pixels = Picture::from_png(&file);
        // Where the resampler has work to do, the classes move most.
        let larger = pixels.doubled();
        samples.push(Sample {
            name: format!("double-{name}"),
            file: larger.png(),
            pixels: larger,
            tolerance: TOLERANCE,
        });
        samples.push(Sample {
            name,
            file,
            pixels,
            tolerance: TOLERANCE,
        });
    }
    samples
}

/// The picture in the kind of JPEG that the service reads by zune-jpeg, too, and in
/// the kind that it reads by itself.
fn jpegs(picture: &Picture) -> [Sample; 2] {
    let kinds = [
        (Jpeg::Progressive, TOLERANCE),
        (Jpeg::Baseline, DECODERS_TOLERANCE),
    ];
    kinds.map(|(kind, tolerance)| {
        let file = picture.jpeg(kind);
        let rgb = decoded_jpeg(&file);
        Sample {
            name: format!("{}x{}-{kind:?}.jpg", picture.width, picture.height),
            pixels: Picture {
                rgb,
                ..picture.clone()
            },
            file,
            tolerance,
        }
    })
}

fn decoded_jpeg(file: &[u8]) -> Vec<u8> {
    zune_jpeg::JpegDecoder::new(ZCursor::new(file))
        .decode()
        .expect("a JPEG of ours decodes")
}

fn lines(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
