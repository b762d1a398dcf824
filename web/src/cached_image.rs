//! Images on their way into the cache, with the headers they are served with.

use std::sync::Arc;

use axum::http::HeaderValue;
use imgshare_pipeline::Format;
use imgshare_pipeline::stage::variant::{Shape, VariantSpec};
use imgshare_storage::{ImageId, Record, State, StorageError, Store};

use crate::app::App;
use crate::cache::{CachedImage, ImageHeaders, Lifetime, Rendition};
use crate::error::WebError;
use crate::variants::{self, Variant};

/// Puts an image into the cache, unless it was taken down since it was read:
/// the removal clears the cache after the record, so either it or the second
/// look here sees the other.
///
/// # Errors
/// [`StorageError::NotFound`] when it was taken down.
pub fn keep(
    app: &App,
    store: &Store,
    id: ImageId,
    rendition: Rendition,
    image: CachedImage,
) -> Result<Arc<CachedImage>, StorageError> {
    let image = Arc::new(image);
    let n_bytes = u64::try_from(image.bytes.len()).unwrap_or(u64::MAX);
    if app.cache.takes(n_bytes) {
        app.cache.insert(id, rendition, Arc::clone(&image));
    }
    let found = store.find(&id);
    let is_public = |record: &Record| record.state == State::Public;
    if !matches!(&found, Ok(Some(record)) if is_public(record)) {
        app.cache.remove(id);
        found?;
        return Err(StorageError::NotFound { id });
    }
    Ok(image)
}

/// [`keep`] for a variant.
///
/// # Errors
/// As [`keep`].
pub fn keep_variant(
    app: &App,
    store: &Store,
    id: ImageId,
    spec: VariantSpec,
    variant: Variant,
) -> Result<Arc<CachedImage>, WebError> {
    let etag = hex::encode(variant.sha256);
    let mut headers = headers_of(&id, Some(spec.name), variant.format, &etag)?;
    if spec.shape == Shape::Card {
        headers.lifetime = Lifetime::OfALabel;
    }
    let image = CachedImage {
        bytes: variant.bytes,
        headers,
    };
    Ok(keep(app, store, id, Rendition::Variant(spec.name), image)?)
}

/// The headers of a stored image.
///
/// # Errors
/// [`WebError::Internal`] for a record without a known extension.
pub fn headers_of_original(record: &Record) -> Result<ImageHeaders, WebError> {
    let format = variants::format_of(record)
        .ok_or_else(|| WebError::Internal(format!("{} has no known extension", record.id)))?;
    headers_of(&record.id, None, format, &hex::encode(record.sha256))
}

fn headers_of(
    id: &ImageId,
    variant: Option<&str>,
    format: Format,
    etag: &str,
) -> Result<ImageHeaders, WebError> {
    let suffix = variant.map(|name| format!("-{name}")).unwrap_or_default();
    let extension = format.extension();
    // The link's own name: the uploader's may hold anything, and may name a person.
    let disposition = format!("inline; filename=\"{id}{suffix}.{extension}\"");
    let value = |text: String| {
        HeaderValue::try_from(text).map_err(|_| WebError::Internal("a header of ours".to_owned()))
    };
    Ok(ImageHeaders {
        mime: HeaderValue::from_static(format.mime()),
        // 128 bits of the hash tell any two images apart.
        etag: value(format!("\"{}\"", etag.get(..32).unwrap_or(etag)))?,
        disposition: value(disposition)?,
        extension,
        lifetime: Lifetime::OfAnImage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_carry_only_our_own_words() {
        let id = "3kTMd8vXqz2P".parse().unwrap();
        let headers = headers_of(&id, Some("thumb"), Format::Png, &"ab".repeat(32)).unwrap();
        assert_eq!(
            headers.disposition,
            "inline; filename=\"3kTMd8vXqz2P-thumb.png\""
        );
        assert_eq!(headers.etag, format!("\"{}\"", "ab".repeat(16)));
    }
}
