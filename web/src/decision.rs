//! From class probabilities to a state, a label and what both allow.

use imgshare_models::scores::{Label, Scores, Thresholds, Verdict};
use imgshare_pipeline::Scored;
use imgshare_storage::{Classification, Record, RuledBy, Ruling, State, StoredLabel};

use crate::clock;
use crate::config::Moderation;

/// Where a freshly scored image stands, and what is stored with it.
///
/// An image in the review band is public with its label unless
/// `moderation.hold_review` is set: without somebody who releases them, held
/// images would be lost to their owners.
#[must_use]
pub fn decide(moderation: &Moderation, scored: &Scored) -> (State, Classification) {
    let thresholds = moderation.thresholds();
    let verdict = thresholds.judge(&scored.scores);
    let state = if verdict.review && moderation.hold_review {
        State::Review
    } else {
        State::Public
    };
    let classification = Classification {
        model: scored.model.to_owned(),
        preprocessing: scored.preprocessing.to_owned(),
        probabilities: scored.scores.to_array(),
        thresholds: [
            thresholds.explicit,
            thresholds.sexy,
            thresholds.ads,
            thresholds.review_band,
        ],
        label: stored_label(verdict.label),
        confidence: verdict.confidence,
        classified_at_ms: clock::now_ms(),
    };
    (state, classification)
}

/// The label as it is stored.
#[must_use]
pub fn stored_label(label: Label) -> StoredLabel {
    match label {
        Label::Safe => StoredLabel::Safe,
        Label::Nsfw => StoredLabel::Nsfw,
    }
}

/// The thresholds that were in force when an image was judged.
#[must_use]
pub fn stored_thresholds(found: &Classification) -> Thresholds {
    let [explicit, sexy, ads, review_band] = found.thresholds;
    Thresholds {
        explicit,
        sexy,
        ads,
        review_band,
    }
}

/// What the thresholds in force today say about a stored image, under the label
/// that staff or a rule set; `None` before it is classified.
#[must_use]
pub fn judge_stored(moderation: &Moderation, record: &Record) -> Option<(Scores, Verdict)> {
    let classification = record.classification.as_ref()?;
    let scores = Scores::from_array(classification.probabilities);
    let mut verdict = moderation.thresholds().judge(&scores);
    if let Some(ruling) = &record.ruling {
        overrule(&mut verdict, &scores, ruling);
    }
    Some((scores, verdict))
}

/// The label of a stored image: set by staff or a rule, else by the thresholds
/// in force today; `None` when neither can say.
#[must_use]
pub fn label_of(moderation: &Moderation, record: &Record) -> Option<Label> {
    match &record.ruling {
        Some(ruling) => Some(label(ruling)),
        None => judge_stored(moderation, record).map(|(_, verdict)| verdict.label),
    }
}

/// Who set the label of a stored image, where not the classifier did.
#[must_use]
pub fn label_set_by(record: &Record) -> Option<&'static str> {
    record.ruling.as_ref().map(|ruling| match ruling.by {
        RuledBy::Staff => "staff",
        RuledBy::Rule => "rule",
    })
}

/// How sure the classifier is of the label of a stored image; `None` before it is
/// classified, and where the label is not the classifier's: its figures would
/// contradict it.
#[must_use]
pub fn confidence_of(moderation: &Moderation, record: &Record) -> Option<f32> {
    let judged = judge_stored(moderation, record).filter(|_| record.ruling.is_none());
    judged.map(|(_, verdict)| verdict.confidence)
}

/// The confidence stays the mass on the label's side; advertising is not
/// allowed again by a label.
fn overrule(verdict: &mut Verdict, scores: &Scores, ruling: &Ruling) {
    let nsfw_mass = scores.nsfw_mass();
    verdict.label = label(ruling);
    let mass = match verdict.label {
        Label::Nsfw => nsfw_mass,
        Label::Safe => 1.0 - nsfw_mass,
    };
    verdict.confidence = if mass.is_finite() {
        mass.clamp(0.0, 1.0)
    } else {
        0.0
    };
    verdict.ads_allowed &= verdict.label == Label::Safe;
}

fn label(ruling: &Ruling) -> Label {
    match ruling.label {
        StoredLabel::Safe => Label::Safe,
        StoredLabel::Nsfw => Label::Nsfw,
    }
}

/// Whether anybody who has the id may know of the image. Bytes are served in
/// state `public` alone; an image that is still to be checked is admitted to,
/// so that its uploader can follow it; every other state answers as if there
/// were nothing.
#[must_use]
pub fn is_known_to_strangers(state: State) -> bool {
    match state {
        State::Public | State::Pending | State::ScanFailed => true,
        State::Review | State::Blocked | State::Removed => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(scores: [f32; 5]) -> Scored {
        Scored {
            model: "m",
            preprocessing: "p",
            scores: Scores::from_array(scores),
        }
    }

    #[test]
    fn the_review_band_holds_back_only_when_asked_to() {
        let borderline = scored([0.1, 0.3, 0.25, 0.3, 0.05]);
        let mut moderation = Moderation::default();
        let (state, classification) = decide(&moderation, &borderline);
        assert_eq!(
            (state, classification.label),
            (State::Public, StoredLabel::Nsfw)
        );
        moderation.hold_review = true;
        assert_eq!(decide(&moderation, &borderline).0, State::Review);
        assert_eq!(
            decide(&moderation, &scored([0.0, 0.0, 1.0, 0.0, 0.0])).0,
            State::Public
        );
    }

    #[test]
    fn a_label_that_was_set_stands() {
        let moderation = Moderation::default();
        let mut record = imgshare_storage::contract::sample_record();
        assert_eq!(label_of(&moderation, &record), Some(Label::Safe));
        record.ruling = Some(Ruling {
            label: StoredLabel::Nsfw,
            by: imgshare_storage::RuledBy::Staff,
            at_ms: 7,
        });
        let (_, verdict) = judge_stored(&moderation, &record).unwrap();
        assert_eq!((verdict.label, verdict.ads_allowed), (Label::Nsfw, false));
        record.classification = None;
        assert_eq!(label_of(&moderation, &record), Some(Label::Nsfw));
        record.ruling = None;
        assert_eq!(label_of(&moderation, &record), None);
    }

    #[test]
    fn the_thresholds_in_force_are_stored() {
        let moderation = Moderation {
            explicit_min: 0.5,
            ..Moderation::default()
        };
        let (_, classification) = decide(&moderation, &scored([0.0, 0.0, 1.0, 0.0, 0.0]));
        assert_eq!(classification.thresholds, [0.5, 0.9, 0.3, 0.1]);
    }
}
