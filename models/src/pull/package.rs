//! The parts of the package that are used, read from its tar stream into
//! memory. No path of the stream is ever written or opened.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::GzDecoder;
use tar::{Archive, Entry};

use super::PullError;
use crate::manifest::ModelSpec;

/// The published package has 55 entries and 51 MB.
const ENTRIES_MAX: usize = 1_000;
const STREAM_BYTES_MAX: u64 = 128 << 20;
/// The largest file that is read, a shard of 4 MiB in base64, has 5.6 MB.
const ENTRY_BYTES_MAX: u64 = 8 << 20;

const LICENCE_PATH: &str = "package/LICENSE";

/// What was read out of the package.
pub(super) struct Package {
    files: HashMap<String, Vec<u8>>,
}

/// One model's files: JavaScript, as they lie in the package.
pub(super) struct ModelFiles<'a> {
    /// Topology and weight manifest.
    pub(super) model: &'a [u8],
    /// Weights, in order.
    pub(super) shards: Vec<&'a [u8]>,
}

/// Reads the files of `specs` and the licence out of a gzipped tar stream.
pub(super) fn read(tarball: &[u8], specs: &[&ModelSpec]) -> Result<Package, PullError> {
    let mut wanted = vec![LICENCE_PATH.to_owned()];
    for spec in specs {
        wanted.push(model_path(spec));
        wanted.extend(shard_paths(spec));
    }
    let mut files = HashMap::new();
    let stream = GzDecoder::new(tarball).take(STREAM_BYTES_MAX);
    let mut archive = Archive::new(stream);
    for (entry_idx, entry) in archive.entries().map_err(malformed_stream)?.enumerate() {
        if entry_idx >= ENTRIES_MAX {
            return Err(malformed(format!("more than {ENTRIES_MAX} entries")));
        }
        let entry = entry.map_err(malformed_stream)?;
        let Some(path) = wanted
            .iter()
            .find(|path| *entry.path_bytes() == *path.as_bytes())
        else {
            continue;
        };
        let contents = read_entry(entry, path)?;
        if files.insert(path.clone(), contents).is_some() {
            return Err(malformed(format!("{path} comes twice")));
        }
    }
    match wanted.iter().find(|path| !files.contains_key(*path)) {
        Some(path) => Err(malformed(format!("{path} is missing"))),
        None => Ok(Package { files }),
    }
}

fn read_entry(mut entry: Entry<'_, impl Read>, path: &str) -> Result<Vec<u8>, PullError> {
    if !entry.header().entry_type().is_file() {
        return Err(malformed(format!("{path} is no regular file")));
    }
    let bytes = entry.size();
    if bytes > ENTRY_BYTES_MAX {
        return Err(malformed(format!("{path} has {bytes} bytes")));
    }
    let mut contents = Vec::new();
    entry.read_to_end(&mut contents).map_err(malformed_stream)?;
    Ok(contents)
}

impl Package {
    /// The files of `spec`, which must have been asked for.
    pub(super) fn model(&self, spec: &ModelSpec) -> Result<ModelFiles<'_>, PullError> {
        let shards = shard_paths(spec)
            .map(|path| self.file(&path))
            .collect::<Result<_, _>>()?;
        Ok(ModelFiles {
            model: self.file(&model_path(spec))?,
            shards,
        })
    }

    /// The licence text of the package, which covers its weights.
    pub(super) fn licence(&self) -> &[u8] {
        self.files.get(LICENCE_PATH).map_or(&[], Vec::as_slice)
    }

    fn file(&self, path: &str) -> Result<&[u8], PullError> {
        let file = self.files.get(path).map(Vec::as_slice);
        file.ok_or_else(|| malformed(format!("{path} is missing")))
    }
}

fn model_path(spec: &ModelSpec) -> String {
    format!("package/dist/models/{}/model.min.js", spec.id)
}

fn shard_paths(spec: &ModelSpec) -> impl Iterator<Item = String> {
    let (id, count) = (spec.id, spec.source_shards);
    (1..=count).map(move |n| format!("package/dist/models/{id}/group1-shard{n}of{count}.min.js"))
}

fn malformed(reason: String) -> PullError {
    PullError::Malformed { reason }
}

fn malformed_stream(error: std::io::Error) -> PullError {
    malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, EntryType, Header};

    use super::*;
    use crate::manifest;

    const MODEL: &str = "package/dist/models/mobilenet_v2/model.min.js";
    const SHARD: &str = "package/dist/models/mobilenet_v2/group1-shard1of1.min.js";

    fn tarball(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, entry_type, contents) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*entry_type);
            header.set_size(contents.len() as u64);
            // Set as raw bytes: the builder refuses the paths an attacker would use.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            builder.append(&header, *contents).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn read_default(tarball: &[u8]) -> Result<Package, PullError> {
        read(tarball, &[manifest::find("mobilenet_v2").unwrap()])
    }

    fn reason(result: Result<Package, PullError>) -> String {
        result.err().unwrap().to_string()
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn the_wanted_files_are_found_whatever_lies_between() {
        let tarball = tarball(&[
            ("package/../../etc/passwd", FILE, b"root"),
            (LICENCE_PATH, FILE, b"MIT"),
            ("package/link", EntryType::Symlink, b""),
            (SHARD, FILE, b"shard"),
            (MODEL, FILE, b"model"),
        ]);
        let package = read_default(&tarball).unwrap();
        let files = package
            .model(manifest::find("mobilenet_v2").unwrap())
            .unwrap();
        assert_eq!(
            (files.model, files.shards),
            (&b"model"[..], vec![&b"shard"[..]])
        );
        assert_eq!(package.licence(), b"MIT");
    }

    #[test]
    fn a_missing_or_repeated_file_is_refused() {
        let missing = tarball(&[(LICENCE_PATH, FILE, b"MIT"), (MODEL, FILE, b"model")]);
        assert!(reason(read_default(&missing)).contains("group1-shard1of1.min.js is missing"));
        let twice = tarball(&[(MODEL, FILE, b"a"), (MODEL, FILE, b"b")]);
        assert!(reason(read_default(&twice)).contains("comes twice"));
    }

    #[test]
    fn a_link_in_place_of_a_file_is_refused() {
        let link = tarball(&[(MODEL, EntryType::Symlink, b"")]);
        assert!(reason(read_default(&link)).contains("no regular file"));
    }

    #[test]
    fn an_oversized_file_is_refused_before_it_is_read() {
        let mut header = Header::new_gnu();
        header.set_path(MODEL).unwrap();
        header.set_size(1 << 40);
        header.set_cksum();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(header.as_bytes()).unwrap();
        let tarball = gzip.finish().unwrap();
        assert!(reason(read_default(&tarball)).contains("1099511627776 bytes"));
    }

    #[test]
    fn a_stream_of_endless_entries_or_bytes_ends() {
        let many = vec![("x", FILE, &b""[..]); ENTRIES_MAX + 1];
        assert!(reason(read_default(&tarball(&many))).contains("more than 1000 entries"));
        let zeros = vec![0; usize::try_from(STREAM_BYTES_MAX).unwrap() + 1];
        let bomb = tarball(&[("bomb", FILE, &zeros)]);
        assert!(bomb.len() < 2_000_000);
        assert!(read_default(&bomb).is_err());
    }

    #[test]
    fn what_is_no_tarball_is_refused_at_any_length() {
        let whole = tarball(&[(LICENCE_PATH, FILE, b"MIT"), (MODEL, FILE, b"model")]);
        for length in 0..whole.len() {
            assert!(read_default(&whole[..length]).is_err());
        }
    }
}
