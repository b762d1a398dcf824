use super::*;
use crate::{MemoryRecords, Space};

#[test]
fn a_job_that_a_newer_release_has_written_is_left_as_it_is() {
    let (keys, image) = (MemoryRecords::default(), ImageId::random().unwrap());
    assert!(!is_decided(&keys, &image).unwrap());
    let undecided = serde_json::json!({
        "image": image, "version": 1, "created_at_ms": 7, "lane": "general",
        "reasons": [], "signals": crate::moderation::Signals::default(), "n_reports": 0,
        "status": {"kind": "waiting"},
    });
    for (version, expected) in [(1, false), (2, true)] {
        let mut encoded = vec![version];
        encoded.extend(undecided.to_string().into_bytes());
        let mut changes = Changes::new();
        changes.put(Space::Jobs.key(&[image.as_bytes()]), encoded);
        keys.commit(changes).unwrap();
        assert_eq!(is_decided(&keys, &image).unwrap(), expected, "{version}");
    }
}
