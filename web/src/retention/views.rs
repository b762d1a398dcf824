//! Views that a CDN has answered, read from its log: lines of the common log
//! format, whatever else stands behind it.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use imgshare_storage::{ImageId, ViewDelta, calendar};

use crate::dto;

/// Longest line that is looked at; what is longer is passed over.
const LINE_BYTES_MAX: u64 = 16 << 10;

/// Images counted before they are handed on: one write of the database.
pub const BATCH_MAX: usize = 4_096;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// What a log held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogRead {
    /// Lines that were read.
    pub n_lines: u64,
    /// Views among them.
    pub n_views: u64,
}

/// Reads a log and hands on the views in it, batch by batch. Views of days to
/// come are left out: a clock that is wrong must not keep an image for ever.
///
/// # Errors
/// The reader's, and `batch`'s.
pub fn read<E: From<std::io::Error>>(
    log: impl Read,
    now_ms: u64,
    batch: &mut dyn FnMut(Vec<ViewDelta>) -> Result<(), E>,
) -> Result<LogRead, E> {
    let mut log = std::io::BufReader::new(log);
    let mut counted: HashMap<ImageId, (u64, u32)> = HashMap::new();
    let mut found = LogRead::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let n_read = (&mut log)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if n_read == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && n_read as u64 == LINE_BYTES_MAX {
            skip_line(&mut log)?;
        }
        found.n_lines += 1;
        let view = std::str::from_utf8(&line).ok().and_then(view);
        let Some((id, day)) = view.filter(|(_, day)| *day <= calendar::day(now_ms)) else {
            continue;
        };
        found.n_views += 1;
        let (n_views, last_day) = counted.entry(id).or_default();
        *n_views = n_views.saturating_add(1);
        *last_day = day.max(*last_day);
        if counted.len() >= BATCH_MAX {
            batch(deltas(&mut counted))?;
        }
    }
    if !counted.is_empty() {
        batch(deltas(&mut counted))?;
    }
    Ok(found)
}

fn deltas(counted: &mut HashMap<ImageId, (u64, u32)>) -> Vec<ViewDelta> {
    let counted = std::mem::take(counted).into_iter();
    counted
        .map(|(id, (n_views, day))| ViewDelta { id, n_views, day })
        .collect()
}

fn skip_line(log: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = log.fill_buf()?;
        let (n_used, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        log.consume(n_used);
        if is_end {
            return Ok(());
        }
    }
}

/// The image and the day of a line, if it tells of a view: a GET of a viewer page or
/// of the image itself that was answered, in whole, in part, or as unchanged.
fn view(line: &str) -> Option<(ImageId, u32)> {
    let (_, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let mut quoted = rest.split('"');
    let (request, after) = (quoted.nth(1)?, quoted.next()?);
    let status: u16 = after.split_ascii_whitespace().next()?.parse().ok()?;
    if ![200, 206, 304].contains(&status) {
        return None;
    }
    let mut request = request.split(' ');
    let (method, target) = (request.next()?, request.next()?);
    if method != "GET" {
        return None;
    }
    let path = target.split(['?', '#']).next()?;
    // Some write whole addresses.
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => path.strip_prefix('/')?,
    };
    let name = path.strip_prefix("i/").unwrap_or(path);
    let id = match name.split_once('.') {
        // Small renderings are shown by lists and cards, not looked at.
        Some((id, extension)) if path.starts_with("i/") && !extension.contains('/') => id,
        Some(_) => return None,
        None => name,
    };
    Some((dto::parse_id(id)?, day(time)?))
}

/// The day of `10/Oct/2026:13:55:36 -0700`, as it is there.
fn day(time: &str) -> Option<u32> {
    let date = time.split(':').next()?;
    let mut parts = date.splitn(3, '/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u8 = day.parse().ok()?;
    let start = calendar::start_of(&format!("{year}-{month:02}-{day:02}"))?;
    Some(calendar::day(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3kTMd8vXqz2P";
    const NOW: u64 = 1_764_000_000_000;

    fn line(request: &str, status: &str) -> String {
        format!(
            "192.0.2.0 - - [10/Oct/2025:13:55:36 +0000] \"{request}\" {status} 2326 \"-\" \"x\""
        )
    }

    #[test]
    fn views_are_pages_and_images_that_were_answered() {
        for target in [
            format!("/{ID}"),
            format!("/{ID}?show=1"),
            format!("/i/{ID}.jpg"),
            format!("https://img.example/i/{ID}.webp"),
        ] {
            for status in ["200", "206", "304"] {
                let line = line(&format!("GET {target} HTTP/2"), status);
                let (id, day) = view(&line).unwrap_or_else(|| panic!("{line}"));
                assert_eq!((id.as_str(), day), (ID, 20_371));
            }
        }
    }

    #[test]
    fn everything_else_is_none() {
        for (request, status) in [
            (format!("GET /{ID} HTTP/1.1"), "404"),
            (format!("HEAD /{ID} HTTP/1.1"), "200"),
            (format!("POST /{ID} HTTP/1.1"), "200"),
            (format!("GET /i/{ID}/thumb.jpg HTTP/1.1"), "200"),
            (format!("GET /{ID}.jpg HTTP/1.1"), "200"),
            (format!("GET /report/{ID} HTTP/1.1"), "200"),
            (format!("GET {ID}"), "200"),
            ("-".to_owned(), "400"),
            (String::new(), ""),
        ] {
            assert_eq!(view(&line(&request, status)), None, "{request} {status}");
        }
        for line in ["", "[", "[]", "\"\"", "[x] \"GET / HTTP\" 200", "\u{fffd}"] {
            assert_eq!(view(line), None, "{line}");
        }
    }

    #[test]
    fn a_log_is_read_in_bounded_batches() {
        let mut text = String::new();
        for n in 0..BATCH_MAX + 7 {
            let id = ImageId::random().unwrap();
            text.push_str(&line(&format!("GET /{id} HTTP/2"), "200"));
            text.push('\n');
            if n == 0 {
                text.push_str(&"x".repeat(100_000));
                text.push('\n');
                text.push_str(&line("GET /nonsense HTTP/2", "200").replace("2025", "2031"));
                text.push('\n');
                let early = line(&format!("GET /{ID} HTTP/2"), "200");
                text.push_str(&early.replace("2025", "2031"));
                text.push('\n');
            }
        }
        let mut sizes = Vec::new();
        let read = read::<std::io::Error>(text.as_bytes(), NOW, &mut |batch| {
            sizes.push(batch.len());
            Ok(())
        })
        .unwrap();
        assert_eq!(sizes, [BATCH_MAX, 7]);
        let n_views = (BATCH_MAX + 7) as u64;
        assert_eq!((read.n_lines, read.n_views), (n_views + 3, n_views));
    }
}
