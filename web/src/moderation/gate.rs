//! What every image passes once it is scored: the hash bank, then the rules,
//! then the thresholds; and what is drawn from those that passed.

use imgshare_models::scores::Scores;
use imgshare_pipeline::Scored;
use imgshare_storage::complaints::Ruled;
use imgshare_storage::moderation::{
    BankHash, BankMatch, BankPolicy, Flag, Note, Reason, is_sampled,
};
use imgshare_storage::{Classification, Record, RuledBy, Ruling, State, StoredLabel};

use super::rules::{self, Facts, Outcome, Rule};
use crate::config::Moderation;
use crate::decision;

/// What becomes of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// Where it stands.
    pub state: State,
    /// What the classifier said; `None` before it did.
    pub classification: Option<Classification>,
    /// The label that a rule set.
    pub ruling: Option<Ruling>,
    /// Why people are to look at it.
    pub flags: Vec<Flag>,
}

impl Passed {
    /// Writes it into a record; returns why people are to look at the image.
    #[must_use]
    pub fn settle(self, record: &mut Record) -> Vec<Flag> {
        record.state = self.state;
        record.ruling = self.ruling;
        record.legal_hold |= self.flags.iter().any(Flag::is_about_evidence);
        if self.classification.is_some() {
            record.classification = self.classification;
        }
        self.flags
    }
}

/// The image is not taken in, for this reason. The flag is for one that was
/// taken in before the reason was known.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused(pub Flag);

/// What decides, at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// Thresholds.
    pub moderation: &'a Moderation,
    /// Rules in force.
    pub rules: &'a [Rule],
    /// The time, in milliseconds since 1970 UTC.
    pub now_ms: u64,
}

impl Gate<'_> {
    /// Decides about an image that the classifier has not seen yet: only the
    /// bank knows something of it.
    ///
    /// # Errors
    /// [`Refused`] when the bank says so.
    pub fn unscored(&self, known: Option<&BankMatch>) -> Result<Passed, Refused> {
        Ok(Passed {
            state: State::Pending,
            classification: None,
            ruling: None,
            flags: hash_flags(known)?,
        })
    }

    /// Decides about an image with its scores. `record` says its size, and
    /// nothing of what is decided here.
    ///
    /// # Errors
    /// [`Refused`] when the bank or a rule says so.
    pub fn scored(
        &self,
        scored: &Scored,
        record: &Record,
        known: Option<&BankMatch>,
        uploads_per_minute: u64,
        reports: u64,
    ) -> Result<Passed, Refused> {
        let (state, classification) = decision::decide(self.moderation, scored);
        let facts = Facts {
            hash_match: known.map(is_exact),
            uploads_per_minute,
            reports,
            ..facts(scored.scores, record)
        };
        let mut passed = Passed {
            state,
            classification: Some(classification),
            ruling: None,
            flags: hash_flags(known)?,
        };
        match rules::first_that_holds(self.rules, &facts) {
            Some(rule) => self.apply(rule, &mut passed)?,
            None if self.is_borderline(&scored.scores) => {
                passed.flags.push(Flag::new(Reason::ReviewBand));
            }
            None => {}
        }
        if passed.flags.iter().any(|flag| flag.hide) && passed.state == State::Public {
            passed.state = State::Review;
        }
        self.draw(&mut passed);
        Ok(passed)
    }

    /// What the rules make of a stored image with so many reports; `None` where they
    /// say nothing that they would not say without any.
    #[must_use]
    pub fn reported(
        &self,
        record: &Record,
        known: Option<&BankMatch>,
        reports: u64,
    ) -> Option<Ruled> {
        let found = record.classification.as_ref()?;
        let mut facts = Facts {
            hash_match: known.map(is_exact),
            reports,
            ..facts(Scores::from_array(found.probabilities), record)
        };
        let rule = rules::first_that_holds(self.rules, &facts)?;
        facts.reports = 0;
        let without = rules::first_that_holds(self.rules, &facts);
        if without.is_some_and(|without| without.name == rule.name) {
            return None;
        }
        let mut passed = Passed {
            state: record.state,
            classification: None,
            ruling: record.ruling,
            flags: Vec::new(),
        };
        // It is taken in already: it can only be hidden.
        if let Err(Refused(flag)) = self.apply(rule, &mut passed) {
            (passed.state, passed.flags) = (State::Blocked, vec![flag]);
        }
        Some(Ruled {
            rule: Note::new(&rule.name).unwrap_or_default(),
            state: passed.state,
            ruling: passed.ruling,
            flag: passed.flags.pop(),
        })
    }

    fn apply(&self, rule: &Rule, passed: &mut Passed) -> Result<(), Refused> {
        let by_rule = |label| {
            Some(Ruling {
                label,
                by: RuledBy::Rule,
                at_ms: self.now_ms,
            })
        };
        // A checked name is short; one that is not would have no rule either.
        let flag = Flag::new(Reason::Rule(Note::new(&rule.name).unwrap_or_default()));
        match rule.outcome {
            Outcome::Public => {
                (passed.state, passed.ruling) = (State::Public, by_rule(StoredLabel::Safe));
            }
            Outcome::Nsfw => {
                (passed.state, passed.ruling) = (State::Public, by_rule(StoredLabel::Nsfw));
            }
            Outcome::Review => {
                passed.state = State::Review;
                passed.flags.push(flag);
            }
            Outcome::Blocked => {
                passed.state = State::Blocked;
                passed.flags.push(flag);
            }
            Outcome::Refused => return Err(Refused(flag)),
        }
        Ok(())
    }

    fn is_borderline(&self, scores: &Scores) -> bool {
        self.moderation.thresholds().judge(scores).review
    }

    /// Draws some of what nobody would look at, to learn what is missed.
    fn draw(&self, passed: &mut Passed) {
        if passed.state != State::Public || !passed.flags.is_empty() {
            return;
        }
        match is_sampled(self.moderation.sample_rate.into()) {
            Ok(true) => passed.flags.push(Flag::new(Reason::Sample)),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "an image could not be drawn for the sample"),
        }
    }
}

