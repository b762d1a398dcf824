//! Variants made when they are first asked for: once an image, a few at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use imgshare_models::scores::Label;
use imgshare_pipeline::stage::scrub::recall;
use imgshare_pipeline::stage::variant::{Shape, VARIANTS, VariantSpec, variant};
use imgshare_pipeline::{Format, Header, Overloaded, Pipeline, PipelineError, Scrubbed};
use imgshare_storage::{ImageId, PartName, Record, StorageError, Store, StoredVariant};
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::app::{App, AppState};
use crate::cache::CachedImage;
use crate::cached_image;
use crate::config::Moderation;
use crate::decision;
use crate::error::WebError;
use crate::ingest::Stored;

/// The variant that `thumbnail_url` names.
const THUMBNAIL: &str = "thumb";

/// The variants that the viewer page offers beside the original.
const ON_THE_STAGE: [&str; 2] = ["small", "medium"];

/// The cards for previews of links: the picture, and what stands for it.
const CARD: &str = "social";
const BLURRED_CARD: &str = "social-blurred";

/// What a JPEG of ours comes to: two bits a pixel for a busy picture, and its
/// tables.
const PIXELS_A_BYTE: u64 = 4;
const HEADER_BYTES: u64 = 4096;

/// How long a request waits for a variant to be made.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Every format a record can name by its extension.
const FORMATS: [Format; 5] = [
    Format::Jpeg,
    Format::Png,
    Format::Webp,
    Format::Gif,
    Format::Avif,
];

type Key = (ImageId, &'static str);

/// Bounds the work on variants.
pub struct VariantMaker {
    room: Arc<Semaphore>,
    in_the_making: Mutex<HashMap<Key, Weak<OnceCell<Arc<CachedImage>>>>>,
}

/// A variant's bytes and format.
#[derive(Debug, Clone)]
pub struct Variant {
    /// The file.
    pub bytes: Bytes,
    /// What it is.
    pub format: Format,
    /// The hash of the file.
    pub sha256: [u8; 32],
}

/// Path of the thumbnail. Unless it is the original, only making it tells its
/// format; asked for as JPEG, one that has another redirects to it.
#[must_use]
pub fn path(record: &Record) -> String {
    let original = find_spec(THUMBNAIL)
        .filter(|spec| is_original(record, *spec))
        .and_then(|_| format_of(record));
    variant_path(&record.id, THUMBNAIL, original.unwrap_or(Format::Jpeg))
}

/// Path of a variant in its format.
#[must_use]
pub fn variant_path(id: &ImageId, name: &str, format: Format) -> String {
    format!("/i/{id}/{name}.{}", format.extension())
}

/// The card that previews of links may show: the picture of one that is judged
/// safe by the thresholds in force, and none but its colours of any other.
#[must_use]
pub fn card(moderation: &Moderation, record: &Record) -> &'static str {
    match decision::label_of(moderation, record) {
        Some(Label::Safe) => CARD,
        _ => BLURRED_CARD,
    }
}

/// Paths of smaller renderings for the viewer page, with their widths, the
/// smallest first. Photographs alone have them: an animation must move, and
/// the letters of a screenshot must stay sharp.
#[must_use]
pub fn renditions(record: &Record) -> Vec<(String, u32)> {
    if format_of(record) != Some(Format::Jpeg) {
        return Vec::new();
    }
    ON_THE_STAGE
        .into_iter()
        .filter_map(find_spec)
        .map(|spec| (spec, spec.fitted(record.width, record.height).0))
        .filter(|(_, width)| *width < record.width)
        .map(|(spec, width)| (variant_path(&record.id, spec.name, Format::Jpeg), width))
        .collect()
}

/// Whether a variant is the stored file itself: a still within the variant's
/// size that takes no more bytes than the JPEG that would be made of it.
fn is_original(record: &Record, spec: VariantSpec) -> bool {
    let (width, height) = (record.width, record.height);
    let n_pixels = u64::from(width) * u64::from(height);
    spec.shape == Shape::Fit
        && record.frames == 1
        && spec.fitted(width, height) == (width, height)
        && record.bytes <= n_pixels / PIXELS_A_BYTE + HEADER_BYTES
}

