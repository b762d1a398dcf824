//! What the counters say of thresholds, with how sure that is.
//!
//! What was queued was queued for its score or for what was said of it, so it
//! tells nothing about the rest; of what passed, one in so many was drawn at
//! random and stands for as many (Horvitz and Thompson's estimator). Intervals
//! are Wilson's at 95 %, over the number of images that the weights are worth
//! (Kish's effective size).

use imgshare_models::scores::{Label, Scores, Thresholds};
use imgshare_storage::moderation::{
    Cell, Figures, Judged, OpinionFigures, SCORE_STEPS, Seen, Source,
};
use serde::Serialize;

/// The normal distribution's two-sided 95 %.
const Z: f64 = 1.96;

/// A share with its interval; `None` when nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Share {
    /// The best guess, 0..=1.
    pub(super) value: f64,
    /// The interval's lower end.
    pub(super) low: f64,
    /// The interval's upper end.
    pub(super) high: f64,
    /// Images that were looked at for it.
    pub(super) n_images: u64,
}

impl Share {
    /// The share that `part` is of `whole`, each image counting once.
    pub(super) fn of_counts(part: u64, whole: u64) -> Option<Self> {
        let mut sum = Sum::default();
        sum.add(part, 1.0, true);
        sum.add(whole.saturating_sub(part), 1.0, false);
        sum.share()
    }

    /// For people.
    pub(super) fn percent(&self) -> String {
        format!(
            "{:.0} % ({:.0} to {:.0})",
            self.value * 100.0,
            self.low * 100.0,
            self.high * 100.0
        )
    }
}

/// Images with weights, and those among them that are meant.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    meant: f64,
    all: f64,
    squares: f64,
    n_images: u64,
}

impl Sum {
    fn add(&mut self, count: u64, weight: f64, is_meant: bool) {
        let images = count as f64;
        if is_meant {
            self.meant += images * weight;
        }
        self.all += images * weight;
        self.squares += images * weight * weight;
        self.n_images += count;
    }

    fn share(&self) -> Option<Share> {
        if self.all <= 0.0 {
            return None;
        }
        let value = self.meant / self.all;
        let n = self.all * self.all / self.squares;
        let (low, high) = wilson(value, n);
        Some(Share {
            value,
            low,
            high,
            n_images: self.n_images,
        })
    }
}

/// Wilson's score interval of a share seen in `n` images.
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z / n;
    let middle = share + z2 / 2.0;
    let reach = Z * (share * (1.0 - share) / n + z2 / (4.0 * n)).sqrt();
    let end = |at: f64| (at / (1.0 + z2)).clamp(0.0, 1.0);
    (end(middle - reach), end(middle + reach))
}

/// What would be with these thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct WhatIf {
    /// P(hentai) + P(porn) from which an image is nsfw.
    pub(super) explicit: f32,
    /// P(sexy) from which it is.
    pub(super) sexy: f32,
    /// How near a threshold people look.
    pub(super) review_band: f32,
    /// Images that the counters stand for.
    pub(super) n_images: f64,
    /// Those of them that would lie in the queue for their score.
    pub(super) n_queued: f64,
    /// Share of what is labelled nsfw that people call so.
    pub(super) precision: Option<Share>,
    /// Share of what people call nsfw that is labelled so.
    pub(super) recall: Option<Share>,
}

/// How well images are labelled, by what people decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quality {
    /// Share of what is labelled nsfw that people call so.
    pub(super) precision: Option<Share>,
    /// Share of what people call nsfw that is labelled so.
    pub(super) recall: Option<Share>,
}

/// How well the images that a candidate model looked at are labelled, by whoever
/// `is_labelled` asks.
pub(super) fn quality(
    figures: &OpinionFigures,
    sample_weight: f64,
    is_labelled: impl Fn(&Seen) -> bool,
) -> Quality {
    let (mut precision, mut recall) = (Sum::default(), Sum::default());
    for ((seen, source, judged), &count) in &figures.decided {
        let Some(is_nsfw) = judged.is_nsfw() else {
            continue;
        };
        let weight = weight(*source, sample_weight);
        let is_labelled = is_labelled(seen);
        if is_labelled {
            precision.add(count, weight, is_nsfw);
        }
        if is_nsfw {
            recall.add(count, weight, is_labelled);
        }
    }
    Quality {
        precision: precision.share(),
        recall: recall.share(),
    }
}

