//! What an owner can do about the data of an upload, with its token and without
//! an account (P20): get all of it, correct it, object to advertising.

use std::io::{Cursor, Write};

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use imgshare_storage::calendar;
use imgshare_storage::complaints::{Appeal, CounterNotice};
use imgshare_storage::{ImageId, Record, StorageError, Store, StoredLabel, TurnedHashes, Views};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{PartialSchema, ToSchema};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::owner::{TokenForm, manage_page};
use super::{Statement, owned};
use crate::app::{App, AppState};
use crate::clock;
use crate::decision;
use crate::dto::ClassScores;
use crate::error::WebError;
use crate::http::filename;

/// Archives made at once; each holds one image in memory for a moment.
static ARCHIVES: Semaphore = Semaphore::const_new(2);

/// Everything that is held about one upload. What reporters wrote is theirs, and
/// whether the law keeps the image is not said here.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Held {
    /// 12 base58 characters.
    id: String,
    /// The name the file came with, or what its owner made of it.
    filename: String,
    /// Ending of the stored file.
    extension: String,
    /// Media type, from our own sniffing.
    mime: String,
    /// Size of the stored file, after metadata was removed.
    bytes: u64,
    /// Upright width in pixels.
    width: u32,
    /// Upright height in pixels.
    height: u32,
    /// Frames; 1 for a still.
    frames: u32,
    /// SHA-256 of the stored file, in hexadecimal.
    sha256: String,
    /// The PDQ hash of what the picture looks like, in hexadecimal.
    perceptual_hash: Option<String>,
    /// How much that hash says, 0 to 100.
    perceptual_hash_quality: Option<u8>,
    /// The same hash of the picture turned.
    perceptual_hash_turned: Option<HeldTurned>,
    /// RFC 3339 in UTC.
    uploaded_at: String,
    /// Where it stands: `public`, `pending`, `review`, `blocked` and so on.
    state: String,
    /// `safe` or `nsfw`; null until there is one.
    label: Option<String>,
    /// Who set the label, where not the classifier did: `staff` or `rule`.
    label_set_by: Option<String>,
    /// The label that staff or a rule set: `safe` or `nsfw`.
    label_set: Option<String>,
    /// When, RFC 3339 in UTC.
    label_set_at: Option<String>,
    /// Probability on the label's side, 0 to 1; null where the classifier did not set
    /// the label.
    confidence: Option<f32>,
    /// Class probabilities, 0 to 1.
    scores: Option<ClassScores>,
    /// The model that gave them.
    model: Option<String>,
    /// How the picture was prepared for the model, by name.
    preprocessing: Option<String>,
    /// The thresholds that were in force then.
    thresholds: Option<HeldThresholds>,
    /// The label that followed from the scores and these thresholds.
    label_by_classifier: Option<String>,
    /// Probability on that label's side, 0 to 1.
    confidence_of_classifier: Option<f32>,
    /// When it was classified, RFC 3339 in UTC.
    classified_at: Option<String>,
    /// Tries to classify it.
    scan_attempts: u32,
    /// Whether its owner objected to advertising beside it.
    ads_objection: bool,
    /// Times it was viewed.
    views: u64,
    /// The day of the last view, as YYYY-MM-DD in UTC; null before the first.
    last_viewed_on: Option<String>,
    /// What is kept of the delete token: its SHA-256, never the token.
    delete_token_kept_as: String,
    /// Why it is restricted; null where nothing restricts it.
    statement: Option<Statement>,
    /// The objections of its owner, the oldest first.
    objections: Vec<HeldObjection>,
    /// The counter-notices of its owner, the oldest first.
    counter_notices: Vec<HeldCounterNotice>,
}

/// PDQ hashes of a picture as it would be once turned, in hexadecimal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HeldTurned {
    /// Left for right.
    mirrored: String,
    /// Top for bottom.
    flipped: String,
    /// By 180 degrees.
    half_turned: String,
}

