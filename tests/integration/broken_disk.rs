//! A data folder that is full or cannot be written: uploads are refused with
//! the reason, reading goes on, and room or rights are all it takes to recover.

use std::time::Duration;

use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::deadline::wait_for;
use imgshare_tests::installation::Installation;
use imgshare_tests::mount::{ReadOnly, SmallDisk};
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;
use imgshare_tests::server::Server;
use imgshare_tests::skip::skipped;

/// A probe of the store may be remembered for a few seconds.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn a_full_disk_refuses_uploads_until_there_is_room() {
    let disk = match SmallDisk::mount(48) {
        Ok(disk) => disk,
        Err(reason) => return skipped("a full disk", &reason),
    };
    let installation = on(&disk);
    let server = installation.serve();
    let client = server.client();
    let kept = client.upload("kept.png", &picture(1)).expect(201);
    let files = data_dir::image_files(installation.data());

    let ballast = disk.fill();
    for seed in 2..6 {
        client
            .upload("refused.png", &picture(seed))
            .expect_problem(507, "storage-full");
    }
    assert_not_ready(client, "storage-full");
    assert_eq!(
        data_dir::image_files(installation.data()),
        files,
        "refused uploads left something"
    );
    assert!(server.log().contains("no space left"), "{}", server.log());
    let _ = client.get(&kept.link("direct_url")).expect(200);
    let _ = client.get(&kept.link("url")).expect(200);
    drop(ballast);

    let recovered = assert_recovers(client);
    server.stop();
    assert_both_there(&installation, &kept, &recovered);
}

#[test]
fn a_read_only_data_folder_refuses_uploads_until_it_is_writable() {
    let disk = match SmallDisk::mount(48) {
        Ok(disk) => disk,
        Err(reason) => return skipped("a read-only data folder", &reason),
    };
    let installation = on(&disk);
    let server = installation.serve();
    let client = server.client();
    let kept = client.upload("kept.png", &picture(1)).expect(201);
    let files = data_dir::image_files(installation.data());

    let read_only = ReadOnly::make(installation.data()).expect("root could mount before");
    for seed in 2..6 {
        let refused = client.upload("refused.png", &picture(seed));
        refused.expect_problem(503, "storage-read-only");
        assert!(
            refused.header("retry-after").is_some(),
            "503 says when to return"
        );
    }
    assert_not_ready(client, "storage-read-only");
    assert_eq!(
        data_dir::image_files(installation.data()),
        files,
        "refused uploads left something"
    );
    assert!(
        server.log().contains("cannot be written"),
        "{}",
        server.log()
    );
    let _ = client.get(&kept.link("direct_url")).expect(200);
    drop(read_only);

    let recovered = assert_recovers(client);
    server.stop();
    assert_both_there(&installation, &kept, &recovered);
}

#[test]
fn a_server_does_not_start_where_it_cannot_write() {
    let disk = match SmallDisk::mount(48) {
        Ok(disk) => disk,
        Err(reason) => return skipped("a start on a read-only folder", &reason),
    };
    let installation = on(&disk);
    let read_only = ReadOnly::make(installation.data()).expect("root could mount before");
    let mut server = Server::spawn(installation.data(), &[]);
    let status = server.wait_for_exit();
    let log = server.log();
    assert!(
        status.code().is_some_and(|code| code != 0 && code != 101),
        "{status}\n{log}"
    );
    assert!(
        log.contains("cannot be written") && !log.contains("panicked"),
        "{log}"
    );
    drop(read_only);
    installation.serve().stop();
}

fn on(disk: &SmallDisk) -> Installation {
    Installation::at(&disk.path().join("data"))
}

/// About 1 MB: noise does not compress.
fn picture(seed: u64) -> Vec<u8> {
    Picture::noise(600, 600, seed).png()
}

fn assert_not_ready(client: Client, reason: &str) {
    let answer = wait_for("/readyz to say no", NOTICED_WITHIN, || {
        let answer = client.get("/readyz");
        (answer.status == 503).then_some(answer)
    });
    assert!(answer.text().contains(reason), "{}", answer.text());
    let _ = client.get("/healthz").expect(200);
}

fn assert_recovers(client: Client) -> Response {
    let recovered = wait_for("uploads to work again", NOTICED_WITHIN, || {
        let answer = client.upload("recovered.png", &picture(7));
        (answer.status == 201).then_some(answer)
    });
    wait_for("/readyz to say yes", NOTICED_WITHIN, || {
        (client.get("/readyz").status == 200).then_some(())
    });
    recovered
}

fn assert_both_there(installation: &Installation, kept: &Response, recovered: &Response) {
    let server = installation.serve();
    for uploaded in [kept, recovered] {
        let served = server
            .client()
            .get(&uploaded.link("direct_url"))
            .expect(200);
        assert_eq!(uploaded.json()["bytes"], served.body.len());
    }
    server.stop();
}
