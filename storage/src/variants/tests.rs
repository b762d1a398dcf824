use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::*;
use crate::contract::SampleBytes;
use crate::faults::{Fault, Faulty, Fuse};

const BLOCK: u64 = 4096;

fn put(variants: &Variants, id: &ImageId, bytes: &[u8]) {
    let part = PartName::variant("thumb", "jpg").unwrap();
    variants
        .put(id, &part, &SampleBytes(bytes.to_vec()))
        .unwrap();
}

fn read(variants: &Variants, id: &ImageId) -> Option<Vec<u8>> {
    variants.find(id, "thumb").unwrap().map(|kept| kept.bytes)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(dir.join("variants")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

/// What both kinds of place promise.
fn keeps_the_promise(variants: &Variants) {
    let ids: Vec<ImageId> = (0..4).map(|_| ImageId::random().unwrap()).collect();
    assert_eq!(read(variants, &ids[0]), None);
    put(variants, &ids[0], b"first");
    put(variants, &ids[0], b"second");
    let kept = variants.find(&ids[0], "thumb").unwrap().unwrap();
    assert_eq!(kept.bytes, b"second");
    assert_eq!(kept.sha256, <[u8; 32]>::from(Sha256::digest(b"second")));
    assert_eq!(variants.bytes(), BLOCK);

    variants.limit(2 * BLOCK);
    put(variants, &ids[1], b"other");
    assert!(read(variants, &ids[0]).is_some(), "used after the other");
    put(variants, &ids[2], b"third");
    assert_eq!(read(variants, &ids[1]), None);
    assert_eq!(variants.bytes(), 2 * BLOCK);
    put(variants, &ids[3], &[0; 3 * 4096]);
    assert_eq!(read(variants, &ids[3]), None, "larger than all the room");
    assert_eq!(variants.bytes(), 2 * BLOCK);

    variants.remove(&ids[0]).unwrap();
    variants.remove(&ids[0]).unwrap();
    assert_eq!(read(variants, &ids[0]), None);
    variants.limit(0);
    assert_eq!((read(variants, &ids[2]), variants.bytes()), (None, 0));
}

#[test]
fn memory_keeps_the_promise() {
    keeps_the_promise(&Variants::memory());
}

#[test]
fn a_folder_keeps_the_promise() {
    let dir = tempfile::tempdir().unwrap();
    keeps_the_promise(&Variants::open(dir.path()).unwrap());
    assert_eq!(files(dir.path()), Vec::<PathBuf>::new());
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_restart_finds_them_and_what_they_take() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (ImageId::random().unwrap(), ImageId::random().unwrap());
    let variants = Variants::open(dir.path()).unwrap();
    put(&variants, &first, b"first");
    let made_first = files(dir.path());
    put(&variants, &second, &[7; 5000]);
    drop(variants);
    fs::File::open(&made_first[0])
        .and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH))
        .unwrap();
    fs::write(dir.path().join("variants/README"), b"not ours").unwrap();

    let variants = Variants::open(dir.path()).unwrap();
    assert_eq!(variants.bytes(), 3 * BLOCK);
    variants.limit(2 * BLOCK);
    assert_eq!(read(&variants, &first), None, "the oldest goes first");
    assert_eq!(read(&variants, &second), Some(vec![7; 5000]));
    assert!(dir.path().join("variants/README").exists());
}

#[test]
fn bytes_that_were_never_written_out_are_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let id = ImageId::random().unwrap();
    let variants = Variants::open(dir.path()).unwrap();
    put(&variants, &id, b"whole");
    // As after a loss of power: the name is there, its bytes are not.
    for damaged in [&b""[..], b"who", b"WHOLE"] {
        let files = files(dir.path());
        fs::write(&files[0], damaged).unwrap();
        assert_eq!(read(&variants, &id), None);
        assert_eq!(variants.bytes(), 0);
        put(&variants, &id, b"whole");
        assert_eq!(read(&variants, &id).as_deref(), Some(&b"whole"[..]));
    }
    fs::remove_file(&files(dir.path())[0]).unwrap();
    assert_eq!(read(&variants, &id), None);
}

const FAILURES: [Fault; 2] = [Fault::Once, Fault::OnceAfterEffect];

/// In a folder where one change fails.
fn faulty(dir: &Path, fuse: &Arc<Fuse>) -> Variants {
    let folder = Folder::open(dir).unwrap();
    Variants::in_place(Box::new(Faulty(folder, Arc::clone(fuse))))
}

#[test]
fn p13_a_removal_that_failed_anywhere_is_finished_by_the_next() {
    // Two writes, two removals and a sync.
    for (fault, at) in FAILURES
        .into_iter()
        .flat_map(|fault| (2..5).map(move |at| (fault, at)))
    {
        let dir = tempfile::tempdir().unwrap();
        let fuse = Fuse::new(at, fault);
        let variants = faulty(dir.path(), &fuse);
        let id = ImageId::random().unwrap();
        put(&variants, &id, b"small");
        let part = PartName::variant("medium", "jpg").unwrap();
        variants
            .put(&id, &part, &SampleBytes(b"larger".to_vec()))
            .unwrap();
        variants.remove(&id).unwrap_err();
        let n_changes = fuse.n_changes();
        variants.remove(&id).unwrap();
        assert!(fuse.n_changes() > n_changes, "{fault:?} at {at}: no sync");
        assert_eq!(
            files(dir.path()),
            Vec::<PathBuf>::new(),
            "{fault:?} at {at}"
        );
    }
}

#[test]
fn p13_what_could_not_be_dropped_goes_with_its_image_or_before() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<ImageId> = (0..3).map(|_| ImageId::random().unwrap()).collect();
    for removed in [false, true] {
        // The third change: two are written, the first of them has to go.
        let fuse = Fuse::new(2, Fault::Once);
        let variants = faulty(dir.path(), &fuse);
        variants.limit(BLOCK);
        put(&variants, &ids[0], b"first");
        put(&variants, &ids[1], b"second");
        assert_eq!(files(dir.path()).len(), 2);
        if removed {
            variants.remove(&ids[0]).unwrap();
        } else {
            put(&variants, &ids[2], b"third");
        }
        assert_eq!(files(dir.path()).len(), 1);
        assert_eq!(read(&variants, &ids[0]), None);
        variants.limit(0);
        assert_eq!(files(dir.path()), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_file_that_was_to_go_stays_if_it_is_put_again() {
    let dir = tempfile::tempdir().unwrap();
    let ids = [(); 2].map(|()| ImageId::random().unwrap());
    let variants = faulty(dir.path(), &Fuse::new(2, Fault::Once));
    variants.limit(BLOCK);
    put(&variants, &ids[0], b"first");
    put(&variants, &ids[1], b"second");
    put(&variants, &ids[0], b"first");
    assert_eq!(read(&variants, &ids[0]).as_deref(), Some(&b"first"[..]));
    assert_eq!(files(dir.path()).len(), 1);
}
