use std::cell::RefCell;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;
use crate::contract::{SampleBytes, blobs_contract};

#[test]
fn file_blobs_keep_the_promise() {
    let dirs = RefCell::new(Vec::new());
    blobs_contract(|| {
        let dir = tempfile::tempdir().unwrap();
        let blobs = FileBlobs::open(dir.path()).unwrap();
        dirs.borrow_mut().push(dir);
        blobs
    });
}

#[test]
fn the_layout_is_the_documented_one_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let (_, id) = with_image(dir.path());
    let [first, second] = shard(&id);
    let folder = dir
        .path()
        .join(format!("blobs/{first:02x}/{second:02x}/{id}"));
    let mut files = names(&folder).unwrap();
    files.sort_unstable();
    assert_eq!(files, ["original.jpg", "record"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in files {
        assert_eq!(mode(&folder.join(file)), 0o600);
    }
    for folder in folder
        .ancestors()
        .take(4)
        .chain([dir.path().join("tmp").as_path()])
    {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

#[test]
fn images_spread_over_the_folders() {
    let mut counts = [0_u32; 256];
    for _ in 0..25_600 {
        counts[usize::from(shard(&ImageId::random().unwrap())[0])] += 1;
    }
    // 100 expected of each, standard deviation 10.
    assert!(
        counts.iter().all(|count| (40..=160).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn a_failure_leaves_no_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let (blobs, id) = with_image(dir.path());
    blobs.settle(&id).unwrap();
    // A folder where a file should go fails the last step.
    let [first, second] = shard(&id);
    let folder = dir
        .path()
        .join(format!("blobs/{first:02x}/{second:02x}/{id}"));
    fs::remove_file(folder.join("record")).unwrap();
    fs::create_dir(folder.join("record")).unwrap();
    blobs.put_sidecar(&id, b"changed").unwrap_err();
    assert_eq!(
        names(&dir.path().join("tmp")).unwrap(),
        Vec::<String>::new()
    );

    // A file where the shard's folder should be fails an early one.
    let other = ImageId::random().unwrap();
    let outer = dir.path().join(format!("blobs/{:02x}", shard(&other)[0]));
    let _ = fs::remove_dir_all(&outer);
    fs::write(&outer, b"in the way").unwrap();
    put(&blobs, &other).unwrap_err();
    assert_eq!(
        names(&dir.path().join("tmp")).unwrap(),
        Vec::<String>::new()
    );
}

#[test]
fn a_disk_too_full_refuses_uploads_but_not_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (blobs, id) = with_image(dir.path());
    blobs.settle(&id).unwrap();
    let blobs = blobs.with_headroom(u64::MAX);
    assert_eq!(
        put(&blobs, &ImageId::random().unwrap()).unwrap_err().code(),
        "storage-full"
    );
    assert_eq!(blobs.probe_writable().unwrap_err().code(), "storage-full");
    assert_eq!(
        names(&dir.path().join("tmp")).unwrap(),
        Vec::<String>::new()
    );
    blobs.put_sidecar(&id, b"changed").unwrap();
    assert!(blobs.remove(&id).unwrap());
}

#[test]
fn strangers_in_the_folders_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (blobs, id) = with_image(dir.path());
    fs::write(dir.path().join("blobs/.DS_Store"), b"").unwrap();
    fs::create_dir_all(dir.path().join("blobs/00/zz/lost+found")).unwrap();
    fs::write(dir.path().join("blobs/00/stray"), b"").unwrap();
    fs::write(dir.path().join("tmp/stray.intent"), b"").unwrap();
    let mut visited = Vec::new();
    blobs
        .for_each_id(&mut |id| {
            visited.push(id);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(visited, [id]);
    assert_eq!(blobs.in_doubt().unwrap(), [id]);
}

#[test]
fn equal_bytes_are_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let (blobs, id) = with_image(dir.path());
    let twin = ImageId::random().unwrap();
    assert!(put_twin(&blobs, &twin, &id));
    let [file, other] = [&id, &twin].map(|id| original_of(&blobs, id));
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!(metadata.ino(), fs::metadata(&other).unwrap().ino());
    assert_eq!(metadata.nlink(), 2);
    blobs.remove(&id).unwrap();
    assert_eq!(fs::metadata(&other).unwrap().nlink(), 1);
}

#[test]
fn a_damaged_file_is_not_shared() {
    let dir = tempfile::tempdir().unwrap();
    let (blobs, id) = with_image(dir.path());
    blobs.settle(&id).unwrap();
    for damaged in [b"origin".as_slice(), b"0riginal"] {
        fs::write(original_of(&blobs, &id), damaged).unwrap();
        assert!(!put_twin(&blobs, &ImageId::random().unwrap(), &id));
    }
    let nlink = fs::metadata(original_of(&blobs, &id)).unwrap().nlink();
    assert_eq!(nlink, 1);
    assert_eq!(
        names(&dir.path().join("tmp")).unwrap(),
        Vec::<String>::new()
    );
}

fn put_twin(blobs: &FileBlobs, id: &ImageId, twin: &ImageId) -> bool {
    let part = PartName::original("jpg").unwrap();
    let bytes = SampleBytes(b"original".to_vec());
    blobs.put_twin(id, &part, &bytes, b"sidecar", twin).unwrap()
}

fn original_of(blobs: &FileBlobs, id: &ImageId) -> PathBuf {
    blobs.folder(id).join("original.jpg")
}

fn with_image(dir: &Path) -> (FileBlobs, ImageId) {
    let blobs = FileBlobs::open(dir).unwrap();
    let id = ImageId::random().unwrap();
    put(&blobs, &id).unwrap();
    (blobs, id)
}

fn put(blobs: &FileBlobs, id: &ImageId) -> Result<(), StorageError> {
    let original = PartName::original("jpg").unwrap();
    blobs.put_image(
        id,
        &original,
        &SampleBytes(b"original".to_vec()),
        b"sidecar",
    )
}

#[test]
fn p13_a_removal_that_was_cut_short_leaves_nothing_when_it_is_called_again() {
    let dir = tempfile::tempdir().unwrap();
    let (blobs, id) = with_image(dir.path());
    blobs.settle(&id).unwrap();
    // As when the last step fails: the image is out of its place, not gone.
    let gone = dir.path().join(format!("tmp/{id}.gone-99"));
    fs::rename(blobs.folder(&id), &gone).unwrap();
    let other = dir.path().join("tmp/other.gone-98");
    fs::write(&other, b"").unwrap();
    assert!(!blobs.remove(&id).unwrap());
    assert!(!gone.exists() && other.exists());
}