/// A picture that looks the same may be another file.
fn is_exact(found: &BankMatch) -> bool {
    matches!(found.entry.hash, BankHash::Sha256(_))
}

/// What rules may ask of a stored image.
#[must_use]
pub fn facts(scores: Scores, record: &Record) -> Facts {
    Facts {
        scores,
        hash_match: None,
        bytes: record.bytes,
        width: record.width,
        height: record.height,
        frames: record.frames,
        uploads_per_minute: 0,
        reports: 0,
    }
}

fn hash_flags(known: Option<&BankMatch>) -> Result<Vec<Flag>, Refused> {
    let Some(found) = known else {
        return Ok(Vec::new());
    };
    match found.entry.policy {
        BankPolicy::Refuse => Err(Refused(found.entry.flag())),
        BankPolicy::Queue => Ok(vec![found.entry.flag()]),
    }
}

#[cfg(test)]
mod tests {
    use imgshare_storage::Turning;
    use imgshare_storage::contract::sample_record;
    use imgshare_storage::moderation::{BankEntry, Policy};

    use super::*;

    const BORDERLINE: [f32; 5] = [0.1, 0.3, 0.25, 0.3, 0.05];
    const SAFE: [f32; 5] = [0.0, 0.0, 1.0, 0.0, 0.0];

    fn passed(
        moderation: &Moderation,
        rules: &[Rule],
        scores: [f32; 5],
        known: Option<BankPolicy>,
    ) -> Result<Passed, Refused> {
        let gate = Gate {
            moderation,
            rules,
            now_ms: 7,
        };
        let scored = Scored {
            model: "m",
            preprocessing: "p",
            scores: Scores::from_array(scores),
        };
        let known = known.map(|policy| BankMatch {
            entry: BankEntry {
                hash: BankHash::Pdq([0; 32]),
                policy,
                against: Policy::Illegal,
                reason: Note::default(),
                added_by: String::new(),
                added_at_ms: 0,
                image: None,
            },
            distance: 9,
            turning: Turning::Mirrored,
        });
        gate.scored(&scored, &sample_record(), known.as_ref(), 1, 0)
    }

    fn rule(outcome: Outcome) -> Vec<Rule> {
        vec![Rule {
            name: "a-rule".to_owned(),
            outcome,
            when: serde_json::from_str(r#"{"width": {"at-least": 1}}"#).unwrap(),
        }]
    }

    fn without_sample() -> Moderation {
        Moderation {
            sample_rate: 0.0,
            ..Moderation::default()
        }
    }

    #[test]
    fn without_rules_the_thresholds_decide_as_ever() {
        let mut moderation = without_sample();
        let found = passed(&moderation, &[], BORDERLINE, None).unwrap();
        assert_eq!((found.state, found.ruling), (State::Public, None));
        assert_eq!(found.flags, [Flag::new(Reason::ReviewBand)]);
        assert_eq!(passed(&moderation, &[], SAFE, None).unwrap().flags, []);
        moderation.hold_review = true;
        let held = passed(&moderation, &[], BORDERLINE, None).unwrap();
        assert_eq!(held.state, State::Review);
        moderation.sample_rate = 1.0;
        let drawn = passed(&moderation, &[], SAFE, None).unwrap();
        assert_eq!(drawn.flags, [Flag::new(Reason::Sample)]);
        assert_eq!(drawn.state, State::Public);
    }

    #[test]
    fn a_rule_decides_in_place_of_the_thresholds() {
        let moderation = without_sample();
        let of = |outcome| passed(&moderation, &rule(outcome), BORDERLINE, None);
        let label = |found: &Passed| found.ruling.map(|ruling| (ruling.label, ruling.by));
        let public = of(Outcome::Public).unwrap();
        assert_eq!(label(&public), Some((StoredLabel::Safe, RuledBy::Rule)));
        assert_eq!((public.state, public.flags.len()), (State::Public, 0));
        let nsfw = of(Outcome::Nsfw).unwrap();
        assert_eq!(label(&nsfw), Some((StoredLabel::Nsfw, RuledBy::Rule)));
        for (outcome, state) in [
            (Outcome::Review, State::Review),
            (Outcome::Blocked, State::Blocked),
        ] {
            let found = of(outcome).unwrap();
            assert_eq!((found.state, found.flags.len()), (state, 1));
        }
        let name = Note::new("a-rule").unwrap();
        let refused = Err(Refused(Flag::new(Reason::Rule(name))));
        assert_eq!(of(Outcome::Refused), refused);
    }

    #[test]
    fn the_bank_stands_before_the_rules() {
        let moderation = without_sample();
        let rules = rule(Outcome::Public);
        let of = |policy| passed(&moderation, &rules, SAFE, Some(policy));
        let refused = Err(Refused(Flag::new(Reason::HashMatch).hiding()));
        assert_eq!(of(BankPolicy::Refuse), refused);
        let queued = of(BankPolicy::Queue).unwrap();
        assert_eq!(queued.state, State::Review);
        assert_eq!(queued.flags, [Flag::new(Reason::HashMatch).hiding()]);
    }
}
