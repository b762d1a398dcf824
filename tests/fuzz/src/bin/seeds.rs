//! Writes what the fuzzers start from: a folder a target below the one named.

use std::fs;
use std::path::{Path, PathBuf};

use imgshare_pipeline::stage::testing::every_kind;

/// Targets that read a whole file, with what its first bytes are for each.
const FILES: [(&str, &[u8]); 8] = [
    ("sniff", b""),
    ("path", b""),
    ("inspect", b""),
    ("scrub_jpeg", &[0xFF, 0xD8]),
    ("scrub_png", &[0x89]),
    ("scrub_webp", b"RIFF"),
    ("scrub_gif", b"GIF"),
    // The size of the first box.
    ("scrub_avif", &[0, 0, 0]),
];

/// What the first eight bytes of an input of `limits` are: limits that admit
/// the seeds.
const LIMITS: [u8; 8] = [200, 0, 200, 0, 20, 0, 255, 3];

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: seeds CORPUS [FOLDER OF FILES]...";
    let corpus = arguments.next().expect(usage);
    let mut files: Vec<(String, Vec<u8>)> = every_kind()
        .into_iter()
        .map(|(name, bytes)| (name.replace(' ', "-"), bytes))
        .collect();
    for folder in arguments {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("a folder can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let bytes = fs::read(&path).expect("a file can be read");
            files.push((name.into_owned(), bytes));
        }
    }
    for (target, start) in FILES {
        for (name, bytes) in files.iter().filter(|(_, bytes)| bytes.starts_with(start)) {
            write(&corpus.join(target), name, bytes);
        }
    }
    for (name, bytes) in &files {
        write(&corpus.join("limits"), name, &[&LIMITS[..], bytes].concat());
    }
    let file =
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nx\r\n";
    let field = "--XX\r\nContent-Disposition: form-data; name=\"theme\"\r\n\r\ndark\r\n";
    for (name, body) in [
        ("one", format!("{file}--XX--\r\n")),
        ("two", format!("{file}{file}--XX--\r\n")),
        ("fields", format!("{field}{file}{field}--XX--\r\n")),
        ("unended", file.to_owned()),
    ] {
        write(&corpus.join("multipart"), name, body.as_bytes());
    }
    for (name, value) in [
        ("closed", "bytes=0-499"),
        ("open", "bytes=500-"),
        ("suffix", "bytes=-1"),
        ("several", "bytes=0-1,3-4"),
        ("large", "bytes=99999999999999999999-"),
    ] {
        let input = [&1_000_u64.to_le_bytes()[..], value.as_bytes()].concat();
        write(&corpus.join("range"), name, &input);
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::create_dir_all(folder).expect("a folder can be made");
    fs::write(folder.join(format!("seed-{name}")), bytes).expect("a file can be written");
}
