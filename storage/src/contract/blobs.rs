//! The promise of [`Blobs`].

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use crate::contract::SampleBytes;
use crate::{Blobs, ImageId, PartName, StorageError};

/// Runs the suite. `make` gives new and empty blobs each time it is called.
///
/// # Panics
/// When a promise is broken.
pub fn blobs_contract<B: Blobs>(make: impl Fn() -> B) {
    an_image_appears_with_its_sidecar(&make());
    an_image_is_in_doubt_until_settled(&make());
    an_id_is_taken_once(&make());
    a_sidecar_is_replaced(&make());
    nothing_is_added_to_no_image(&make());
    a_part_is_read_piece_by_piece(&make());
    removing_takes_everything(&make());
    every_image_is_visited(&make());
    probe_and_sweep_keep_the_images(&make());
    a_twin_is_an_image_like_any(&make());
    twins_are_independent(&make());
    other_bytes_have_no_twin(&make());
}

fn an_image_appears_with_its_sidecar(blobs: &dyn Blobs) {
    let id = new_id();
    assert_eq!(read(blobs, &id, &original()), None);
    assert_eq!(sidecar(blobs, &id), None);
    put(blobs, &id);
    assert_eq!(
        read(blobs, &id, &original()).as_deref(),
        Some(b"original".as_slice())
    );
    assert_eq!(sidecar(blobs, &id).as_deref(), Some(b"sidecar".as_slice()));
    assert_eq!(read(blobs, &id, &thumbnail()), None);
    assert_eq!(
        read(blobs, &id, &PartName::original("png").expect("a name")),
        None
    );
}

fn an_image_is_in_doubt_until_settled(blobs: &dyn Blobs) {
    let id = new_id();
    put(blobs, &id);
    assert_eq!(blobs.in_doubt().expect("a list"), [id]);
    blobs.settle(&id).expect("settled");
    blobs.settle(&id).expect("settled again");
    assert_eq!(blobs.in_doubt().expect("a list"), []);
    assert!(sidecar(blobs, &id).is_some());
}

fn an_id_is_taken_once(blobs: &dyn Blobs) {
    let id = new_id();
    put(blobs, &id);
    blobs.settle(&id).expect("settled");
    let refused = blobs.put_image(&id, &original(), &SampleBytes(b"other".to_vec()), b"other");
    assert!(matches!(refused, Err(StorageError::AlreadyExists { id: taken }) if taken == id));
    assert_eq!(
        read(blobs, &id, &original()).as_deref(),
        Some(b"original".as_slice())
    );
    assert_eq!(sidecar(blobs, &id).as_deref(), Some(b"sidecar".as_slice()));
    assert_eq!(
        blobs.in_doubt().expect("a list"),
        [],
        "a refused image is in doubt"
    );
}

fn a_sidecar_is_replaced(blobs: &dyn Blobs) {
    let id = new_id();
    put(blobs, &id);
    blobs.put_sidecar(&id, b"changed").expect("a sidecar");
    assert_eq!(sidecar(blobs, &id).as_deref(), Some(b"changed".as_slice()));
    assert_eq!(
        read(blobs, &id, &original()).as_deref(),
        Some(b"original".as_slice())
    );
}

fn nothing_is_added_to_no_image(blobs: &dyn Blobs) {
    let id = new_id();
    let record = blobs.put_sidecar(&id, b"sidecar");
    assert!(matches!(record, Err(StorageError::NotFound { .. })));
    assert_eq!(visited(blobs), BTreeSet::new());
}

fn a_part_is_read_piece_by_piece(blobs: &dyn Blobs) {
    let id = new_id();
    assert!(blobs.open(&id, &original()).expect("no part").is_none());
    put(blobs, &id);
    let mut reader = blobs
        .open(&id, &original())
        .expect("a part")
        .expect("a part");
    assert_eq!(reader.len(), 8);
    assert!(!reader.is_empty());
    blobs.remove(&id).expect("a removal");
    reader.seek(SeekFrom::Start(4)).expect("a seek");
    let mut rest = String::new();
    reader
        .read_to_string(&mut rest)
        .expect("the rest, though removed");
    assert_eq!(rest, "inal");
}

fn removing_takes_everything(blobs: &dyn Blobs) {
    let (id, other) = (new_id(), new_id());
    put(blobs, &id);
    put(blobs, &other);
    assert!(blobs.remove(&id).expect("a removal"));
    assert!(!blobs.remove(&id).expect("a removal"));
    assert_eq!(read(blobs, &id, &original()), None);
    assert_eq!(sidecar(blobs, &id), None);
    assert_eq!(visited(blobs), BTreeSet::from([other]));
    put(blobs, &id);
    assert_eq!(sidecar(blobs, &id).as_deref(), Some(b"sidecar".as_slice()));
}

