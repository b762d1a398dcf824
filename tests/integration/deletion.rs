//! Who may delete an image, and that nothing tells a deleted one from none.

use imgshare_tests::data_dir;
use imgshare_tests::installation::Installation;
use imgshare_tests::picture::Picture;
use imgshare_tests::response::Response;

#[test]
fn only_the_right_token_deletes() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let file = Picture::scene(64, 64, 7).png();
    let uploaded = client.upload("a.png", &file).expect(201);
    let other = client
        .upload("b.png", &Picture::scene(64, 64, 8).png())
        .expect(201);
    let (id, token) = (uploaded.field("id"), uploaded.field("delete_token"));
    // The thumbnail is a file of its own that has to go as well.
    let _ = client.get(&uploaded.link("thumbnail_url")).expect(200);

    client
        .delete(&id, None)
        .expect_problem(401, "delete-token-missing");
    client
        .delete(&id, Some(&other.field("delete_token")))
        .expect_problem(403, "delete-token-wrong");
    client
        .delete(&id, Some(""))
        .expect_problem(401, "delete-token-missing");
    client
        .delete(&id, Some(&token.to_uppercase()))
        .expect_problem(403, "delete-token-wrong");
    let _ = client.get(&uploaded.link("direct_url")).expect(200);

    let deleted = client.delete(&id, Some(&token)).expect(204);
    assert!(deleted.body.is_empty());
    client
        .delete(&id, Some(&token))
        .expect_problem(404, "not-found");
    let left: Vec<_> = data_dir::files(&installation.data().join("blobs"))
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(&id))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let _ = client.get(&other.link("direct_url")).expect(200);
}

#[test]
fn p18_unknown_and_deleted_images_answer_alike() {
    let installation = Installation::new();
    let server = installation.serve();
    let client = server.client();
    let uploaded = client
        .upload("a.png", &Picture::scene(64, 64, 9).png())
        .expect(201);
    let id = uploaded.field("id");
    let _ = client
        .delete(&id, Some(&uploaded.field("delete_token")))
        .expect(204);

    for path in ["/{}", "/i/{}.png", "/i/{}/thumb.jpg", "/api/v1/images/{}"] {
        let [deleted, unknown, impossible] =
            [id.as_str(), "111111111111", "0OIl"].map(|id| client.get(&path.replace("{}", id)));
        deleted.expect_problem(404, "not-found");
        for other in [unknown, impossible] {
            assert_eq!(other.status, deleted.status, "{path}");
            assert_eq!(other.body, deleted.body, "{path}");
            assert_eq!(names(&other), names(&deleted), "{path}");
        }
    }
    for gone in [id.as_str(), "111111111111"] {
        client
            .delete(gone, Some("a-token"))
            .expect_problem(404, "not-found");
    }
    let asked = [id.as_str(), "111111111111"].map(|id| {
        client
            .get(&format!("/d/{id}"))
            .expect(200)
            .text()
            .replace(id, "ID")
    });
    assert_eq!(
        asked[0], asked[1],
        "the page that asks tells nobody which ids exist"
    );
}

fn names(response: &Response) -> Vec<&str> {
    response
        .headers()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect()
}
