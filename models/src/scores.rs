//! What a classifier says about one picture, and what the thresholds make of it.

use serde::{Deserialize, Serialize};

/// Class probabilities, each 0..1, summing to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
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

impl Scores {
    /// Scores in the models' class order: Drawing, Hentai, Neutral, Porn, Sexy.
    pub const fn from_array([drawing, hentai, neutral, porn, sexy]: [f32; 5]) -> Self {
        Self {
            drawing,
            hentai,
            neutral,
            porn,
            sexy,
        }
    }

    /// The probabilities in the models' class order.
    pub const fn to_array(self) -> [f32; 5] {
        [
            self.drawing,
            self.hentai,
            self.neutral,
            self.porn,
            self.sexy,
        ]
    }

    /// P(Hentai) + P(Porn). The resampler moves mass between Porn and Sexy, so
    /// rules look at sums, never at the largest class.
    pub fn explicit_mass(&self) -> f32 {
        self.hentai + self.porn
    }

    /// P(Hentai) + P(Porn) + P(Sexy).
    pub fn nsfw_mass(&self) -> f32 {
        self.hentai + self.porn + self.sexy
    }

    /// Whether these are probabilities: finite, none negative, summing to 1
    /// within what f32 rounding explains.
    pub fn is_distribution(&self) -> bool {
        let classes = self.to_array();
        classes.iter().all(|p| p.is_finite() && *p >= 0.0)
            && (classes.iter().sum::<f32>() - 1.0).abs() < 1e-3
    }
}

/// Where scores turn into a label. A stored score keeps the thresholds that
/// were in force, and a changed threshold relabels without inference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// [`Scores::explicit_mass`] from which a picture is nsfw, 0..1.
    pub explicit: f32,
    /// P(Sexy) from which a picture is nsfw, 0..1. High, because beaches and
    /// portraits score here.
    pub sexy: f32,
    /// [`Scores::nsfw_mass`] from which a page carries no advertising, 0..1.
    pub ads: f32,
    /// Distance to a label threshold within which a person should look, 0..1.
    pub review_band: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            explicit: 0.60,
            sexy: 0.90,
            ads: 0.30,
            review_band: 0.10,
        }
    }
}

/// Whether a picture stands behind a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Shown as it is.
    Safe,
    /// Shown behind a warning, never beside advertising.
    Nsfw,
}

impl Label {
    /// The label as it is stored and sent: `safe` or `nsfw`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Nsfw => "nsfw",
        }
    }
}

/// What [`Thresholds::judge`] makes of a picture's scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Safe or nsfw.
    pub label: Label,
    /// The mass on the label's side, 0..1: [`Scores::nsfw_mass`] for nsfw, the
    /// rest for safe. Low for a picture that is suggestive but below the bar.
    pub confidence: f32,
    /// Whether the picture's page may carry advertising.
    pub ads_allowed: bool,
    /// Whether a score lies so near a label threshold that a person should look.
    pub review: bool,
}

impl Thresholds {
    /// Label, confidence and consequences of `scores`. Scores that are no
    /// numbers are nsfw and for review: an answer nobody understands is never
    /// shown without a warning.
    pub fn judge(&self, scores: &Scores) -> Verdict {
        let (explicit, sexy) = (scores.explicit_mass(), scores.sexy);
        let nsfw_mass = scores.nsfw_mass();
        if !nsfw_mass.is_finite() {
            return Verdict {
                label: Label::Nsfw,
                confidence: 0.0,
                ads_allowed: false,
                review: true,
            };
        }
        let is_nsfw = explicit >= self.explicit || sexy >= self.sexy;
        let (label, mass) = if is_nsfw {
            (Label::Nsfw, nsfw_mass)
        } else {
            (Label::Safe, 1.0 - nsfw_mass)
        };
        Verdict {
            label,
            confidence: mass.clamp(0.0, 1.0),
            ads_allowed: !is_nsfw && nsfw_mass < self.ads,
            review: self.is_near(explicit, self.explicit) || self.is_near(sexy, self.sexy),
        }
    }

    /// Whether `mass` lies in the review band around `threshold`. The band ends
    /// half-way between the threshold and 0 or 1: around a bar of 0.90 a plain
    /// 0.10 would send every picture above the bar to review.
    fn is_near(&self, mass: f32, threshold: f32) -> bool {
        let half_width = self
            .review_band
            .min((1.0 - threshold) / 2.0)
            .min(threshold / 2.0);
        (mass - threshold).abs() < half_width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judge(classes: [f32; 5]) -> Verdict {
        Thresholds::default().judge(&Scores::from_array(classes))
    }

    #[test]
    fn a_landscape_is_safe_and_carries_ads() {
        let verdict = judge([0.02, 0.01, 0.95, 0.01, 0.01]);
        assert_eq!(verdict.label, Label::Safe);
        assert!(verdict.ads_allowed && !verdict.review);
        assert!((verdict.confidence - 0.97).abs() < 1e-6);
    }

    #[test]
    fn hentai_and_porn_add_up_to_nsfw() {
        let verdict = judge([0.05, 0.40, 0.10, 0.40, 0.05]);
        assert_eq!(verdict.label, Label::Nsfw);
        assert!(!verdict.ads_allowed && !verdict.review);
        assert!((verdict.confidence - 0.85).abs() < 1e-6);
    }

    #[test]
    fn a_beach_is_safe_without_ads() {
        let verdict = judge([0.0, 0.0, 0.30, 0.10, 0.60]);
        assert_eq!((verdict.label, verdict.ads_allowed), (Label::Safe, false));
    }

    #[test]
    fn only_a_very_sexy_picture_is_nsfw_by_that_class() {
        assert_eq!(judge([0.0, 0.0, 0.11, 0.0, 0.89]).label, Label::Safe);
        assert_eq!(judge([0.0, 0.0, 0.08, 0.0, 0.92]).label, Label::Nsfw);
    }

    #[test]
    fn near_a_label_threshold_a_person_looks() {
        assert!(judge([0.0, 0.0, 0.45, 0.55, 0.0]).review);
        assert!(judge([0.0, 0.0, 0.35, 0.65, 0.0]).review);
        assert!(judge([0.0, 0.0, 0.12, 0.0, 0.88]).review);
        assert!(!judge([0.0, 0.0, 0.60, 0.40, 0.0]).review);
        assert!(
            !judge([0.0, 0.0, 0.01, 0.0, 0.99]).review,
            "clear cases above a high bar"
        );
    }

    #[test]
    fn what_is_no_number_is_never_shown_freely() {
        let verdict = judge([0.0, f32::NAN, 0.0, 0.0, 0.0]);
        assert_eq!(verdict.label, Label::Nsfw);
        assert!(verdict.review && !verdict.ads_allowed);
    }

    #[test]
    fn labels_are_sent_in_lower_case() {
        assert_eq!(serde_json::to_string(&Label::Nsfw).unwrap(), "\"nsfw\"");
        assert_eq!(Label::Safe.as_str(), "safe");
    }

    proptest! {
        #[test]
        fn ads_never_stand_beside_nsfw(classes in proptest::array::uniform5(0.001_f32..1.0)) {
            let sum: f32 = classes.iter().sum();
            let scores = Scores::from_array(classes.map(|p| p / sum));
            prop_assert!(scores.is_distribution());
            let verdict = Thresholds::default().judge(&scores);
            prop_assert!(!(verdict.ads_allowed && verdict.label == Label::Nsfw));
            prop_assert!((0.0..=1.0).contains(&verdict.confidence));
        }
    }
}
