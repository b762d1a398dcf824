//! One stored image as the pages show it.

use super::wording;

/// The public facts of one image.
#[derive(Clone, Debug)]
pub struct ImageView {
    /// Short id.
    pub id: String,
    /// The short link: the viewer page.
    pub url: String,
    /// The link to the image itself.
    pub direct_url: String,
    /// The link to a small version of it.
    pub thumbnail_url: String,
    /// The link to the card for previews of the link: of an nsfw image a
    /// blurred one. None while no stranger may see anything of it.
    pub card_url: Option<String>,
    /// Paths of smaller renderings with their widths, the smallest first.
    pub renditions: Vec<(String, u32)>,
    /// The name it was uploaded under, as the stranger sent it.
    pub filename: String,
    /// Media type, from our own sniffing.
    pub mime: String,
    /// Size of the stored file.
    pub bytes: u64,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// State, in the wire form: "public", "pending", "review" ...
    pub state: String,
    /// "safe" or "nsfw", once classified.
    pub label: Option<String>,
    /// "staff" or "rule", where not the classifier set the label.
    pub label_set_by: Option<String>,
    /// Probability on the label's side, 0 to 1; none where the classifier did not set it.
    pub confidence: Option<f32>,
    /// Class names with their probabilities, 0 to 1.
    pub scores: Option<[(&'static str, f32); 5]>,
    /// Upload time, RFC 3339 in UTC.
    pub uploaded_at_iso: String,
    /// Times the image was viewed.
    pub views: u64,
    /// That it is to be removed because nobody views it, in words.
    pub ending: Option<String>,
}

/// The links only the uploader gets, once.
#[derive(Clone, Debug)]
pub struct OwnerLinks {
    /// Page that deletes the image; its fragment is the token.
    pub delete_url: String,
    /// The secret that proves the right to delete.
    pub delete_token: String,
}

impl ImageView {
    pub(super) fn is_nsfw(&self) -> bool {
        self.label.as_deref() == Some("nsfw")
    }

    /// Whether the site serves the image to strangers.
    pub(super) fn is_public(&self) -> bool {
        self.state == "public"
    }

    pub(super) fn display_name(&self) -> String {
        wording::display_name(&self.filename)
    }

    pub(super) fn size(&self) -> String {
        wording::byte_size(self.bytes)
    }

    /// "JPEG" for `image/jpeg`.
    pub(super) fn format(&self) -> String {
        self.mime
            .strip_prefix("image/")
            .unwrap_or(&self.mime)
            .to_ascii_uppercase()
    }

    pub(super) fn verdict(&self) -> String {
        let set_by = self.label_set_by.as_deref();
        wording::verdict(&self.state, self.label.as_deref(), self.confidence, set_by)
    }

    /// What a stranger is told while the image is not served.
    pub(super) fn why_hidden(&self) -> &'static str {
        wording::why_hidden(&self.state)
    }

    /// The colour family of the verdict: a class name of the style sheet.
    pub(super) fn tone(&self) -> &'static str {
        match (self.state.as_str(), self.label.as_deref()) {
            ("public", Some("safe")) => "good",
            ("blocked" | "removed", _) => "bad",
            (_, Some("nsfw")) => "warn",
            _ => "quiet",
        }
    }

    pub(super) fn uploaded_on(&self) -> String {
        wording::moment(&self.uploaded_at_iso)
    }

    pub(super) fn view_count(&self) -> String {
        wording::grouped(self.views)
    }

    /// What a browser chooses from by the width it needs, the last being the
    /// image itself; none where there is only that.
    pub(super) fn srcset(&self, direct_path: &str) -> Option<String> {
        if self.renditions.is_empty() {
            return None;
        }
        let original = (direct_path, self.width);
        let smaller = self
            .renditions
            .iter()
            .map(|(path, width)| (path.as_str(), *width));
        let candidates: Vec<String> = smaller
            .chain([original])
            .map(|(path, width)| format!("{path} {width}w"))
            .collect();
        Some(candidates.join(", "))
    }

    /// Class names with their probability as a number and as per cent.
    pub(super) fn class_scores(&self) -> Vec<(&'static str, f32, String)> {
        let scores = self.scores.iter().flatten();
        scores
            .map(|&(class, share)| (class, share, wording::percent(share)))
            .collect()
    }
}
