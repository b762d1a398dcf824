//! The day files: `audit/2026-11-26.jsonl`, one entry a line.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{BrokenLink, Sealed};
use crate::StorageError;

/// What every file's name ends with.
const ENDING: &str = ".jsonl";

/// Longest line that is read: a value's largest size, and what a file written
/// by somebody else may have for it.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// The name of a day's file.
pub(super) fn name(day: &str) -> String {
    format!("{day}{ENDING}")
}

/// The day files of a folder, the oldest first; none where there is no folder.
pub(super) fn all(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let failed = |error| StorageError::io(format!("reading {}", dir.display()), error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.to_string_lossy().ends_with(ENDING) {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

/// A line of a day file, and where it stands.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) path: PathBuf,
    pub(super) number: u64,
    pub(super) sealed: Result<Sealed, BrokenLink>,
}

/// Every entry in the day files of a folder, the oldest first. Ends behind the
/// first line that cannot be read.
///
/// # Errors
/// When the folder cannot be read.
pub fn lines(
    dir: &Path,
) -> Result<impl Iterator<Item = Result<Sealed, BrokenLink>> + use<>, StorageError> {
    Ok(placed_lines(dir)?.map(|line| line.sealed))
}

pub(super) fn placed_lines(dir: &Path) -> Result<impl Iterator<Item = Line> + use<>, StorageError> {
    Ok(all(dir)?.into_iter().flat_map(|path| {
        let mut reader = File::open(&path).map(BufReader::new);
        let mut number = 0;
        let mut is_over = false;
        std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            let line = match &mut reader {
                Ok(reader) => read_line(reader),
                Err(_) => Some(Err(BrokenLink::Unreadable)),
            }?;
            number += 1;
            let sealed = line.and_then(|line| Sealed::parse(&line));
            is_over = sealed.is_err();
            Some(Line {
                path: path.clone(),
                number,
                sealed,
            })
        })
    }))
}

/// The next line; `None` at the end.
fn read_line(reader: &mut impl BufRead) -> Option<Result<Vec<u8>, BrokenLink>> {
    let mut line = Vec::new();
    match reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
        Ok(0) => None,
        Ok(_) if line.pop() == Some(b'\n') => Some(Ok(line)),
        // Cut short, or longer than any entry.
        Ok(_) | Err(_) => Some(Err(BrokenLink::Unreadable)),
    }
}

/// The last entry of a file that may be long; `None` when it holds none. What
/// a crash left of a line behind it is cut off first.
pub(super) fn last(path: &Path) -> Result<Option<Sealed>, StorageError> {
    let failed = |error| StorageError::io(format!("reading {}", path.display()), error);
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let from = length.saturating_sub(2 * LINE_BYTES_MAX);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    Read::by_ref(&mut file)
        .take(2 * LINE_BYTES_MAX)
        .read_to_end(&mut tail)
        .map_err(failed)?;
    let n_whole = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    if n_whole < tail.len() {
        let n_cut = tail.len() - n_whole;
        tracing::warn!(path = %path.display(), n_cut, "an audit line that a crash cut short is taken back");
        let kept = from.saturating_add(u64::try_from(n_whole).unwrap_or(u64::MAX));
        file.set_len(kept).map_err(failed)?;
        file.sync_all().map_err(failed)?;
    }
    let Some(whole) = tail
        .get(..n_whole.saturating_sub(1))
        .filter(|_| n_whole > 0)
    else {
        return Ok(None);
    };
    let line = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or(whole);
    let sealed = Sealed::parse(line).map_err(|_| StorageError::Corrupt {
        detail: format!("the last line of {} is no audit entry", path.display()),
    })?;
    Ok(Some(sealed))
}