/// The thresholds that were in force when an image was classified.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HeldThresholds {
    /// From which probability of porn and hentai on it is `nsfw`.
    explicit: f32,
    /// The same for `sexy`.
    sexy: f32,
    /// From which probability on there is no advertising.
    ads: f32,
    /// How near to a threshold somebody looks at it.
    review_band: f32,
}

/// An objection of the image's owner. Who decides is not said.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HeldObjection {
    /// Counts an image's objections.
    number: u32,
    /// What its owner wrote.
    text: String,
    /// When, RFC 3339 in UTC.
    at: String,
    /// Against what: `removed`, `hidden` or `warning`.
    against: String,
    /// Whether it was granted; null while it is open.
    granted: Option<bool>,
    /// When that was decided, RFC 3339 in UTC.
    decided_at: Option<String>,
}

/// A counter-notice of the image's owner, as it was signed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HeldCounterNotice {
    /// Its receipt.
    receipt: String,
    /// Who objects.
    name: String,
    /// Postal address.
    address: String,
    /// Telephone.
    phone: String,
    /// Mail; may be empty.
    email: String,
    /// What its owner wrote; may be empty.
    text: String,
    /// The typed signature.
    signature: String,
    /// When, RFC 3339 in UTC.
    at: String,
    /// By when the image must be restored, unless the claimant goes to court: RFC 3339
    /// in UTC.
    restore_by: String,
    /// Where it stands: `open`, `restored`, `action-filed`, `gone` or `superseded`.
    state: String,
}

impl HeldTurned {
    fn of(turned: TurnedHashes) -> Self {
        Self {
            mirrored: hex::encode(turned.mirrored),
            flipped: hex::encode(turned.flipped),
            half_turned: hex::encode(turned.half_turned),
        }
    }
}

impl HeldThresholds {
    fn of([explicit, sexy, ads, review_band]: [f32; 4]) -> Self {
        Self {
            explicit,
            sexy,
            ads,
            review_band,
        }
    }
}

impl HeldObjection {
    fn of(appeal: &Appeal) -> Self {
        let outcome = appeal.outcome.as_ref();
        Self {
            number: appeal.number,
            text: appeal.text.as_str().to_owned(),
            at: clock::rfc3339(appeal.at_ms),
            against: appeal.against.as_str().to_owned(),
            granted: outcome.map(|outcome| outcome.is_granted),
            decided_at: outcome.map(|outcome| clock::rfc3339(outcome.at_ms)),
        }
    }
}

impl HeldCounterNotice {
    fn of(counter: &CounterNotice) -> Self {
        Self {
            receipt: counter.receipt.to_string(),
            name: counter.name.as_str().to_owned(),
            address: counter.address.as_str().to_owned(),
            phone: counter.phone.as_str().to_owned(),
            email: counter.email.as_str().to_owned(),
            text: counter.text.as_str().to_owned(),
            signature: counter.signature.as_str().to_owned(),
            at: clock::rfc3339(counter.at_ms),
            restore_by: clock::rfc3339(counter.restore_by_ms),
            state: counter.state.as_str().to_owned(),
        }
    }
}

/// A stored label as the API writes it.
fn label_name(label: StoredLabel) -> String {
    let name = match label {
        StoredLabel::Safe => "safe",
        StoredLabel::Nsfw => "nsfw",
    };
    name.to_owned()
}

