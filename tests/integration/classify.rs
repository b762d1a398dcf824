//! `imgshare classify` over files and folders.

use std::path::{Path, PathBuf};

use imgshare_tests::cache;
use imgshare_tests::hostile;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Picture, animated_png};
use serde_json::Value;

#[test]
fn one_broken_file_never_stops_the_rest() {
    let installation = Installation::new();
    let folder = folder(&installation, "mixed");
    for format in Format::ALL {
        let file = Picture::scene(120, 90, 1).encode(format);
        write(&folder, &format!("good.{}", format.extension()), &file);
    }
    let nested = folder.join("a folder/within");
    std::fs::create_dir_all(&nested).expect("scratch is writable");
    write(
        &nested,
        "good too.jpg",
        &Picture::scene(90, 120, 2).encode(Format::Jpeg),
    );
    write(&folder, "text.jpg", b"no picture");
    write(&folder, "empty.png", b"");
    let whole = Picture::scene(120, 90, 3).png();
    write(&folder, "cut.png", &hostile::cut(&whole, whole.len() / 2));
    write(&folder, "huge.jpg", &hostile::huge_jpeg());

    let lines = classify(&installation, &[&folder], Ends::Well);
    let good: Vec<&Value> = lines
        .iter()
        .filter(|line| line.get("label").is_some())
        .collect();
    assert_eq!(good.len(), 5, "{lines:#?}");
    for line in good {
        assert_scored(line);
    }
    for (name, code) in [
        ("text.jpg", "unsupported-format"),
        ("empty.png", "empty-file"),
        ("cut.png", "truncated-image"),
        ("huge.jpg", "side-too-long"),
    ] {
        assert_eq!(line_of(&lines, name)["code"], code, "{lines:#?}");
    }
}

fn assert_scored(line: &Value) {
    let label = line["label"].as_str().expect("a label");
    assert!(["safe", "nsfw"].contains(&label), "{line}");
    let confidence = line["confidence"].as_f64().expect("a number");
    assert!((0.0..=1.0).contains(&confidence), "{line}");
    let mass: f64 = ["drawing", "hentai", "neutral", "porn", "sexy"]
        .iter()
        .map(|class| {
            line["scores"][class]
                .as_f64()
                .expect("every class has a number")
        })
        .sum();
    assert!((mass - 1.0).abs() < 1e-3, "{line}");
    assert!(line["width"].is_u64() && line["height"].is_u64(), "{line}");
}

#[test]
fn a_run_that_could_read_nothing_fails() {
    let installation = Installation::new();
    let broken = folder(&installation, "broken");
    write(&broken, "text.jpg", b"no picture");
    let lines = classify(&installation, &[&broken], Ends::Badly);
    assert_eq!(line_of(&lines, "text.jpg")["code"], "unsupported-format");

    let empty = folder(&installation, "empty");
    assert!(classify(&installation, &[&empty], Ends::Badly).is_empty());
    let missing = installation.scratch().join("missing.jpg");
    let _ = classify(&installation, &[&missing], Ends::Badly);
}

#[test]
fn files_and_folders_may_be_named_together() {
    let installation = Installation::new();
    let folder = folder(&installation, "some");
    write(&folder, "one.png", &Picture::scene(60, 60, 1).png());
    let alone = installation.scratch().join("two.png");
    std::fs::write(&alone, Picture::scene(60, 60, 2).png()).expect("scratch is writable");
    let lines = classify(&installation, &[&alone, &folder], Ends::Well);
    assert_eq!(lines.len(), 2, "{lines:#?}");

    let shown = installation
        .run(&["classify", &folder.to_string_lossy()])
        .expect_success();
    assert!(shown.stdout.contains("one.png"), "{shown:#?}");
    assert!(
        shown.stdout.contains("safe") || shown.stdout.contains("nsfw"),
        "{shown:#?}"
    );
}

#[test]
fn p03_patterns_scored_nsfw_are_labelled_so() {
    let installation = Installation::new();
    for class in ["porn", "hentai", "sexy"] {
        let path = cache::workspace().join(format!("tests/fixtures/pattern_scored_{class}.png"));
        let lines = classify(&installation, &[&path], Ends::Well);
        assert_eq!(lines[0]["label"], "nsfw", "{lines:#?}");
        assert!(
            lines[0]["scores"][class].as_f64().expect("a number") > 0.9,
            "{lines:#?}"
        );
    }
}

#[test]
fn p03_one_bad_frame_makes_an_animation_nsfw() {
    let installation = Installation::new();
    let fixture = cache::workspace().join("tests/fixtures/pattern_scored_porn.png");
    let bad = Picture::from_png(&std::fs::read(fixture).expect("a fixture"));
    let harmless = Picture::scene(bad.width, bad.height, 4);
    for (name, bad_idx) in [("first", 0), ("middle", 2), ("last", 4)] {
        let mut frames = vec![harmless.clone(); 5];
        frames[bad_idx] = bad.clone();
        let path = installation.scratch().join(format!("{name}.png"));
        std::fs::write(&path, animated_png(&frames)).expect("scratch is writable");
        let lines = classify(&installation, &[&path], Ends::Well);
        assert_eq!(lines[0]["label"], "nsfw", "{name}: {lines:#?}");
        assert_eq!(lines[0]["frames"], 5, "{name}: {lines:#?}");
    }
}

#[test]
fn the_service_and_the_command_give_the_same_scores() {
    let installation = Installation::new();
    let file = Picture::scene(500, 300, 5).encode(Format::Jpeg);
    let path = installation.scratch().join("same.jpg");
    std::fs::write(&path, &file).expect("scratch is writable");
    let lines = classify(&installation, &[&path], Ends::Well);
    let server = installation.serve();
    let answer = server.client().upload("same.jpg", &file).expect(201).json();
    for class in ["drawing", "hentai", "neutral", "porn", "sexy"] {
        let [command, service] =
            [&lines[0], &answer].map(|said| said["scores"][class].as_f64().expect("a number"));
        assert!(
            (command - service).abs() < 1e-4,
            "{class}: {command} and {service}"
        );
    }
    assert_eq!(lines[0]["label"], answer["label"]);
    server.stop();
}

#[derive(PartialEq)]
enum Ends {
    Well,
    Badly,
}

fn classify(installation: &Installation, paths: &[&Path], ends: Ends) -> Vec<Value> {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    let arguments: Vec<&str> = ["classify", "--json"]
        .into_iter()
        .chain(paths.iter().map(String::as_str))
        .collect();
    let finished = installation.run(&arguments);
    let finished = if ends == Ends::Well {
        finished.expect_success()
    } else {
        finished.expect_refusal()
    };
    finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn folder(installation: &Installation, name: &str) -> PathBuf {
    let folder = installation.scratch().join(name);
    std::fs::create_dir(&folder).expect("scratch is writable");
    folder
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).expect("scratch is writable");
}

fn line_of<'a>(lines: &'a [Value], name: &str) -> &'a Value {
    let named = |line: &&Value| {
        line["path"]
            .as_str()
            .is_some_and(|path| path.ends_with(name))
    };
    lines
        .iter()
        .find(named)
        .unwrap_or_else(|| panic!("no line for {name} in {lines:#?}"))
}