fn every_image_is_visited(blobs: &dyn Blobs) {
    assert_eq!(visited(blobs), BTreeSet::new());
    let ids: BTreeSet<ImageId> = (0..20).map(|_| new_id()).collect();
    for id in &ids {
        put(blobs, id);
    }
    assert_eq!(visited(blobs), ids);
    let mut n_visited = 0;
    blobs
        .for_each_id(&mut |_| {
            n_visited += 1;
            if n_visited == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .expect("a visit");
    assert_eq!(n_visited, 3);
}

fn probe_and_sweep_keep_the_images(blobs: &dyn Blobs) {
    let id = new_id();
    put(blobs, &id);
    blobs.probe_writable().expect("blobs that can be written");
    assert_eq!(
        blobs.in_doubt().expect("a list"),
        [id],
        "a probe settled an image"
    );
    blobs.sweep().expect("a sweep");
    assert_eq!(blobs.in_doubt().expect("a list"), []);
    assert_eq!(
        read(blobs, &id, &original()).as_deref(),
        Some(b"original".as_slice())
    );
}

fn a_twin_is_an_image_like_any(blobs: &dyn Blobs) {
    let (id, twin) = (new_id(), new_id());
    put(blobs, &id);
    blobs.settle(&id).expect("settled");
    assert!(put_twin(blobs, &twin, &id, b"original").expect("a twin"));
    assert_eq!(blobs.in_doubt().expect("a list"), [twin]);
    blobs.settle(&twin).expect("settled");
    assert_eq!(sidecar(blobs, &twin).as_deref(), Some(b"twin".as_slice()));
    assert_eq!(sidecar(blobs, &id).as_deref(), Some(b"sidecar".as_slice()));
    assert_eq!(visited(blobs), BTreeSet::from([id, twin]));
    let taken = put_twin(blobs, &twin, &id, b"original");
    assert!(matches!(taken, Err(StorageError::AlreadyExists { id }) if id == twin));
    assert_eq!(
        blobs.in_doubt().expect("a list"),
        [],
        "a refused image is in doubt"
    );
}

fn twins_are_independent(blobs: &dyn Blobs) {
    let ids = [new_id(), new_id(), new_id()];
    put(blobs, &ids[0]);
    for pair in ids.windows(2) {
        assert!(put_twin(blobs, &pair[1], &pair[0], b"original").expect("a twin"));
    }
    blobs.put_sidecar(&ids[0], b"changed").expect("a sidecar");
    assert_eq!(sidecar(blobs, &ids[1]).as_deref(), Some(b"twin".as_slice()));
    assert!(blobs.remove(&ids[0]).expect("a removal"));
    blobs.sweep().expect("a sweep");
    assert_eq!(
        read(blobs, &ids[1], &original()).as_deref(),
        Some(b"original".as_slice())
    );
    assert!(blobs.remove(&ids[1]).expect("a removal"));
    assert_eq!(visited(blobs), BTreeSet::from([ids[2]]));
    assert_eq!(
        read(blobs, &ids[2], &original()).as_deref(),
        Some(b"original".as_slice())
    );
}

fn other_bytes_have_no_twin(blobs: &dyn Blobs) {
    let id = new_id();
    put(blobs, &id);
    blobs.settle(&id).expect("settled");
    for bytes in [b"another!".as_slice(), b"origina", b"originals", b""] {
        assert!(!put_twin(blobs, &new_id(), &id, bytes).expect("no twin"));
    }
    assert!(!put_twin(blobs, &new_id(), &new_id(), b"original").expect("no twin"));
    blobs.remove(&id).expect("a removal");
    assert!(!put_twin(blobs, &new_id(), &id, b"original").expect("no twin"));
    assert_eq!(visited(blobs), BTreeSet::new());
    assert_eq!(
        blobs.in_doubt().expect("a list"),
        [],
        "an image that was not stored is in doubt"
    );
}

fn put_twin(
    blobs: &dyn Blobs,
    id: &ImageId,
    twin: &ImageId,
    bytes: &[u8],
) -> Result<bool, StorageError> {
    blobs.put_twin(id, &original(), &SampleBytes(bytes.to_vec()), b"twin", twin)
}

fn new_id() -> ImageId {
    ImageId::random().expect("the system has random numbers")
}

fn original() -> PartName {
    PartName::original("jpg").expect("a name")
}

fn thumbnail() -> PartName {
    PartName::variant("thumb", "jpg").expect("a name")
}

fn put(blobs: &dyn Blobs, id: &ImageId) {
    blobs
        .put_image(
            id,
            &original(),
            &SampleBytes(b"original".to_vec()),
            b"sidecar",
        )
        .expect("an image");
}

fn read(blobs: &dyn Blobs, id: &ImageId, part: &PartName) -> Option<Vec<u8>> {
    blobs.read(id, part).expect("a part")
}

fn sidecar(blobs: &dyn Blobs, id: &ImageId) -> Option<Vec<u8>> {
    blobs.sidecar(id).expect("a sidecar")
}

fn visited(blobs: &dyn Blobs) -> BTreeSet<ImageId> {
    let mut ids = BTreeSet::new();
    blobs
        .for_each_id(&mut |id| {
            assert!(ids.insert(id), "{id} was visited twice");
            ControlFlow::Continue(())
        })
        .expect("a visit");
    ids
}
