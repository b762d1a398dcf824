//! A candidate for the thresholds: what it would have done, beside what was done.

use imgshare_models::scores::{Label, Scores, Thresholds};
use imgshare_storage::moderation::{Candidate, ShadowFigures, Standing, Standings};
use imgshare_storage::{Record, RuledBy, StoredLabel};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::decision::stored_thresholds;

/// A candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Tells it from every candidate before it.
    pub generation: u32,
    /// What it would decide by.
    pub thresholds: Thresholds,
    /// The model whose scores it is for; `None` for those of every model.
    pub model: Option<String>,
    /// Who tries it, by pseudonym.
    pub by: String,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// A candidate that is counted for.
pub(super) struct Watch(pub(super) Tried);

impl Candidate for Watch {
    fn generation(&self) -> u32 {
        self.0.generation
    }

    fn standings(&self, record: &Record) -> Option<Standings> {
        let found = record.classification.as_ref()?;
        let is_meant = self
            .0
            .model
            .as_ref()
            .is_none_or(|model| *model == found.model);
        let live = live_standing(record).filter(|_| is_meant)?;
        let scores = Scores::from_array(found.probabilities);
        Some(Standings {
            live,
            would: standing(&self.0.thresholds, &scores),
        })
    }
}

/// Where an image stands by its scores; `None` before it has any, and where a
/// rule decided: no threshold had a say then.
pub(super) fn live_standing(record: &Record) -> Option<Standing> {
    let found = record.classification.as_ref()?;
    let is_by_rule = record
        .ruling
        .is_some_and(|ruling| ruling.by == RuledBy::Rule);
    let scores = Scores::from_array(found.probabilities);
    (!is_by_rule).then(|| Standing {
        nsfw: found.label == StoredLabel::Nsfw,
        queued: stored_thresholds(found).judge(&scores).review,
    })
}

/// Where thresholds put an image with these scores.
pub(super) fn standing(thresholds: &Thresholds, scores: &Scores) -> Standing {
    let verdict = thresholds.judge(scores);
    Standing {
        nsfw: verdict.label == Label::Nsfw,
        queued: verdict.review,
    }
}

/// A candidate's figures in sums: `[in force, candidate]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Compared {
    /// Uploads since it began.
    pub n_uploads: u64,
    /// Those labelled nsfw.
    pub nsfw: [u64; 2],
    /// Those that people look at for their score.
    pub queued: [u64; 2],
    /// Uploads that it labels otherwise.
    pub n_otherwise: u64,
    /// Images decided since then, as safe or nsfw.
    pub n_decided: u64,
    /// Those whose label people agreed with.
    pub right: [u64; 2],
    /// Those labelled nsfw that people call safe.
    pub too_strict: [u64; 2],
    /// Those labelled safe that people call nsfw.
    pub missed: [u64; 2],
}

impl Compared {
    /// The sums of the counters.
    #[must_use]
    pub fn of(figures: &ShadowFigures) -> Self {
        let mut sums = Self::default();
        for (standings, count) in &figures.uploads {
            sums.n_uploads += count;
            if standings.live.nsfw != standings.would.nsfw {
                sums.n_otherwise += count;
            }
            for (idx, standing) in both(standings).into_iter().enumerate() {
                sums.nsfw[idx] += count * u64::from(standing.nsfw);
                sums.queued[idx] += count * u64::from(standing.queued);
            }
        }
        for ((standings, judged), count) in &figures.decided {
            let Some(is_nsfw) = judged.is_nsfw() else {
                continue;
            };
            sums.n_decided += count;
            for (idx, standing) in both(standings).into_iter().enumerate() {
                let sum = match (standing.nsfw, is_nsfw) {
                    (true, false) => &mut sums.too_strict[idx],
                    (false, true) => &mut sums.missed[idx],
                    _ => &mut sums.right[idx],
                };
                *sum += count;
            }
        }
        sums
    }
}

fn both(standings: &Standings) -> [Standing; 2] {
    [standings.live, standings.would]
}

/// The counters as the audit and the API tell of them.
#[must_use]
pub fn told_of(figures: &ShadowFigures) -> Value {
    let uploads = figures.uploads.iter().map(|(standings, count)| {
        json!({"live": standings.live, "would": standings.would, "n_images": count})
    });
    let decided = figures.decided.iter().map(|((standings, judged), count)| {
        json!({"live": standings.live, "would": standings.would, "decided": judged, "n_images": count})
    });
    json!({
        "uploads": uploads.collect::<Vec<_>>(),
        "decided": decided.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use imgshare_storage::Ruling;
    use imgshare_storage::contract::sample_record;
    use imgshare_storage::moderation::Judged;

    use super::*;

    fn watch(model: Option<&str>) -> Watch {
        Watch(Tried {
            generation: 1,
            thresholds: Thresholds {
                explicit: 0.2,
                ..Thresholds::default()
            },
            model: model.map(str::to_owned),
            by: String::new(),
            since_ms: 0,
        })
    }

    /// Explicit mass 0.15: safe at 0.6, near 0.2.
    #[test]
    fn what_was_done_is_held_against_what_would_have_been() {
        let mut record = sample_record();
        let standings = watch(None).standings(&record).unwrap();
        let expected = |nsfw, queued| Standing { nsfw, queued };
        assert_eq!(standings.live, expected(false, false));
        assert_eq!(standings.would, expected(false, true));
        record.classification.as_mut().unwrap().probabilities = [0.0, 0.1, 0.4, 0.4, 0.1];
        let standings = watch(Some("mobilenet_v2")).standings(&record).unwrap();
        assert_eq!(standings.would, expected(true, false));
        assert_eq!(watch(Some("other")).standings(&record), None);
        record.ruling = Some(Ruling {
            label: StoredLabel::Safe,
            by: RuledBy::Rule,
            at_ms: 0,
        });
        assert_eq!(watch(None).standings(&record), None);
    }

    #[test]
    fn counters_are_summed_for_both() {
        let standings = |live, would| Standings {
            live: Standing {
                nsfw: live,
                queued: false,
            },
            would: Standing {
                nsfw: would,
                queued: true,
            },
        };
        let mut figures = ShadowFigures::default();
        figures.uploads.insert(standings(false, true), 3);
        figures.uploads.insert(standings(true, true), 2);
        figures
            .decided
            .insert((standings(false, true), Judged::Nsfw), 2);
        figures
            .decided
            .insert((standings(false, true), Judged::Safe), 1);
        figures
            .decided
            .insert((standings(true, true), Judged::Escalated), 9);
        let sums = Compared::of(&figures);
        assert_eq!((sums.n_uploads, sums.n_otherwise), (5, 3));
        assert_eq!((sums.nsfw, sums.queued), ([2, 5], [0, 5]));
        assert_eq!((sums.n_decided, sums.right), (3, [1, 2]));
        assert_eq!((sums.too_strict, sums.missed), ([0, 1], [2, 0]));
    }
}
