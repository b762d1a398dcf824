//! What was removed does not come back, and what was stored of it before goes
//! too: in other sizes, other qualities, other formats.

use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::{Format, Picture};
use imgshare_tests::server::Server;
use imgshare_tests::staff::Staff;
use serde_json::{Value, json};

/// Copies go in the background, within moments.
const GONE_WITHIN: Duration = Duration::from_secs(60);

const QUALITIES: [u8; 5] = [30, 50, 70, 85, 95];

/// Everything that passes is queued, so that anything can be removed.
const QUEUE_ALL: [(&str, &str); 1] = [("IMGSHARE_MODERATION_SAMPLE_RATE", "1")];

fn served(installation: &Installation) -> (Server, Staff) {
    let invited = installation.run(&["admin", "invite", "--role", "admin"]);
    let link = invited.expect_success().stdout;
    let server = installation.serve_with(&QUEUE_ALL);
    let admin = Staff::join(server.client(), &link, "boss");
    (server, admin)
}

/// A photo-like picture, and one that has nothing to do with it.
fn pictures() -> [Picture; 2] {
    [11, 12].map(|seed| Picture::scene(960, 720, seed))
}

/// The same picture from a thumbnail's size to more than its own.
fn sizes(picture: &Picture) -> Vec<Picture> {
    [(240, 180), (480, 360), (700, 525), (960, 720), (1_280, 960)]
        .into_iter()
        .map(|(width, height)| picture.resized(width, height))
        .collect()
}

/// The files that somebody makes of a picture to have it back.
fn derived(picture: &Picture) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for sized in sizes(picture) {
        let name = |of: &str| format!("{}x{} {of}", sized.width, sized.height);
        for quality in QUALITIES {
            let file = sized.jpeg_of_quality(quality);
            files.push((name(&format!("as JPEG of quality {quality}")), file));
        }
        for format in [Format::Png, Format::Webp] {
            files.push((name(format.extension()), sized.encode(format)));
        }
    }
    files
}

fn uploaded(client: Client, file: &[u8]) -> String {
    let answer = client.upload("a.jpg", file).expect(201);
    answer.field("id")
}

/// Removes an image through the staff's interface, its hashes into the bank.
fn remove(staff: &Staff, image: &str, bank: &str) -> Value {
    let path = format!("/staff/api/queue/{image}");
    let claimed = staff.call("POST", &format!("{path}/claim"), &json!({}));
    let job = claimed.expect(200).json();
    let decision = json!({
        "lease": job["lease"]["token"],
        "version": job["version"],
        "verdict": {"kind": "remove", "policy": "illegal", "bank": bank},
    });
    let decided = staff.call("POST", &format!("{path}/decide"), &decision);
    decided.expect(200).json()
}

/// What the staff's interface knows of a likeness.
fn kin(staff: &Staff, image: &str) -> Value {
    let path = format!("/staff/api/kin/{image}?near=true");
    staff.get(&path).expect(200).json()
}

fn status(client: Client, image: &str) -> u16 {
    client.get(&format!("/api/v1/images/{image}")).status
}