impl Held {
    /// What is held about a record's upload.
    pub(crate) async fn of(app: &App, record: &Record) -> Result<Self, WebError> {
        let (id, owned) = (record.id, record.clone());
        let views: Views = app.with_store(move |store| store.views(&id)).await?;
        let (statement, appeals, counters) = app
            .see_complaints(move |reporting| {
                let complaints = &reporting.complaints;
                let appeals = complaints.appeals(&id)?;
                let counters = complaints.counters_of(&id)?;
                Ok((complaints.statement(&owned)?, appeals, counters))
            })
            .await?;
        let moderation = &*app.thresholds.moderation();
        let judged = decision::judge_stored(moderation, record);
        let classification = record.classification.as_ref();
        Ok(Self {
            id: record.id.to_string(),
            filename: record.filename.clone(),
            extension: record.extension.clone(),
            mime: record.mime.clone(),
            bytes: record.bytes,
            width: record.width,
            height: record.height,
            frames: record.frames,
            sha256: hex::encode(record.sha256),
            perceptual_hash: record.pdq.map(|pdq| hex::encode(pdq.hash)),
            perceptual_hash_quality: record.pdq.map(|pdq| pdq.quality),
            perceptual_hash_turned: record.pdq.and_then(|pdq| pdq.turned).map(HeldTurned::of),
            uploaded_at: clock::rfc3339(record.uploaded_at_ms),
            state: record.state.as_str().to_owned(),
            label: decision::label_of(moderation, record).map(|label| label.as_str().to_owned()),
            label_set_by: decision::label_set_by(record).map(str::to_owned),
            label_set: record.ruling.map(|ruling| label_name(ruling.label)),
            label_set_at: record.ruling.map(|ruling| clock::rfc3339(ruling.at_ms)),
            confidence: decision::confidence_of(moderation, record),
            scores: judged.map(|(scores, _)| scores.into()),
            model: classification.map(|said| said.model.clone()),
            preprocessing: classification.map(|said| said.preprocessing.clone()),
            thresholds: classification.map(|said| HeldThresholds::of(said.thresholds)),
            label_by_classifier: classification.map(|said| label_name(said.label)),
            confidence_of_classifier: classification.map(|said| said.confidence),
            classified_at: classification.map(|said| clock::rfc3339(said.classified_at_ms)),
            scan_attempts: record.scan_attempts,
            ads_objection: record.ads_objection,
            views: views.total,
            last_viewed_on: views
                .last_day
                .map(|day| calendar::date(u64::from(day) * calendar::MS_A_DAY)),
            delete_token_kept_as: "sha256".to_owned(),
            statement: statement.as_ref().map(Statement::of),
            objections: appeals.iter().map(HeldObjection::of).collect(),
            counter_notices: counters.iter().map(HeldCounterNotice::of).collect(),
        })
    }

    /// Every field with its value, as the page shows it: the page cannot show
    /// less than the archive holds. The statement stands above them there, in words.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let fields = value.as_object().into_iter().flatten();
        fields
            .filter(|(name, _)| *name != "statement")
            .map(|(name, value)| (name.replace('_', " "), in_words(value)))
            .collect()
    }
}

fn in_words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "nothing".to_owned(),
        serde_json::Value::Bool(true) => "yes".to_owned(),
        serde_json::Value::Bool(false) => "no".to_owned(),
        serde_json::Value::Array(values) if values.is_empty() => "none".to_owned(),
        serde_json::Value::Array(values) => {
            let said: Vec<String> = values.iter().map(in_words).collect();
            said.join("; ")
        }
        serde_json::Value::Object(members) => {
            let said = members
                .iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), in_words(value)));
            said.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The JSON schema of `metadata.json`.
fn schema() -> serde_json::Value {
    let mut schema = serde_json::to_value(Held::schema()).unwrap_or_default();
    let definitions = serde_json::json!({
        "ClassScores": ClassScores::schema(),
        "HeldCounterNotice": HeldCounterNotice::schema(),
        "HeldObjection": HeldObjection::schema(),
        "HeldThresholds": HeldThresholds::schema(),
        "HeldTurned": HeldTurned::schema(),
        "Statement": Statement::schema(),
    });
    if let Some(object) = schema.as_object_mut() {
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        object.insert("$schema".to_owned(), dialect.into());
        object.insert(
            "components".to_owned(),
            serde_json::json!({ "schemas": definitions }),
        );
    }
    schema
}

/// A file of an archive.
pub(crate) type Filed = (String, Vec<u8>);

