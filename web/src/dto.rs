//! What goes over the wire.

use imgshare_models::scores::Scores;
use imgshare_storage::{DeleteToken, ImageId, Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Moderation;
use crate::decision;
use crate::variants;

/// The public facts of one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Image {
    /// 12 base58 characters.
    #[schema(example = "3kTMd8vXqz2P")]
    pub id: String,
    /// The viewer page.
    pub url: String,
    /// The image itself.
    pub direct_url: String,
    /// A small version of it.
    pub thumbnail_url: String,
    /// Media type, from our own sniffing.
    #[schema(example = "image/jpeg")]
    pub mime: String,
    /// Size of the stored file, after metadata was removed.
    pub bytes: u64,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// `public`, `pending`, `scan-failed` or `review`.
    #[schema(example = "public")]
    pub state: String,
    /// `safe` or `nsfw`; null until classified.
    #[schema(example = "safe")]
    pub label: Option<String>,
    /// Who set the label, where not the classifier did: `staff` or `rule`; else null.
    pub label_set_by: Option<String>,
    /// Probability on the label's side, 0 to 1; null until classified, and where staff or
    /// a rule set the label.
    pub confidence: Option<f32>,
    /// Class probabilities by the classifier, 0 to 1, whoever set the label; null until
    /// classified.
    pub scores: Option<ClassScores>,
}

/// The classifier's probabilities, summing to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassScores {
    /// Drawings and art that are safe.
    pub drawing: f32,
    /// Pornographic drawings.
    pub hentai: f32,
    /// Safe photographs.
    pub neutral: f32,
    /// Sexual acts, nudity.
    pub porn: f32,
    /// Suggestive, not pornographic.
    pub sexy: f32,
}

/// The answer to an upload: the image, and what only its owner gets, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// The image.
    #[serde(flatten)]
    pub image: Image,
    /// Page that deletes the image; the token is its fragment and so reaches
    /// no server log.
    pub delete_url: String,
    /// Proves the right to delete. It is stored nowhere but here.
    pub delete_token: String,
}

/// The body of an upload.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "it describes the form to the OpenAPI document")]
pub struct UploadForm {
    /// The image file: JPEG, PNG, WebP, GIF or AVIF.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// What `/readyz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether uploads can be taken.
    pub ready: bool,
    /// The device that classifies.
    pub device: String,
    /// The models that classify: the one that sees everything, and the one that
    /// decides where that leaves a doubt, if there is one.
    pub models: Vec<String>,
    /// Why not, as stable codes; empty when ready.
    pub reasons: Vec<String>,
}

impl From<Scores> for ClassScores {
    fn from(scores: Scores) -> Self {
        let Scores {
            drawing,
            hentai,
            neutral,
            porn,
            sexy,
        } = scores;
        Self {
            drawing,
            hentai,
            neutral,
            porn,
            sexy,
        }
    }
}

impl Image {
    /// The public facts of a record; links start with `base_url`.
    #[must_use]
    pub fn of(record: &Record, base_url: &str, moderation: &Moderation) -> Self {
        let id = &record.id;
        let judged = decision::judge_stored(moderation, record);
        Self {
            id: id.to_string(),
            url: format!("{base_url}/{id}"),
            direct_url: format!("{base_url}/i/{id}.{}", record.extension),
            thumbnail_url: format!("{base_url}{}", variants::path(record)),
            mime: record.mime.clone(),
            bytes: record.bytes,
            width: record.width,
            height: record.height,
            state: record.state.as_str().to_owned(),
            label: decision::label_of(moderation, record).map(|label| label.as_str().to_owned()),
            label_set_by: decision::label_set_by(record).map(str::to_owned),
            confidence: decision::confidence_of(moderation, record),
            scores: judged.map(|(scores, _)| scores.into()),
        }
    }
}

impl Uploaded {
    /// The answer to the upload that made `record`.
    #[must_use]
    pub fn of(image: Image, token: &DeleteToken, base_url: &str) -> Self {
        Self {
            delete_url: Self::delete_url(base_url, &image.id, token),
            delete_token: token.expose().to_owned(),
            image,
        }
    }

    /// The page that deletes an image, with the token as its fragment.
    #[must_use]
    pub fn delete_url(base_url: &str, id: &str, token: &DeleteToken) -> String {
        format!("{base_url}/d/{id}#{}", token.expose())
    }
}

/// Parses an id from a path; anything else is an unknown image.
#[must_use]
pub fn parse_id(text: &str) -> Option<ImageId> {
    text.parse().ok()
}