/// The format a record names by its extension.
#[must_use]
pub fn format_of(record: &Record) -> Option<Format> {
    with_extension(&record.extension)
}

fn with_extension(extension: &str) -> Option<Format> {
    FORMATS
        .into_iter()
        .find(|format| format.extension() == extension)
}

/// The variant of this name, if the fixed list has it.
#[must_use]
pub fn find_spec(name: &str) -> Option<VariantSpec> {
    VARIANTS.into_iter().find(|spec| spec.name == name)
}

/// Whether an image may have this variant now.
#[must_use]
pub fn is_allowed(moderation: &Moderation, record: &Record, spec: VariantSpec) -> bool {
    spec.shape != Shape::Card || card(moderation, record) == spec.name
}

impl VariantMaker {
    /// At most `at_once_max` variants are made at the same time.
    #[must_use]
    pub fn new(at_once_max: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(at_once_max)),
            in_the_making: Mutex::default(),
        }
    }

    /// Where one variant is made: whoever comes second waits for the first.
    fn making(&self, key: Key) -> Arc<OnceCell<Arc<CachedImage>>> {
        let mut cells = self
            .in_the_making
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(&key).and_then(Weak::upgrade) {
            return cell;
        }
        cells.retain(|_, cell| cell.strong_count() > 0);
        let cell = Arc::default();
        cells.insert(key, Arc::downgrade(&cell));
        cell
    }

    async fn place(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, WebError> {
        let place = timeout_at(deadline, Arc::clone(&self.room).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(overloaded)
    }
}

fn overloaded() -> WebError {
    PipelineError::from(Overloaded {
        retry_after: WAIT_MAX,
    })
    .into()
}

/// Makes a variant of a public image that the store does not have, and keeps it.
///
/// # Errors
/// Overloaded when too many are being made; otherwise the store's errors.
pub async fn make(
    app: &AppState,
    record: &Record,
    spec: VariantSpec,
) -> Result<Arc<CachedImage>, WebError> {
    let deadline = Instant::now() + WAIT_MAX;
    let making = app.variants.making((record.id, spec.name));
    let (app, record) = (Arc::clone(app), record.clone());
    // A task of its own: a client that leaves does not stop the work that
    // others wait for.
    let made = tokio::spawn(async move {
        let make = || make_unless_found(&app, record, spec, deadline);
        making.get_or_try_init(make).await.cloned()
    });
    timeout_at(deadline, made)
        .await
        .map_err(|_| overloaded())?
        .map_err(|_| WebError::Internal("the making of a variant panicked".to_owned()))?
}

/// A variant that the store had; `None` for a format that is no more.
#[must_use]
pub fn of_stored(stored: StoredVariant) -> Option<Variant> {
    Some(Variant {
        format: with_extension(&stored.extension)?,
        bytes: stored.bytes.into(),
        sha256: stored.sha256,
    })
}

/// A variant of any image, public or not, past the cache that strangers are
/// served from.
///
/// # Errors
/// As [`make`].
pub async fn for_staff(
    app: &AppState,
    record: &Record,
    spec: VariantSpec,
) -> Result<Variant, WebError> {
    let place = app.variants.place(Instant::now() + WAIT_MAX).await?;
    let (this, record) = (Arc::clone(app), record.clone());
    let variant = app.with_store(move |store| {
        let _place = place;
        find_or_make(&this, store, &record, spec)
    });
    variant.await?
}

/// One call of the store, as each goes to another thread and back.
async fn make_unless_found(
    app: &AppState,
    record: Record,
    spec: VariantSpec,
    deadline: Instant,
) -> Result<Arc<CachedImage>, WebError> {
    let place = app.variants.place(deadline).await?;
    let this = Arc::clone(app);
    let image = app.with_store(move |store| {
        let _place = place;
        let variant = match find_or_make(&this, store, &record, spec)? {
            Ok(variant) => variant,
            Err(error) => return Ok(Err(error)),
        };
        let id = record.id;
        Ok(cached_image::keep_variant(&this, store, id, spec, variant))
    });
    image.await?
}

fn find_or_make(
    app: &App,
    store: &Store,
    record: &Record,
    spec: VariantSpec,
) -> Result<Result<Variant, WebError>, StorageError> {
    if is_original(record, spec) {
        return original(store, record);
    }
    // Whoever was here before may just have left.
    if let Some(found) = store.variant(&record.id, spec.name)?.and_then(of_stored) {
        return Ok(Ok(found));
    }
    let made = make_and_store(store, record, spec, &app.pipeline)?;
    if made.is_ok() {
        app.metrics.variant_made(spec.name, store.variant_bytes());
    }
    Ok(made)
}

fn original(store: &Store, record: &Record) -> Result<Result<Variant, WebError>, StorageError> {
    let original = read_original(store, record)?;
    Ok(original.map(|original| Variant {
        bytes: Bytes::from_owner(Arc::clone(original.bytes())),
        format: original.format(),
        sha256: record.sha256,
    }))
}

fn make_and_store(
    store: &Store,
    record: &Record,
    spec: VariantSpec,
    pipeline: &Pipeline,
) -> Result<Result<Variant, WebError>, StorageError> {
    let id = record.id;
    let source = match read_original(store, record)? {
        Ok(source) => source,
        Err(error) => return Ok(Err(error)),
    };
    let made = match shrink(&source, spec, pipeline) {
        Ok(made) => Stored(made),
        Err(PipelineError::Reject(reject)) => {
            let text = format!("a stored image yields no variant: {reject}");
            return Ok(Err(WebError::Internal(text)));
        }
        Err(ours) => return Ok(Err(ours.into())),
    };
    let format = made.0.format();
    let part = PartName::variant(spec.name, format.extension())?;
    match store.put_variant(&id, &part, &made) {
        Ok(()) => {}
        Err(gone @ StorageError::NotFound { .. }) => return Err(gone),
        // It can be shown without being kept.
        Err(error) => tracing::warn!(%error, "a variant could not be stored"),
    }
    let bytes = Bytes::from_owner(Arc::clone(made.0.bytes()));
    Ok(Ok(Variant {
        sha256: Sha256::digest(&bytes).into(),
        bytes,
        format,
    }))
}

/// The stored original, as clean as it was when it was stored.
fn read_original(
    store: &Store,
    record: &Record,
) -> Result<Result<Scrubbed, WebError>, StorageError> {
    let id = record.id;
    let bytes = store
        .read(&id, &record.original()?)?
        .ok_or(StorageError::NotFound { id })?;
    let header = Header {
        width: record.width,
        height: record.height,
        frames: record.frames,
    };
    let original =
        format_of(record).and_then(|format| recall(bytes.into(), &record.sha256, format, header));
    Ok(original.ok_or_else(|| {
        WebError::Internal(format!("the bytes of {id} are not those that were stored"))
    }))
}

/// Makes the variant in the memory that uploads are decoded in too.
fn shrink(
    source: &Scrubbed,
    spec: VariantSpec,
    pipeline: &Pipeline,
) -> Result<Scrubbed, PipelineError> {
    let memory = pipeline.reserve_memory(source)?;
    let made = memory.spend(|| variant(source, spec, &pipeline.settings().limits))?;
    Ok(made?)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn whoever_finds_no_place_in_time_is_refused() {
        let maker = VariantMaker::new(1);
        let now = Instant::now();
        let held = maker.place(now + WAIT_MAX).await.unwrap();
        let refused = maker.place(now).await.unwrap_err();
        assert_eq!(
            refused.status_and_code(),
            (StatusCode::TOO_MANY_REQUESTS, "overloaded")
        );
        assert_eq!(refused.problem().retry_after, Some(WAIT_MAX.as_secs()));
        drop(held);
        drop(maker.place(now + WAIT_MAX).await.unwrap());
    }

    #[tokio::test]
    async fn one_is_made_for_all_who_wait() {
        let maker = VariantMaker::new(1);
        let key = (ImageId::random().unwrap(), THUMBNAIL);
        let (first, second) = (maker.making(key), maker.making(key));
        assert!(Arc::ptr_eq(&first, &second));
        let other = maker.making((key.0, CARD));
        assert!(!Arc::ptr_eq(&first, &other));
        drop((first, second, other));
        maker.making((ImageId::random().unwrap(), THUMBNAIL));
        assert_eq!(
            maker.in_the_making.lock().unwrap().len(),
            1,
            "none is left over"
        );
    }
}
