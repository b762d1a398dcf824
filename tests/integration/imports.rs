//! The log of a CDN, imported by hand.

use imgshare_storage::Store;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;

/// Views of an image as a CDN writes them, with much beside.
fn log_of(id: &str, n_views: usize) -> String {
    let line = |request: &str, status: u16| {
        format!(
            "192.0.2.0 - - [01/Jan/2026:13:55:36 +0000] \"{request}\" {status} 2326 \"-\" \"x\"\n"
        )
    };
    let mut log = line(&format!("GET /i/{id}/thumb.jpg HTTP/2"), 200);
    log.push_str(&line(&format!("GET /{id} HTTP/2"), 404));
    for _ in 0..n_views {
        log.push_str(&line(&format!("GET /i/{id}.png HTTP/2"), 200));
    }
    log
}

#[test]
fn p13a_views_of_a_log_are_counted_once_whoever_has_the_database() {
    let installation = Installation::new();
    let file = installation.scratch().join("cdn.log");
    let path = file.to_str().expect("text");
    let import = || installation.run(&["retention", "import-views", path]);
    let server = installation.serve();
    let upload = server
        .client()
        .upload("zebra.png", &Picture::scene(40, 30, 7).png())
        .expect(201);
    let id = upload.field("id");
    std::fs::write(&file, log_of(&id, 7)).expect("a log");
    // The service has the database.
    let imported = import().expect_success().stdout;
    assert_eq!(imported.trim(), "7 views in 9 lines");
    let again = import().expect_refusal().stderr;
    assert!(again.contains("was imported on"), "{again}");
    server.stop();
    // The command has it.
    let again = import().expect_refusal().stderr;
    assert!(again.contains("was imported on"), "{again}");
    std::fs::write(&file, log_of(&id, 4)).expect("another log");
    let imported = import().expect_success().stdout;
    assert_eq!(imported.trim(), "4 views in 6 lines");
    let _ = import().expect_refusal();
    let store = Store::open(installation.data()).expect("nobody has it");
    let id = id.parse().expect("an id");
    assert_eq!(store.views(&id).expect("views").total, 11);
}
