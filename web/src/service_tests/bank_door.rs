//! `imgshare bank` at the door of a service that runs.

use imgshare_storage::State as ImageState;
use imgshare_storage::moderation::{BankEntry, BankHash, BankPolicy, Note, Policy};
use tokio::sync::watch;

use super::*;
use crate::control_socket;
use crate::moderation::bank_control::{self, Answer as Told, BATCH_MAX, Command};
use crate::moderation::keeper;

fn entry(hash: [u8; 32]) -> BankEntry {
    BankEntry {
        hash: BankHash::Sha256(hash),
        policy: BankPolicy::Refuse,
        against: Policy::Illegal,
        reason: Note::new("an order").unwrap(),
        added_by: "operator".to_owned(),
        added_at_ms: 7,
        image: None,
    }
}

#[tokio::test]
async fn a_list_is_taken_in_while_the_service_runs() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        data: folder.path().to_owned(),
        ..Settings::default()
    };
    let service = Service::start(&Oracle::says(SAFE), settings);
    let uploaded = service.uploaded(&photo()).await;
    let id = uploaded["id"].as_str().unwrap().parse().unwrap();
    let record = || service.app.store.find(&id).unwrap().unwrap();
    let (stop, stopped) = watch::channel(false);
    let door = tokio::spawn(bank_control::serve(Arc::clone(&service.app), stopped));
    while !control_socket::path(folder.path(), "bank.sock").exists() {
        tokio::task::yield_now().await;
    }
    let ask = async |command: Command| {
        let data = folder.path().to_owned();
        let asked = tokio::task::spawn_blocking(move || bank_control::ask(&data, &command));
        asked.await.unwrap().unwrap()
    };
    let entries = vec![entry(record().sha256), entry([9; 32])];
    let listed = Command::Entries { after: None };
    let import = Command::Import {
        entries: entries.clone(),
    };
    assert_eq!(ask(import.clone()).await, Told::Imported { n_added: 2 });
    // Copies of it are looked for without a restart.
    service.app.bank_grew.notified().await;
    keeper::keep(&service.app).await.unwrap();
    assert_eq!(record().state, ImageState::Blocked);
    assert_eq!(ask(import).await, Told::Imported { n_added: 0 });
    let Told::Entries { entries: found } = ask(listed).await else {
        panic!("no entries");
    };
    assert_eq!(found.len(), 2);
    assert!(entries.iter().all(|entry| found.contains(entry)));
    let many = vec![entry([9; 32]); BATCH_MAX + 1];
    let refused = ask(Command::Import { entries: many }).await;
    assert!(matches!(refused, Told::Refused { .. }), "{refused:?}");
    stop.send(true).unwrap();
    door.await.unwrap();
}