/// An archive of these files, uncompressed: images are compressed already.
///
/// # Errors
/// When there are too many or too large files, which ours are not.
pub(crate) fn archive(files: &[Filed]) -> Result<Vec<u8>, WebError> {
    let broken = |error: &dyn std::fmt::Display| WebError::Internal(error.to_string());
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // No time of ours: the same files make the same archive.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        writer
            .start_file(name.as_str(), options)
            .map_err(|error| broken(&error))?;
        writer.write_all(bytes).map_err(|error| broken(&error))?;
    }
    let written = writer.finish().map_err(|error| broken(&error))?;
    Ok(written.into_inner())
}

/// The image's own file, for an archive; nothing where its bytes are gone.
pub(crate) async fn original(app: &App, record: &Record) -> Result<Option<Filed>, WebError> {
    let (id, part) = (record.id, record.original());
    let part = part.map_err(|error| WebError::Internal(error.to_string()))?;
    let bytes = app.with_store(move |store| store.read(&id, &part)).await?;
    Ok(bytes.map(|bytes| (format!("{}.{}", record.id, record.extension), bytes)))
}

/// An archive as an answer that nobody keeps.
pub(crate) fn sent(name: &str, archive: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let own_headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/zip"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    (own_headers, archive).into_response()
}

/// A turn to make an archive.
pub(crate) async fn turn() -> Result<tokio::sync::SemaphorePermit<'static>, WebError> {
    let turn = ARCHIVES.acquire().await;
    turn.map_err(|error| WebError::Internal(error.to_string()))
}

fn json_file(name: &str, value: &impl Serialize) -> Result<Filed, WebError> {
    let text = serde_json::to_vec_pretty(value);
    let text = text.map_err(|error| WebError::Internal(error.to_string()))?;
    Ok((name.to_owned(), text))
}

/// `POST /m/{id}/export`: the image and all that is held about it.
pub(super) async fn export(
    State(app): State<AppState>,
    Path(id): Path<String>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let record = owned(&app, &id, &form.token).await?;
    let _turn = turn().await?;
    let held = Held::of(&app, &record).await?;
    let mut files = vec![
        json_file("metadata.json", &held)?,
        json_file("metadata.schema.json", &schema())?,
    ];
    // Of what is held back the owner gets the facts, and not the picture again:
    // it may be what nobody may have.
    if crate::decision::is_known_to_strangers(record.state) {
        files.extend(original(&app, &record).await?);
    }
    Ok(sent(&format!("{}.zip", record.id), archive(&files)?))
}

/// A correction of the file's name.
#[derive(Deserialize)]
pub(super) struct FilenameForm {
    token: String,
    filename: String,
}

/// `POST /m/{id}/filename`: corrects the name the file came with.
pub(super) async fn rename(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<FilenameForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let name = filename::sanitize(&form.filename);
    change(&app, &headers, &id, &form.token, move |store, id| {
        store.correct_filename(id, &name, clock::now_ms())
    })
    .await
}

/// An objection to advertising, or that it is taken back.
#[derive(Deserialize)]
pub(super) struct AdvertisingForm {
    token: String,
    objects: Option<String>,
}

/// `POST /m/{id}/advertising`: no advertising beside this image, or again.
pub(super) async fn advertising(
    State(app): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    form: Result<Form<AdvertisingForm>, FormRejection>,
) -> Result<Response, WebError> {
    let Form(form) = form.map_err(|_| WebError::MalformedForm)?;
    let objects = form.objects.is_some();
    change(&app, &headers, &id, &form.token, move |store, id| {
        store.update(id, |record| record.ads_objection = objects)
    })
    .await
}

async fn change(
    app: &AppState,
    headers: &HeaderMap,
    id: &str,
    token: &str,
    change: impl Fn(&Store, &ImageId) -> Result<Option<Record>, StorageError> + Send + 'static,
) -> Result<Response, WebError> {
    let id = owned(app, id, token).await?.id;
    let changed = app.with_store(move |store| change(store, &id)).await?;
    let record = changed.ok_or(WebError::NotFound)?;
    manage_page(app, headers, &record, token, None).await
}
