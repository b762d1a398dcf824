//! Variants made when they are first asked for: once an image, a few at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use imgshare_pipeline::stage::scrub::scrub_encoded;
use imgshare_pipeline::stage::variant::{VARIANTS, VariantSpec, variant};
use imgshare_pipeline::{Format, Header, Limits, Overloaded, PipelineError, Reject, Scrubbed};
use imgshare_storage::{ImageId, PartName, Record, StorageError, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::app::App;
use crate::error::WebError;
use crate::ingest::Stored;

/// The variant that `thumbnail_url` names.
const THUMBNAIL: &str = "thumb";

/// How long a request waits for its turn to make a variant.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Every format a record can name by its extension.
const FORMATS: [Format; 4] = [Format::Jpeg, Format::Png, Format::Webp, Format::Gif];

/// Formats a variant can have: JPEG, or PNG where something shines through.
const VARIANT_FORMATS: [Format; 2] = [Format::Jpeg, Format::Png];

type Key = (ImageId, &'static str);

/// Bounds the work on variants.
pub struct VariantMaker {
    room: Arc<Semaphore>,
    in_the_making: Mutex<HashMap<Key, Weak<tokio::sync::Mutex<()>>>>,
}

/// A variant's bytes and format.
pub struct Variant {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it is.
    pub format: Format,
}

/// Path of the thumbnail. Only making it tells whether it needs transparency;
/// asked for as JPEG, one that does redirects to its PNG.
#[must_use]
pub fn path(record: &Record) -> String {
    variant_path(&record.id, THUMBNAIL, Format::Jpeg)
}

/// Path of a variant in its format.
#[must_use]
pub fn variant_path(id: &ImageId, name: &str, format: Format) -> String {
    format!("/i/{id}/{name}.{}", format.extension())
}

/// The format a record names by its extension.
#[must_use]
pub fn format_of(record: &Record) -> Option<Format> {
    FORMATS
        .into_iter()
        .find(|format| format.extension() == record.extension)
}

/// The variant of this name, if the fixed list has it.
#[must_use]
pub fn find_spec(name: &str) -> Option<VariantSpec> {
    VARIANTS.into_iter().find(|spec| spec.name == name)
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

    /// The lock of one variant: whoever comes second waits and finds it made.
    fn lock_of(&self, key: Key) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self
            .in_the_making
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, WebError> {
        let overloaded = || {
            PipelineError::from(Overloaded {
                retry_after: WAIT_MAX,
            })
        };
        let place = timeout(WAIT_MAX, Arc::clone(&self.room).acquire_owned()).await;
        place
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| overloaded().into())
    }
}

/// The variant of a public image, from the store or made now.
///
/// # Errors
/// Overloaded when too many are being made; otherwise the store's errors.
pub async fn find_or_make(
    app: &App,
    record: &Record,
    spec: VariantSpec,
) -> Result<Variant, WebError> {
    let id = record.id;
    let stored = move |store: &Store| read_stored(store, id, spec.name);
    if let Some(found) = app.with_store(stored).await? {
        return Ok(found);
    }
    let lock = app.variants.lock_of((id, spec.name));
    let _turn = lock.lock().await;
    if let Some(found) = app.with_store(stored).await? {
        return Ok(found);
    }
    let place = app.variants.place().await?;
    let (limits, record) = (app.settings.image_limits(), record.clone());
    // The place goes along: a client that leaves does not stop the work.
    app.with_store(move |store| {
        let _place = place;
        make(store, &record, spec, &limits)
    })
    .await?
    .map_err(|reject| WebError::Internal(format!("a stored image yields no variant: {reject}")))
}

fn read_stored(
    store: &Store,
    id: ImageId,
    name: &'static str,
) -> Result<Option<Variant>, StorageError> {
    for format in VARIANT_FORMATS {
        let part = PartName::variant(name, format.extension())?;
        if let Some(bytes) = store.read(&id, &part)? {
            return Ok(Some(Variant { bytes, format }));
        }
    }
    Ok(None)
}

fn make(
    store: &Store,
    record: &Record,
    spec: VariantSpec,
    limits: &Limits,
) -> Result<Result<Variant, Reject>, StorageError> {
    let original = store
        .read(&record.id, &record.original()?)?
        .ok_or(StorageError::NotFound { id: record.id })?;
    let made = match prove(record, original).and_then(|source| variant(&source, spec, limits)) {
        Ok(made) => Stored(made),
        Err(reject) => return Ok(Err(reject)),
    };
    let format = made.0.format();
    let part = PartName::variant(spec.name, format.extension())?;
    match store.put_variant(&record.id, &part, &made) {
        Ok(()) => {}
        Err(gone @ StorageError::NotFound { .. }) => return Err(gone),
        // It can be shown without being kept.
        Err(error) => tracing::warn!(%error, "a variant could not be stored"),
    }
    Ok(Ok(Variant {
        bytes: made.0.bytes().to_vec(),
        format,
    }))
}

/// Stored bytes are read by the same proof that let them in.
fn prove(record: &Record, bytes: Vec<u8>) -> Result<Scrubbed, Reject> {
    let format = format_of(record).ok_or(Reject::UnsupportedFormat { advice: None })?;
    let Record {
        width,
        height,
        frames,
        ..
    } = *record;
    scrub_encoded(
        bytes.into(),
        format,
        Header {
            width,
            height,
            frames,
        },
    )
}
