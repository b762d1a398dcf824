//! `imgshare verify` as anyone may use it to check what the service promises.

use std::path::{Path, PathBuf};

use imgshare_tests::carriers;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Jpeg, Picture};
use serde_json::Value;

const CLEAN: i32 = 0;
const NOT_CLEAN: i32 = 1;
const UNREADABLE: i32 = 2;

#[test]
fn p02_what_is_served_verifies_clean_and_what_was_sent_does_not() {
    let installation = Installation::new();
    let server = installation.serve();
    for format in Format::ALL {
        let picture = Picture::scene(120, 90, 61).encode(format);
        let marker = format!("VERIFY{format:?}");
        let sent = carriers::planted(&picture, format, &marker, installation.scratch());
        let uploaded = server.client().upload("photo", &sent).expect(201);
        let served = server.client().get(&uploaded.link("direct_url")).body;
        let sent = write(&installation, "sent", &sent);
        let served = write(&installation, "served", &served);

        assert_eq!(status(&installation, &[&served]), CLEAN, "{format:?}");
        assert_eq!(status(&installation, &[&sent]), NOT_CLEAN, "{format:?}");
        assert_eq!(status(&installation, &[&sent, &served]), NOT_CLEAN);
    }
    server.stop();
}

#[test]
fn parts_are_named_and_never_quoted() {
    let installation = Installation::without_weights();
    let picture = Picture::scene(120, 90, 62).jpeg(Jpeg::Baseline);
    let marker = "QUOTEDnowhere";
    let sent = carriers::planted(&picture, Format::Jpeg, marker, installation.scratch());
    let sent_bytes = sent.len();
    let sent = write(&installation, "sent", &sent);
    let shown = installation.run(&["verify", &sent.to_string_lossy()]);
    for what in [
        "Exif GPS position",
        "Exif thumbnail",
        "XMP",
        "IPTC",
        "comment",
    ] {
        assert!(shown.stdout.contains(what), "{what}: {shown:#?}");
    }
    let line = json(&installation, &sent);
    assert_eq!(line["clean"], false);
    assert_eq!(line["fate"], "rewritten");
    let parts = line["carried"].as_array().expect("a list");
    assert!(parts.len() > 8, "{line}");
    for part in parts {
        let [offset, bytes] = ["offset", "bytes"].map(|name| part[name].as_u64().expect(name));
        assert!(offset + bytes <= sent_bytes as u64, "{part}");
    }
    assert!(!shown.stdout.contains(marker) && !line.to_string().contains(marker));
}

#[test]
fn what_cannot_be_looked_at_has_a_status_of_its_own() {
    let installation = Installation::without_weights();
    let clean = write(&installation, "clean", &Picture::scene(60, 60, 63).png());
    let text = write(&installation, "text.jpg", b"no picture");
    let missing = installation.scratch().join("missing.jpg");
    assert_eq!(status(&installation, &[&clean]), CLEAN);
    assert_eq!(status(&installation, &[&clean, &text]), UNREADABLE);
    assert_eq!(json(&installation, &text)["code"], "unsupported-format");
    assert_eq!(json(&installation, &missing)["code"], "unreadable");
}

#[test]
fn a_file_that_carries_nothing_may_be_cut_otherwise() {
    let installation = Installation::without_weights();
    let plain = Picture::scene(60, 60, 65).png();
    let at = plain.windows(4).position(|name| name == b"IDAT");
    let at = at.expect("a picture") - 4;
    let length = u32::from_be_bytes(*plain[at..].first_chunk().expect("a length"));
    let end = at + 8 + usize::try_from(length).expect("small");
    let mut pieces = plain[..at].to_vec();
    for piece in plain[at + 8..end].chunks(100) {
        let named = [b"IDAT", piece].concat();
        pieces.extend(u32::try_from(piece.len()).expect("small").to_be_bytes());
        pieces.extend(&named);
        pieces.extend(crc32fast::hash(&named).to_be_bytes());
    }
    pieces.extend(&plain[end + 4..]);
    let file = write(&installation, "pieces.png", &pieces);
    assert_eq!(status(&installation, &[&file]), CLEAN);
    let shown = installation.run(&["verify", &file.to_string_lossy()]);
    assert!(
        shown.stdout.starts_with("clean ")
            && shown.stdout.contains("carries nothing; would be rewritten"),
        "{shown:#?}"
    );
    let line = json(&installation, &file);
    assert_eq!(
        (&line["clean"], &line["fate"]),
        (&true.into(), &"cut-anew".into())
    );
}

#[test]
fn a_damaged_file_is_not_clean() {
    let installation = Installation::without_weights();
    let whole = Picture::scene(60, 60, 64).png();
    let cut = write(&installation, "cut.png", &whole[..whole.len() / 2]);
    assert_eq!(status(&installation, &[&cut]), NOT_CLEAN);
    let line = json(&installation, &cut);
    assert_eq!(
        (&line["fate"], &line["code"]),
        (&"refused".into(), &"truncated-image".into())
    );
}

fn write(installation: &Installation, name: &str, bytes: &[u8]) -> PathBuf {
    let path = installation.scratch().join(name);
    std::fs::write(&path, bytes).expect("scratch is writable");
    path
}

fn status(installation: &Installation, files: &[&Path]) -> i32 {
    let names = files.iter().map(|path| path.to_string_lossy().into_owned());
    let names: Vec<String> = names.collect();
    let mut arguments = vec!["verify"];
    arguments.extend(names.iter().map(String::as_str));
    let finished = installation.run(&arguments);
    let code = finished.status.code();
    code.unwrap_or_else(|| panic!("{finished:#?}"))
}

fn json(installation: &Installation, file: &Path) -> Value {
    let finished = installation.run(&["verify", "--json", &file.to_string_lossy()]);
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:#?}"))
}