#[test]
fn p07_a_removed_image_uploaded_again_resized_and_recompressed_is_caught() {
    let installation = Installation::new();
    let (server, admin) = served(&installation);
    let client = server.client();
    let [picture, other] = pictures();
    let original = uploaded(client, &picture.jpeg_of_quality(90));
    let other_before = uploaded(client, &other.jpeg_of_quality(90));
    // Stored before, and not the same bytes.
    let copies: Vec<String> = [
        picture.resized(480, 360).jpeg_of_quality(60),
        picture.resized(1_280, 960).png(),
        picture.encode(Format::Webp),
    ]
    .iter()
    .map(|file| uploaded(client, file))
    .collect();

    let known = kin(&admin, &original);
    let near = known["near"].as_array().expect("a list").iter();
    let mut named: Vec<&str> = near.filter_map(|near| near["image"].as_str()).collect();
    named.sort_unstable();
    let mut expected: Vec<&str> = copies.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(named, expected, "{known}");
    assert_eq!((&known["n_near"], &known["n_same"]), (&json!(3), &json!(0)));

    let _ = remove(&admin, &original, "refuse");
    let bank = admin.get("/staff/api/bank").expect(200).json();
    let hashes: Vec<&str> = bank["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["hash"].as_str())
        .collect();
    assert!(hashes.iter().any(|hash| hash.starts_with("pdq:")), "{bank}");
    wait_for("copies that are gone", GONE_WITHIN, || {
        let are_gone = copies.iter().all(|copy| status(client, copy) == 410);
        are_gone.then_some(())
    });
    for copy in &copies {
        // The files follow the database a moment later.
        wait_for("the audit of a copy", GONE_WITHIN, || {
            let audit = audited(&installation, copy);
            audit.contains("\"image-removed\"").then_some(())
        });
    }
    for (name, file) in derived(&picture) {
        let answer = client.upload("again.bin", &file);
        assert_eq!(answer.status, 422, "{name}: {}", answer.text());
        answer.expect_problem(422, "image-refused");
    }
    assert_eq!(status(client, &other_before), 200);
    for (name, file) in derived(&other) {
        let answer = client.upload("other.bin", &file);
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
    }
}

/// The picture in every way but its own, by the name of what was done to it.
fn turned(picture: &Picture) -> [(&'static str, Picture); 7] {
    let [right, bottom] = [picture.width - 1, picture.height - 1];
    let moved = |is_across: bool, from: &dyn Fn(u16, u16) -> (u16, u16)| {
        let (width, height) = match is_across {
            true => (picture.height, picture.width),
            false => (picture.width, picture.height),
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = places.flat_map(|(x, y)| {
            let (x, y) = from(x, y);
            let idx = usize::from(y) * usize::from(picture.width) + usize::from(x);
            picture.rgb[idx * 3..][..3].to_vec()
        });
        let rgb = pixels.collect();
        Picture { width, height, rgb }
    };
    [
        ("mirrored", moved(false, &|x, y| (right - x, y))),
        ("flipped", moved(false, &|x, y| (x, bottom - y))),
        ("half-turn", moved(false, &|x, y| (right - x, bottom - y))),
        ("right-turn", moved(true, &|x, y| (y, bottom - x))),
        ("left-turn", moved(true, &|x, y| (right - y, x))),
        ("transposed", moved(true, &|x, y| (y, x))),
        ("transverse", moved(true, &|x, y| (right - y, bottom - x))),
    ]
}

/// Turned, and then made smaller or larger and compressed as well.
fn turned_files(picture: &Picture) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for sized in sizes(picture) {
        for (turning, turned) in turned(&sized) {
            let name = format!("{}x{} {turning}", turned.width, turned.height);
            for quality in [30, 85] {
                files.push((name.clone(), turned.jpeg_of_quality(quality)));
            }
            files.push((name, turned.encode(Format::Webp)));
        }
    }
    files
}

#[test]
fn p07_a_removed_image_uploaded_again_mirrored_or_turned_is_caught() {
    let installation = Installation::new();
    let (server, admin) = served(&installation);
    let client = server.client();
    let [picture, other] = pictures();
    let original = uploaded(client, &picture.jpeg_of_quality(90));
    let copies = turned(&picture.resized(640, 480))
        .map(|(turning, copy)| (uploaded(client, &copy.jpeg_of_quality(70)), turning));
    let known = kin(&admin, &original);
    let near = known["near"].as_array().expect("a list").iter();
    let mut named: Vec<_> = near
        .map(|near| (near["image"].as_str(), near["turning"].as_str()))
        .collect();
    named.sort_unstable();
    let expected = copies.iter();
    let mut expected: Vec<_> = expected
        .map(|(copy, turning)| (Some(copy.as_str()), Some(*turning)))
        .collect();
    expected.sort_unstable();
    assert_eq!(named, expected, "{known}");

    let _ = remove(&admin, &original, "refuse");
    wait_for("copies that are gone", GONE_WITHIN, || {
        let are_gone = copies.iter().all(|(copy, _)| status(client, copy) == 410);
        are_gone.then_some(())
    });
    for (name, file) in turned_files(&picture) {
        let answer = client.upload("again.bin", &file);
        assert_eq!(answer.status, 422, "{name}: {}", answer.text());
        answer.expect_problem(422, "image-refused");
    }
    for (name, file) in turned_files(&other) {
        let answer = client.upload("other.bin", &file);
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
    }
}

#[test]
fn whoever_looks_at_a_turned_copy_is_told_how_it_was_turned() {
    let installation = Installation::new();
    let (server, admin) = served(&installation);
    let client = server.client();
    let [picture, _] = pictures();
    let original = uploaded(client, &picture.jpeg_of_quality(90));
    let _ = remove(&admin, &original, "queue");
    for (turning, copy) in turned(&picture.resized(480, 360)) {
        let answer = client
            .upload("again.jpg", &copy.jpeg_of_quality(60))
            .expect(201);
        assert_eq!(answer.field("state"), "review", "{turning}");
        let known = kin(&admin, &answer.field("id"));
        assert_eq!(known["bank"]["turning"], turning, "{known}");
        assert!(
            known["bank"]["hash"]
                .as_str()
                .expect("a hash")
                .starts_with("pdq:")
        );
    }
}

#[test]
fn what_is_banned_for_the_queue_is_hidden_until_somebody_looks() {
    let installation = Installation::new();
    let (server, admin) = served(&installation);
    let client = server.client();
    let [picture, _] = pictures();
    let original = uploaded(client, &picture.jpeg_of_quality(90));
    let copy = uploaded(client, &picture.resized(480, 360).png());
    let _ = remove(&admin, &original, "queue");
    wait_for("a copy that is hidden", GONE_WITHIN, || {
        (status(client, &copy) == 404).then_some(())
    });
    for (name, file) in derived(&picture) {
        let answer = client.upload("again.bin", &file);
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
        assert_eq!(answer.field("state"), "review", "{name}");
        let path = format!("/staff/api/queue/{}", answer.field("id"));
        let job = admin.get(&path).expect(200).json();
        let reasons = job["reasons"].to_string();
        assert!(reasons.contains("hash-match"), "{name}: {reasons}");
        assert_eq!(status(client, &answer.field("id")), 404, "{name}");
    }
}

/// The audit's files are written beside the database, and can be read while the
/// service runs.
fn audited(installation: &Installation, image: &str) -> String {
    let files = std::fs::read_dir(installation.data().join("audit")).expect("a folder");
    let texts = files.map(|file| {
        let path = file.expect("the folder can be read").path();
        std::fs::read_to_string(path).expect("it is text")
    });
    let all: String = texts.collect();
    let lines = all.lines().filter(|line| line.contains(image));
    lines.collect::<Vec<_>>().join("\n")
}