/// Whether these thresholds would label an image nsfw by a candidate's scores.
pub(super) fn would_label(thresholds: &Thresholds, seen: &Seen) -> bool {
    thresholds.judge(&middle(seen.explicit, seen.sexy)).label == Label::Nsfw
}

/// Counters of one model.
pub(super) struct Evidence<'a> {
    pub(super) figures: &'a Figures,
    pub(super) model: &'a str,
    /// How many images one that was drawn stands for.
    pub(super) sample_weight: f64,
}

impl Evidence<'_> {
    pub(super) fn what_if(&self, thresholds: &Thresholds) -> WhatIf {
        let (mut precision, mut recall) = (Sum::default(), Sum::default());
        let (mut n_images, mut n_queued) = (0.0, 0.0);
        for ((cell, source, judged), &count) in self.cells() {
            let weight = weight(*source, self.sample_weight);
            let verdict = thresholds.judge(&middle(cell.explicit, cell.sexy));
            n_images += count as f64 * weight;
            if verdict.review {
                n_queued += count as f64 * weight;
            }
            let Some(is_nsfw) = judged.is_nsfw() else {
                continue;
            };
            let is_labelled = verdict.label == Label::Nsfw;
            if is_labelled {
                precision.add(count, weight, is_nsfw);
            }
            if is_nsfw {
                recall.add(count, weight, is_labelled);
            }
        }
        WhatIf {
            explicit: thresholds.explicit,
            sexy: thresholds.sexy,
            review_band: thresholds.review_band,
            n_images,
            n_queued,
            precision: precision.share(),
            recall: recall.share(),
        }
    }

    /// As [`Self::what_if`] for every threshold of the explicit mass.
    pub(super) fn curve(&self, thresholds: &Thresholds) -> Vec<WhatIf> {
        (1..SCORE_STEPS)
            .map(|step| {
                self.what_if(&Thresholds {
                    explicit: f32::from(step) / f32::from(SCORE_STEPS),
                    ..*thresholds
                })
            })
            .collect()
    }

    /// Decided images, by how they came and what became of them.
    pub(super) fn count(&self, source: Source, judged: Judged) -> u64 {
        let of_both = self
            .cells()
            .filter(|((_, other, decided), _)| *other == source && *decided == judged);
        of_both.map(|(_, count)| count).sum()
    }

    fn cells(&self) -> impl Iterator<Item = (&(Cell, Source, Judged), &u64)> {
        let model = self.model;
        let decided = self.figures.decided.iter();
        decided.filter(move |((cell, ..), _)| cell.model == model)
    }
}

fn weight(source: Source, sample_weight: f64) -> f64 {
    match source {
        Source::Queued => 1.0,
        Source::Sampled => sample_weight,
    }
}

/// Scores in the middle of their steps.
fn middle(explicit: u8, sexy: u8) -> Scores {
    let score = |step: u8| (f32::from(step) + 0.5) / f32::from(SCORE_STEPS);
    Scores::from_array([0.0, 0.0, 0.0, score(explicit), score(sexy)])
}

#[cfg(test)]
mod tests {
    use imgshare_storage::moderation::{Standing, Standings};

    use super::*;

    fn figures(counts: &[(u8, Source, Judged, u64)]) -> Figures {
        let mut figures = Figures::default();
        for (explicit, source, judged, count) in counts {
            let cell = Cell {
                model: "m".to_owned(),
                explicit: *explicit,
                sexy: 0,
            };
            figures.decided.insert((cell, *source, *judged), *count);
        }
        figures
    }

    fn what_if(figures: &Figures, sample_weight: f64, explicit: f32) -> WhatIf {
        let evidence = Evidence {
            figures,
            model: "m",
            sample_weight,
        };
        evidence.what_if(&Thresholds {
            explicit,
            ..Thresholds::default()
        })
    }

