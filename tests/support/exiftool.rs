//! exiftool as planter and as judge. `tests/run` installs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Writes metadata into a file in place.
///
/// # Panics
/// When exiftool is missing or refuses.
pub fn plant(file: &Path, arguments: &[String]) {
    let output = Command::new("exiftool")
        .args(["-overwrite_original", "-m", "-q"])
        .args(arguments)
        .arg(file)
        .output()
        .expect("exiftool is installed: run tests/run");
    assert!(
        output.status.success(),
        "exiftool on {}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Every tag exiftool finds in a file, as `Group:Tag`, duplicates and unknown
/// tags included; what it knows from the file system is left out.
///
/// # Panics
/// When exiftool is missing or its output is not JSON.
#[must_use]
pub fn tags(file: &Path) -> Vec<String> {
    let output = Command::new("exiftool")
        .args(["-json", "-G1", "-a", "-u", "-U", "-ee"])
        .arg(file)
        .output()
        .expect("exiftool is installed: run tests/run");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("exiftool writes JSON");
    let first = listed[0].as_object().expect("one file, one object");
    first
        .keys()
        .filter(|tag| {
            !(tag.starts_with("System:") || tag.starts_with("ExifTool:") || *tag == "SourceFile")
        })
        .cloned()
        .collect()
}
