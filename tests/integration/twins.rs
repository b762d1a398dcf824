//! The same picture uploaded twice: two images for the world, one on the disk.

use std::os::unix::fs::MetadataExt;

use imgshare_tests::client::Client;
use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;

#[test]
fn the_same_picture_twice_is_two_images_and_one_file() {
    let installation = Installation::new();
    let file = Picture::scene(320, 200, 5).png();
    let server = installation.serve();
    let client = server.client();
    let [first, second] = ["a.png", "b.png"].map(|name| client.upload(name, &file).expect(201));
    assert_ne!(first.field("id"), second.field("id"));
    assert_ne!(first.field("delete_token"), second.field("delete_token"));
    assert_eq!(inodes(&installation, &[&first, &second]), 1);
    let facts = client.facts(&second).to_string();
    assert!(!facts.contains("pdq"), "{facts}");
    // Each can only be deleted with its own token, and goes alone.
    client
        .delete(&second.field("id"), Some(&first.field("delete_token")))
        .expect_problem(403, "delete-token-wrong");
    let served = client.get(&first.link("direct_url")).expect(200).body;
    delete(&client, &first);
    assert_eq!(
        client.get(&second.link("direct_url")).expect(200).body,
        served
    );
    let _ = client.get(&second.link("thumbnail_url")).expect(200);
    server.stop();

    // After a restart the second is there, and a third is one file with it.
    let server = installation.serve();
    let client = server.client();
    assert_eq!(
        client.get(&second.link("direct_url")).expect(200).body,
        served
    );
    let third = client.upload("c.png", &file).expect(201);
    assert_eq!(inodes(&installation, &[&second, &third]), 1);
    server.stop();

    // So it is when the database has been rebuilt.
    let _ = installation.run(&["repair"]).expect_success();
    let server = installation.serve();
    let client = server.client();
    let fourth = client.upload("d.png", &file).expect(201);
    assert_eq!(inodes(&installation, &[&second, &third, &fourth]), 1);
    delete(&client, &second);
    delete(&client, &fourth);
    client
        .get(&second.link("direct_url"))
        .expect_problem(404, "not-found");
    assert_eq!(
        client.get(&third.link("direct_url")).expect(200).body,
        served
    );
    delete(&client, &third);
    assert_eq!(data_dir::image_files(installation.data()).len(), 0);
    server.stop();
}

fn delete(client: &Client, uploaded: &Response) {
    let token = uploaded.field("delete_token");
    let _ = client
        .delete(&uploaded.field("id"), Some(&token))
        .expect(204);
}

/// How many files on the disk the originals of these images are.
fn inodes(installation: &Installation, uploaded: &[&Response]) -> usize {
    let originals = uploaded.iter().map(|uploaded| {
        let id = uploaded.field("id");
        let files = data_dir::image_files(installation.data());
        let original = files
            .into_iter()
            .find(|path| path.ends_with(format!("{id}/original.png")));
        let original = original.unwrap_or_else(|| panic!("{id} has no original"));
        original.metadata().expect("a file").ino()
    });
    originals.collect::<std::collections::HashSet<u64>>().len()
}
