//! Style sheets, scripts and icons, embedded and named by their content.
//!
//! A name carries the hash of its bytes, so an answer may be cached for ever
//! and a new build is seen at once.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its content.
    pub bytes: &'static [u8],
    /// Its media type, with the charset where it is text.
    pub mime: &'static str,
    /// Its entity tag, in quotes as the header wants it.
    pub etag: &'static str,
}

/// The asset behind a hashed name, with or without `/assets/` in front. A name
/// without its hash, or with an old one, finds nothing.
pub fn find(path: &str) -> Option<Asset> {
    let file_name = path.strip_prefix(PREFIX).unwrap_or(path);
    let built = BUILT
        .iter()
        .find(|built| &built.url[PREFIX.len()..] == file_name)?;
    Some(Asset {
        bytes: built.content.as_bytes(),
        mime: built.mime,
        etag: &built.etag,
    })
}

/// The hashed URL of a file by its plain name.
pub(super) fn url(name: &str) -> &'static str {
    let built = BUILT.iter().find(|built| built.name == name);
    &built.expect("templates name only embedded assets").url
}

const PREFIX: &str = "/assets/";

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Each script stands after those it imports, because its own hash covers the
/// hashed names of its imports.
const SOURCES: [(&str, &str, &str); 33] = [
    ("base.css", CSS, include_str!("../../assets/base.css")),
    ("parts.css", CSS, include_str!("../../assets/parts.css")),
    ("card.css", CSS, include_str!("../../assets/card.css")),
    ("upload.css", CSS, include_str!("../../assets/upload.css")),
    ("viewer.css", CSS, include_str!("../../assets/viewer.css")),
    ("message.css", CSS, include_str!("../../assets/message.css")),
    (
        "complaints.css",
        CSS,
        include_str!("../../assets/complaints.css"),
    ),
    ("policy.css", CSS, include_str!("../../assets/policy.css")),
    ("staff.css", CSS, include_str!("../../assets/staff.css")),
    ("desk.css", CSS, include_str!("../../assets/desk.css")),
    (
        "desk_lists.css",
        CSS,
        include_str!("../../assets/desk_lists.css"),
    ),
    ("figures.css", CSS, include_str!("../../assets/figures.css")),
    ("favicon.svg", SVG, include_str!("../../assets/favicon.svg")),
    ("icons.svg", SVG, include_str!("../../assets/icons.svg")),
    ("site.js", JS, include_str!("../../assets/site.js")),
    ("ads.js", JS, include_str!("../../assets/ads.js")),
    ("deletion.js", JS, include_str!("../../assets/deletion.js")),
    ("passkey.js", JS, include_str!("../../assets/passkey.js")),
    (
        "staff_api.js",
        JS,
        include_str!("../../assets/staff_api.js"),
    ),
    ("outbox.js", JS, include_str!("../../assets/outbox.js")),
    (
        "desk_claims.js",
        JS,
        include_str!("../../assets/desk_claims.js"),
    ),
    ("exposure.js", JS, include_str!("../../assets/exposure.js")),
    (
        "desk_facts.js",
        JS,
        include_str!("../../assets/desk_facts.js"),
    ),
    (
        "desk_empty.js",
        JS,
        include_str!("../../assets/desk_empty.js"),
    ),
    (
        "desk_undo.js",
        JS,
        include_str!("../../assets/desk_undo.js"),
    ),
    ("desk.js", JS, include_str!("../../assets/desk.js")),
    ("grid.js", JS, include_str!("../../assets/grid.js")),
    ("learning.js", JS, include_str!("../../assets/learning.js")),
    ("visit.js", JS, include_str!("../../assets/visit.js")),
    ("words.js", JS, include_str!("../../assets/words.js")),
    ("transfer.js", JS, include_str!("../../assets/transfer.js")),
    ("card.js", JS, include_str!("../../assets/card.js")),
    ("upload.js", JS, include_str!("../../assets/upload.js")),
];

struct Built {
    name: &'static str,
    mime: &'static str,
    content: String,
    url: String,
    etag: String,
}

static BUILT: LazyLock<Vec<Built>> = LazyLock::new(|| {
    let mut built: Vec<Built> = Vec::with_capacity(SOURCES.len());
    for (name, mime, source) in SOURCES {
        let content = with_hashed_imports(source, &built);
        let hash = content_hash(&content);
        let (stem, extension) = name.split_once('.').expect("asset names have an extension");
        let url = format!("{PREFIX}{stem}.{hash}.{extension}");
        built.push(Built {
            name,
            mime,
            content,
            url,
            etag: format!("\"{hash}\""),
        });
    }
    built
});

/// Points the imports of a script at hashed names. An import map would have to
/// be an inline script, which the content security policy forbids.
fn with_hashed_imports(source: &str, built: &[Built]) -> String {
    built.iter().fold(source.to_owned(), |text, import| {
        text.replace(
            &format!("\"./{}\"", import.name),
            &format!("\"{}\"", import.url),
        )
    })
}

/// The first 64 bits of SHA-256 in hex: enough to tell builds apart.
fn content_hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_found_by_its_hashed_url_alone() {
        for (name, mime, _) in SOURCES {
            let asset = find(url(name)).expect("its own URL finds it");
            assert_eq!(asset.mime, mime);
            assert!(!asset.bytes.is_empty());
            assert!(
                find(name).is_none(),
                "{name} must not be served without its hash"
            );
            assert!(find(&format!("/assets/{name}")).is_none());
        }
        assert!(find("").is_none());
        assert!(find("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn a_name_is_the_hash_of_what_is_served() {
        for (name, _, _) in SOURCES {
            let asset = find(url(name)).expect("its own URL finds it");
            let content = std::str::from_utf8(asset.bytes).expect("assets are text");
            let hash = content_hash(content);
            assert!(url(name).contains(&hash));
            assert_eq!(asset.etag, format!("\"{hash}\""));
        }
        assert_eq!(content_hash("abc"), "ba7816bf8f01cfea");
    }

    #[test]
    fn scripts_import_hashed_names_that_exist() {
        for (name, mime, source) in SOURCES {
            let asset = find(url(name)).expect("its own URL finds it");
            let content = std::str::from_utf8(asset.bytes).expect("assets are text");
            assert!(
                !content.contains("\"./"),
                "{name} imports a name without a hash"
            );
            let n_imports = source.matches("from \"./").count();
            let targets = content
                .split("from \"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            let n_found = targets.filter(|target| find(target).is_some()).count();
            assert_eq!(n_found, n_imports, "{name}, {mime}");
        }
    }
}
