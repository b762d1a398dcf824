//! `/i/...`: the bytes of images, for everyone and every cache.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use imgshare_pipeline::Format;
use imgshare_pipeline::stage::variant::{Shape, VariantSpec};
use imgshare_storage::{BlobReader, ImageId, Record, State as ImageState, StorageError};

use crate::app::{App, AppState};
use crate::cache::{CachedImage, ImageHeaders, Lifetime, Rendition};
use crate::dto;
use crate::error::WebError;
use crate::http::delivery::{self, Content};
use crate::variants;

/// `GET /i/{id}.{ext}`: the stored image. Only public ones have an address.
pub(super) async fn original(
    State(app): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let (id, extension) = split(&name)?;
    let cached = app.cache.find(id, Rendition::Original);
    app.metrics.cache_lookup(cached.is_some());
    let (image_headers, content) = match cached {
        Some(image) => (image.headers.clone(), Content::Memory(image.bytes.clone())),
        None => load_original(&app, id).await?,
    };
    if image_headers.extension != extension {
        return Err(WebError::NotFound);
    }
    if method == Method::GET {
        app.store.count_view(&id);
    }
    delivery::respond(
        &app.settings.http,
        &method,
        &headers,
        image_headers,
        content,
    )
}

/// `GET /i/{id}/{variant}.{ext}`: a smaller rendering, made when first asked for.
pub(super) async fn variant(
    State(app): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let id = dto::parse_id(&id).ok_or(WebError::NotFound)?;
    let (stem, extension) = name.rsplit_once('.').ok_or(WebError::NotFound)?;
    let spec = variants::find_spec(stem).ok_or(WebError::NotFound)?;
    if spec.shape == Shape::Card {
        let record = find_public(&app, id).await?;
        if !variants::is_allowed(&app.settings.moderation, &record, spec) {
            let allowed = variants::card(&app.settings.moderation, &record);
            return Ok(elsewhere(&variants::variant_path(
                &id,
                allowed,
                Format::Jpeg,
            )));
        }
    }
    let image = find_variant(&app, id, spec).await?;
    let made_as = image.headers.extension;
    if made_as == extension {
        let content = Content::Memory(image.bytes.clone());
        return delivery::respond(
            &app.settings.http,
            &method,
            &headers,
            image.headers.clone(),
            content,
        );
    }
    // Which format a variant has is known once it is made.
    match [Format::Jpeg, Format::Png]
        .map(Format::extension)
        .contains(&extension)
    {
        true => Ok(elsewhere(&format!("/i/{id}/{stem}.{made_as}"))),
        false => Err(WebError::NotFound),
    }
}

/// Sends the client to another address this once: a label can change, and a
/// variant can be made anew in another format.
fn elsewhere(path: &str) -> Response {
    let lifetime = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (lifetime, Redirect::temporary(path)).into_response()
}

async fn find_variant(
    app: &AppState,
    id: ImageId,
    spec: VariantSpec,
) -> Result<Arc<CachedImage>, WebError> {
    let rendition = Rendition::Variant(spec.name);
    let cached = app.cache.find(id, rendition);
    app.metrics.cache_lookup(cached.is_some());
    if let Some(image) = cached {
        return Ok(image);
    }
    let record = find_public(app, id).await?;
    let made = variants::find_or_make(app, &record, spec).await?;
    let etag = hex::encode(made.sha256);
    let mut image_headers = headers_of(&id, Some(spec.name), made.format, &etag)?;
    if spec.shape == Shape::Card {
        image_headers.lifetime = Lifetime::OfALabel;
    }
    let image = CachedImage {
        bytes: made.bytes,
        headers: image_headers,
    };
    keep(app, id, rendition, image).await
}

async fn load_original(app: &App, id: ImageId) -> Result<(ImageHeaders, Content), WebError> {
    let record = find_public(app, id).await?;
    let format = variants::format_of(&record)
        .ok_or_else(|| WebError::Internal(format!("{id} has no known extension")))?;
    let image_headers = headers_of(&id, None, format, &hex::encode(record.sha256))?;
    let part = record.original().map_err(StorageError::from)?;
    if !app.cache.takes(record.bytes) {
        let opened: Option<BlobReader> = app
            .with_store(move |store| store.open_part(&id, &part))
            .await?;
        return Ok((
            image_headers,
            Content::File(opened.ok_or(WebError::NotFound)?),
        ));
    }
    let bytes = app.with_store(move |store| store.read(&id, &part)).await?;
    let bytes = Bytes::from(bytes.ok_or(WebError::NotFound)?);
    let image = CachedImage {
        bytes: bytes.clone(),
        headers: image_headers.clone(),
    };
    keep(app, id, Rendition::Original, image).await?;
    Ok((image_headers, Content::Memory(bytes)))
}

/// Puts an image into the cache, unless it was taken down since it was read:
/// the removal clears the cache after the record, so either it or the second
/// look here sees the other.
async fn keep(
    app: &App,
    id: ImageId,
    rendition: Rendition,
    image: CachedImage,
) -> Result<Arc<CachedImage>, WebError> {
    let image = Arc::new(image);
    if app
        .cache
        .takes(u64::try_from(image.bytes.len()).unwrap_or(u64::MAX))
    {
        app.cache.insert(id, rendition, Arc::clone(&image));
        if let Err(gone) = find_public(app, id).await {
            app.cache.remove(id);
            return Err(gone);
        }
    }
    Ok(image)
}

async fn find_public(app: &App, id: ImageId) -> Result<Record, WebError> {
    let found = app.with_store(move |store| store.find(&id)).await?;
    match found.filter(|record| record.state == ImageState::Public) {
        Some(record) => Ok(record),
        None => Err(app.not_found(id).await),
    }
}

/// `3kTMd8vXqz2P.jpg` is an id and an extension.
fn split(name: &str) -> Result<(ImageId, &str), WebError> {
    let (id, extension) = name.split_once('.').ok_or(WebError::NotFound)?;
    Ok((dto::parse_id(id).ok_or(WebError::NotFound)?, extension))
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
    fn a_name_is_an_id_and_an_extension() {
        let (id, extension) = split("3kTMd8vXqz2P.jpg").unwrap();
        assert_eq!((id.as_str(), extension), ("3kTMd8vXqz2P", "jpg"));
        for name in ["3kTMd8vXqz2P", "short.jpg", ".jpg", "3kTMd8vXqz2/.jpg", ""] {
            assert!(split(name).is_err(), "{name}");
        }
    }

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