    #[test]
    fn an_interval_is_wilsons() {
        // Newcombe 1998, table I: 81 of 263, and 0 of 20.
        let share = Share::of_counts(81, 263).unwrap();
        assert!((share.low - 0.2553).abs() < 1e-4 && (share.high - 0.3662).abs() < 1e-4);
        let none = Share::of_counts(0, 20).unwrap();
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 1e-4);
        assert_eq!(Share::of_counts(0, 0), None);
    }

    #[test]
    fn thresholds_divide_what_was_decided() {
        let known = figures(&[
            (20, Source::Queued, Judged::Nsfw, 1),
            (20, Source::Queued, Judged::Safe, 5),
            (32, Source::Queued, Judged::Nsfw, 6),
            (32, Source::Queued, Judged::Safe, 2),
            (45, Source::Queued, Judged::RemovedAsSexual, 3),
            (45, Source::Queued, Judged::RemovedOtherwise, 9),
        ]);
        let at = what_if(&known, 1.0, 0.60);
        assert_eq!(at.precision.unwrap().value, 9.0 / 11.0);
        assert_eq!(at.recall.unwrap().value, 0.9);
        assert_eq!((at.n_images, at.n_queued), (26.0, 8.0));
        let higher = what_if(&known, 1.0, 0.80);
        assert_eq!(higher.precision.unwrap().value, 1.0);
        assert_eq!(higher.recall.unwrap().value, 0.3);
    }

    #[test]
    fn what_was_drawn_stands_for_what_was_not() {
        let known = figures(&[
            (30, Source::Queued, Judged::Nsfw, 50),
            (2, Source::Sampled, Judged::Nsfw, 1),
            (2, Source::Sampled, Judged::Safe, 99),
        ]);
        let at = what_if(&known, 50.0, 0.60);
        let recall = at.recall.unwrap();
        assert_eq!((recall.value, recall.n_images), (0.5, 51));
        // One image that was missed is worth little: the interval says so.
        assert!(recall.low < 0.2 && recall.high > 0.8, "{recall:?}");
        assert_eq!(at.n_images, 5_050.0);
    }

    #[test]
    fn a_candidate_is_measured_on_what_it_looked_at() {
        let mut figures = OpinionFigures::default();
        let mut decide = |live, explicit: f32, source, judged, count| {
            let at = |nsfw| Standing {
                nsfw,
                queued: false,
            };
            let standings = Standings {
                live: at(live),
                would: at(explicit >= 0.6),
            };
            let seen = Seen::new(standings, [0.0, explicit, 0.0, 0.0, 0.0]);
            figures.decided.insert((seen, source, judged), count);
        };
        decide(true, 0.9, Source::Queued, Judged::Nsfw, 6);
        decide(true, 0.5, Source::Queued, Judged::Safe, 2);
        decide(false, 0.7, Source::Sampled, Judged::Nsfw, 1);
        decide(false, 0.7, Source::Queued, Judged::Escalated, 9);
        let acting = quality(&figures, 4.0, |seen| seen.standings.live.nsfw);
        assert_eq!(acting.precision.unwrap().value, 0.75);
        assert_eq!(acting.recall.unwrap().value, 0.6);
        let candidate = quality(&figures, 4.0, |seen| seen.standings.would.nsfw);
        assert_eq!(candidate.precision.unwrap().value, 1.0);
        assert_eq!(candidate.recall.unwrap().n_images, 7);
        let stricter = Thresholds {
            explicit: 0.8,
            ..Thresholds::default()
        };
        let tried = quality(&figures, 4.0, |seen| would_label(&stricter, seen));
        assert_eq!(tried.recall.unwrap().value, 0.6);
        let nothing = quality(&OpinionFigures::default(), 4.0, |_| true);
        assert_eq!((nothing.precision, nothing.recall), (None, None));
    }

    #[test]
    fn another_models_scores_count_for_nothing() {
        let known = figures(&[(30, Source::Queued, Judged::Nsfw, 5)]);
        let evidence = Evidence {
            figures: &known,
            model: "other",
            sample_weight: 1.0,
        };
        let at = evidence.what_if(&Thresholds::default());
        assert_eq!((at.precision, at.recall, at.n_images), (None, None, 0.0));
        assert_eq!(evidence.curve(&Thresholds::default()).len(), 49);
    }
}
