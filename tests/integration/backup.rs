//! Backups of a server that runs, and the way back after a disaster.

use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;

struct Kept {
    installation: Installation,
    backup: String,
    key: String,
}

impl Kept {
    fn new() -> Self {
        let installation = Installation::new();
        let [backup, key] = ["backup", "key"].map(|name| {
            let path = installation.scratch().join(name);
            path.to_str().expect("text").to_owned()
        });
        let made = installation.run(&["backup", "keygen", &key]);
        assert!(made.expect_success().stdout.contains("Keep a copy"));
        Self {
            installation,
            backup,
            key,
        }
    }

    fn back_up(&self) -> String {
        let arguments = ["backup", "--to", &self.backup, "--key", &self.key];
        self.installation.run(&arguments).expect_success().stdout
    }

    fn restore(&self) -> imgshare_tests::binary::Finished {
        let arguments = ["restore", "--from", &self.backup, "--key", &self.key];
        self.installation.run(&arguments)
    }
}

#[test]
fn p15_p13e_a_machine_that_is_lost_comes_back_without_what_was_deleted() {
    let kept = Kept::new();
    let server = kept.installation.serve();
    let client = server.client();
    let upload = |seed: u64| {
        let name = format!("zebra-{seed}.png");
        client
            .upload(&name, &Picture::scene(40, 30, seed).png())
            .expect(201)
    };
    let uploads: Vec<Response> = (0..4).map(upload).collect();
    assert!(kept.back_up().starts_with("4 images, 4 of them new"));
    let last = server.metric("imgshare_last_backup_timestamp_seconds");
    assert!(last > Some(1_700_000_000.0), "{last:?}: made by command");
    let deleted = &uploads[0];
    let token = deleted.field("delete_token");
    let _ = client
        .delete(&deleted.field("id"), Some(&token))
        .expect(204);
    let late = upload(9);
    let again = kept.back_up();
    assert!(again.starts_with("4 images, 1 of them new"), "{again}");
    let served: Vec<Vec<u8>> = uploads[1..]
        .iter()
        .chain([&late])
        .map(|upload| client.get(&upload.link("direct_url")).expect(200).body)
        .collect();
    server.stop();

    let found = data_dir::files_containing(kept.backup.as_ref(), "zebra");
    assert!(found.is_empty(), "{found:?}");
    let data = kept.installation.data();
    for folder in ["db", "blobs", "audit", "erased", "variants"] {
        std::fs::remove_dir_all(data.join(folder)).expect("a folder to lose");
    }
    let restored = kept.restore().expect_success().stdout;
    assert!(
        restored.contains("4 images are there, 4 of them"),
        "{restored}"
    );
    let server = kept.installation.serve();
    let client = server.client();
    for (upload, bytes) in uploads[1..].iter().chain([&late]).zip(&served) {
        assert_eq!(
            &client.get(&upload.link("direct_url")).expect(200).body,
            bytes
        );
        let thumbnail = client.get_where_it_lies(&upload.link("thumbnail_url"));
        assert_eq!(thumbnail.status, 200);
    }
    client
        .get(&deleted.link("direct_url"))
        .expect_problem(404, "not-found");
    let token = late.field("delete_token");
    let _ = client.delete(&late.field("id"), Some(&token)).expect(204);
    server.stop();
}

#[test]
fn lost_images_are_brought_back_or_named() {
    let kept = Kept::new();
    let server = kept.installation.serve();
    let client = server.client();
    let upload = |seed: u64| {
        let picture = Picture::scene(40, 30, seed).png();
        client.upload("a.png", &picture).expect(201)
    };
    let uploads: Vec<Response> = (0..6).map(upload).collect();
    kept.back_up();
    let late = upload(9);
    server.stop();
    let originals = data_dir::image_files(kept.installation.data());
    let of = |upload: &Response| {
        let id = upload.field("id");
        let mut originals = originals.iter();
        let found = originals
            .find(|path| path.ends_with("original.png") && path.to_string_lossy().contains(&id));
        found.expect("an original").clone()
    };
    // The database, and the bytes of three images, one of them younger than the
    // backup.
    let lost = [&uploads[1], &uploads[4], &late];
    for upload in lost {
        std::fs::remove_file(of(upload)).expect("a file to lose");
    }
    std::fs::remove_dir_all(kept.installation.data().join("db")).expect("a database to lose");
    // A byte of a fourth is not what it was.
    let hurt = of(&uploads[3]);
    let mut bytes = std::fs::read(&hurt).expect("an original");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&hurt).expect("a file to damage");
    std::fs::write(&hurt, bytes).expect("a damaged file");
    let lost = [lost[0], lost[1], lost[2], &uploads[3]];
    let repaired = kept.installation.run(&["repair"]);
    assert_eq!(repaired.status.code(), Some(1));
    assert!(
        repaired.stdout.contains("1 of them damaged"),
        "{repaired:?}"
    );
    assert!(repaired.stderr.contains("imgshare restore"), "{repaired:?}");
    for upload in lost {
        let id = upload.field("id");
        assert!(
            repaired.stderr.contains(&format!("skipped {id}")),
            "{repaired:?}"
        );
    }
    let restored = kept.restore().expect_success().stdout;
    assert!(
        restored.contains("6 images are there, 3 of them"),
        "{restored}"
    );
    assert!(restored.contains("the database was rebuilt by a repair"));
    let server = kept.installation.serve();
    let client = server.client();
    for upload in &uploads {
        let _ = client.get(&upload.link("direct_url")).expect(200);
    }
    server.stop();
    // What is lost in both is named.
    std::fs::remove_file(of(&uploads[2])).expect("a file to lose");
    for sealed in data_dir::files(&std::path::Path::new(&kept.backup).join("blobs")) {
        std::fs::remove_file(sealed).expect("a file to lose");
    }
    let restored = kept.restore();
    assert_eq!(restored.status.code(), Some(1));
    let id = uploads[2].field("id");
    assert!(
        restored.stdout.contains(&format!("lost: {id}")),
        "{restored:?}"
    );
    let arguments = [
        "backup",
        "verify",
        "--from",
        &kept.backup,
        "--key",
        &kept.key,
    ];
    let verified = kept.installation.run(&arguments);
    assert_eq!(verified.status.code(), Some(1));
    assert_eq!(verified.stdout.matches("lost: ").count(), 6);
}

#[test]
fn a_moved_clock_and_a_public_address_do_not_go_together() {
    let installation = Installation::without_weights();
    let clock = installation.scratch().join("clock");
    std::fs::write(&clock, "0").expect("a file");
    let clock = ("IMGSHARE_CLOCK_FILE", clock.to_str().expect("text"));
    let public = ("IMGSHARE_BASE_URL", "https://img.example.org");
    let refused = installation.run_with(&["config"], &[clock, public]);
    assert!(refused.expect_refusal().stderr.contains("clock.file"));
    let own = ("IMGSHARE_BASE_URL", "https://img.test");
    let warned = installation.run_with(&["config"], &[clock, own]);
    assert!(
        warned
            .expect_success()
            .stderr
            .contains("THE CLOCK IS MOVED")
    );
}
