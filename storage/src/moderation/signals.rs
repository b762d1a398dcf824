//! What is known of how bad and how urgent an image may be.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Record, Views};

const MS_PER_HOUR: f32 = 3_600_000.0;

/// Distance to a threshold at which a score is no longer uncertain.
const CERTAIN_FROM: f32 = 0.5;

/// The measurable part of a job, kept so that its priority can be explained.
/// Scores are those of the classifier, 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signals {
    /// P(hentai) + P(porn), 0..=1.
    #[serde(deserialize_with = "finite")]
    pub explicit: f32,
    /// P(sexy), 0..=1.
    #[serde(deserialize_with = "finite")]
    pub sexy: f32,
    /// How near a score lies to its threshold: 1 at it, 0 half the scale away.
    #[serde(deserialize_with = "finite")]
    pub uncertainty: f32,
    /// Sum of the reports' weights; one of an unknown reporter is 1.
    #[serde(deserialize_with = "finite")]
    pub report_weight: f32,
    /// Views an hour since the upload.
    #[serde(deserialize_with = "finite")]
    pub views_per_hour: f32,
    /// The hash bank knows it.
    pub hash_match: bool,
}

impl Signals {
    /// What record and views say; reports and hash matches are added by flags.
    #[must_use]
    pub fn of(record: &Record, views: &Views, now_ms: u64) -> Self {
        let mut signals = Self {
            views_per_hour: views_per_hour(record, views, now_ms),
            ..Self::default()
        };
        let Some(found) = &record.classification else {
            return signals;
        };
        let [_, hentai, _, porn, sexy] = found.probabilities;
        let [explicit_min, sexy_min, ..] = found.thresholds;
        let explicit = hentai + porn;
        // Scores that are no numbers are the worst that can be, and nobody
        // knows anything about them.
        (signals.explicit, signals.sexy) = (share(explicit), share(sexy));
        let distance = (explicit - explicit_min).abs().min((sexy - sexy_min).abs());
        signals.uncertainty = share(1.0 - distance / CERTAIN_FROM);
        signals
    }

    /// The score that filters go by: the larger of both masses, 0..=1.
    #[must_use]
    pub fn score(&self) -> f32 {
        self.explicit.max(self.sexy)
    }
}

fn views_per_hour(record: &Record, views: &Views, now_ms: u64) -> f32 {
    let age_ms = now_ms.saturating_sub(record.uploaded_at_ms);
    // Estimates: f32 has enough digits. The first hour counts whole.
    let hours = (age_ms as f32 / MS_PER_HOUR).max(1.0);
    views.total as f32 / hours
}

/// A share between 0 and 1; what is no number is 1.
fn share(share: f32) -> f32 {
    if share.is_nan() {
        return 1.0;
    }
    share.clamp(0.0, 1.0)
}

/// JSON writes null for what is no finite number.
fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    let number = Option::<f32>::deserialize(deserializer)?;
    Ok(number.filter(|number| number.is_finite()).unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::sample_record_at;

    fn scored(probabilities: [f32; 5]) -> Record {
        let mut record = sample_record_at(0);
        record.classification.as_mut().unwrap().probabilities = probabilities;
        record
    }

    #[test]
    fn a_score_at_its_threshold_is_most_uncertain() {
        let signals = |probabilities| Signals::of(&scored(probabilities), &Views::default(), 0);
        let at = signals([0.1, 0.3, 0.3, 0.3, 0.0]);
        assert!((at.explicit - 0.6).abs() < 1e-6 && at.uncertainty > 0.999);
        let clear = signals([0.5, 0.0, 0.5, 0.0, 0.0]);
        assert_eq!((clear.uncertainty, clear.score()), (0.0, 0.0));
        let unknown = signals([f32::NAN; 5]);
        assert_eq!((unknown.explicit, unknown.uncertainty), (1.0, 1.0));
    }

    #[test]
    fn views_count_by_the_hour() {
        let views = Views {
            total: 60,
            last_day: Some(0),
        };
        let per_hour = |now_ms| Signals::of(&scored([0.2; 5]), &views, now_ms).views_per_hour;
        assert_eq!(per_hour(0), 60.0);
        assert_eq!(per_hour(10 * 3_600_000), 6.0);
    }

    #[test]
    fn without_a_score_nothing_is_claimed() {
        let mut record = scored([0.2; 5]);
        record.classification = None;
        let signals = Signals::of(&record, &Views::default(), 0);
        assert_eq!(signals, Signals::default());
    }
}
