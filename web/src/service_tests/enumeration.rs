//! What a stranger learns from asking for links: nothing (P18).

use std::time::{Duration, Instant};

use imgshare_storage::{ImageId, State};

use super::*;

/// Tries per kind; the fastest of them is what the work itself takes, whatever
/// else the machine does.
const TRIES: usize = 150;

fn paths(id: &str) -> [String; 5] {
    [
        format!("/{id}"),
        format!("/i/{id}.jpg"),
        format!("/i/{id}/thumb.jpg"),
        format!("/api/v1/images/{id}"),
        format!("/report/{id}"),
    ]
}

/// An unknown, a deleted and a hidden image. One that was blocked says so, as one
/// that staff removed does.
async fn ids(service: &Service) -> [String; 3] {
    let store = &service.app.store;
    let mut uploaded = Vec::new();
    for _ in 0..2 {
        let image = service.uploaded(&photo()).await;
        uploaded.push(image["id"].as_str().unwrap().to_owned());
    }
    let of = |idx: usize| uploaded[idx].parse::<ImageId>().unwrap();
    assert!(store.remove(&of(0), 0).unwrap());
    store
        .update(&of(1), |record| record.state = State::Review)
        .unwrap();
    let unknown = ImageId::random().unwrap().to_string();
    [unknown, uploaded[0].clone(), uploaded[1].clone()]
}

#[tokio::test]
async fn p18_unknown_deleted_and_hidden_answer_alike() {
    let service = Service::saying(SAFE);
    let ids = ids(&service).await;
    for path_idx in 0..paths("").len() {
        let mut answers = Vec::new();
        for id in &ids {
            for accept in ["text/html", "*/*"] {
                let path = &paths(id)[path_idx];
                let request = Request::get(path).header(header::ACCEPT, accept);
                let answer = service.send(request.body(Body::empty()).unwrap()).await;
                let body = answer.text().replace(id.as_str(), "ID");
                answers.push((accept, answer.status, format!("{:?}", answer.headers), body));
            }
        }
        for answer in &answers[2..] {
            let of_unknown = answers.iter().find(|unknown| unknown.0 == answer.0);
            assert_eq!(Some(answer), of_unknown, "{}", paths("ID")[path_idx]);
        }
    }
}

#[tokio::test]
async fn p18_unknown_deleted_and_hidden_take_alike() {
    let service = Service::saying(SAFE);
    let ids = ids(&service).await;
    for path_idx in 0..paths("").len() {
        let mut fastest = [Duration::MAX; 3];
        for _ in 0..TRIES {
            for (id, fastest) in ids.iter().zip(&mut fastest) {
                let path = &paths(id)[path_idx];
                let started = Instant::now();
                service.get(path).await;
                *fastest = started.elapsed().min(*fastest);
            }
        }
        let [least, most] = [fastest.iter().min(), fastest.iter().max()].map(|time| *time.unwrap());
        // A lookup more or less may show on loopback within the process; over a
        // network it is lost. A decoded image or a file's read would be tenfold.
        let slack = Duration::from_micros(300);
        assert!(
            most <= least * 3 + slack,
            "{}: {fastest:?}",
            paths("ID")[path_idx]
        );
    }
}

#[tokio::test]
async fn p18_a_wrong_token_tells_nothing_about_what_is_hidden() {
    let service = Service::saying(SAFE);
    for id in ids(&service).await {
        let token = "0".repeat(40);
        let delete = Request::delete(format!("/api/v1/images/{id}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        service.send(delete).await.assert_problem(404, "not-found");
        for act in ["", "/export", "/filename", "/advertising", "/appeal"] {
            let body = format!("token={token}&filename=x&text=x");
            let answer = service.send(form(&format!("/m/{id}{act}"), body)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}{act}");
        }
    }
}
