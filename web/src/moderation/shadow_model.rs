//! A candidate model: it looks at a share of the uploads once they are answered,
//! decides nothing, and is counted beside the model that acts.
//!
//! Its scores are kept with no image. Counters have them in steps, without an
//! id; the job of an image that waits for people has them too, until they have
//! decided: see [`Opinion`].

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use imgshare_models::scores::{Scores, Thresholds};
use imgshare_pipeline::{Scored, Shadow, ShadowInput, ShadowState};
use imgshare_storage::audit::{self, Action, Actor, Subject};
use imgshare_storage::moderation::{
    Opinion, OpinionFigures, Queue, Seen, Standing, Standings, forget_opinions, opinion_figures,
};
use imgshare_storage::{Keyspace, Record, Space, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shadow::{live_standing, standing};
use super::thresholds::{encode, read};
use crate::app::App;
use crate::config::{Models, NO_MODEL};

/// A candidate model, from its first upload on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Tells it from every one before it.
    pub generation: u32,
    /// The candidate.
    pub model: String,
    /// The models that act, the one that sees everything first.
    pub beside: Vec<String>,
    /// Since when, in milliseconds since 1970 UTC.
    pub since_ms: u64,
}

/// The run as it is stored, with the number of the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    generation: u32,
    run: Option<Run>,
}

/// The candidate model of a running service, if it has one.
#[derive(Default)]
pub struct ShadowModel(OnceLock<Looking>);

struct Looking {
    run: Run,
    shadow: Result<Shadow, String>,
}

impl ShadowModel {
    /// Lets a candidate look on. `shadow` is why it cannot, where it cannot.
    pub fn begin(&self, run: Run, shadow: Result<Shadow, String>) {
        if self.0.set(Looking { run, shadow }).is_err() {
            tracing::error!("there is a candidate model already; the second one does nothing");
        }
    }

    /// Has the candidate look at an upload that is answered, if it was drawn.
    /// Where a rule decided, no score had a say.
    pub fn offer(&self, app: &App, input: Option<ShadowInput>, record: &Record) {
        let (Some(input), Some(looking)) = (input, self.0.get()) else {
            return;
        };
        let (Ok(shadow), Some(live)) = (&looking.shadow, live_standing(record)) else {
            return;
        };
        let (queue, image) = (Arc::clone(&app.queue), record.id);
        let thresholds = app.thresholds.moderation().thresholds();
        let generation = looking.run.generation;
        let tell = move |scored: &Scored| {
            let opinion = opinion(generation, live, &thresholds, &scored.scores);
            if let Err(error) = queue.count_opinion(&image, opinion) {
                tracing::warn!(%error, "a decision will not be counted for the candidate model");
            }
        };
        shadow.offer(input, Box::new(tell));
    }

    /// How it is doing; `None` without one.
    pub fn state(&self) -> Option<ShadowState> {
        let looking = self.0.get()?;
        Some(match &looking.shadow {
            Ok(shadow) => shadow.state(),
            Err(reason) => ShadowState::Failed {
                reason: reason.clone(),
            },
        })
    }

    /// Ends it. True when it had nothing to do any more within `timeout`.
    pub fn stop(&self, timeout: Duration) -> bool {
        match self.0.get().map(|looking| &looking.shadow) {
            Some(Ok(shadow)) => shadow.stop(timeout),
            _ => true,
        }
    }
}

fn opinion(generation: u32, live: Standing, thresholds: &Thresholds, scores: &Scores) -> Opinion {
    let standings = Standings {
        live,
        would: standing(thresholds, scores),
    };
    Opinion {
        generation,
        seen: Seen::new(standings, scores.to_array()),
    }
}

/// Settles which candidate is counted for, by the settings: for the start. What
/// was counted for another one, or beside other models, goes into the audit in
/// sums, and then nowhere else.
///
/// # Errors
/// When it cannot be read or written.
pub fn settle(queue: &Queue, models: &Models, now_ms: u64) -> Result<Option<Run>, StorageError> {
    let keys = &**queue.store();
    let acting = [&models.default, &models.cascade].map(String::as_str);
    let acting = acting.into_iter().filter(|id| *id != NO_MODEL);
    let beside: Vec<String> = acting.map(str::to_owned).collect();
    let wanted = models.shadow_spec().map(|spec| (spec.id, &beside));
    let run = audit::commit(keys, |changes| {
        let (shelf, stored) = shelf(keys)?;
        let known = shelf
            .run
            .as_ref()
            .map(|run| (run.model.as_str(), &run.beside));
        if known == wanted {
            return Ok(shelf.run);
        }
        let generation = shelf.generation.saturating_add(1);
        let run = wanted.map(|(model, beside)| Run {
            generation,
            model: model.to_owned(),
            beside: beside.clone(),
            since_ms: now_ms,
        });
        let before = match &shelf.run {
            Some(ended) => {
                let figures = opinion_figures(keys, ended.generation)?;
                json!({"run": ended, "figures": Compared::of(&figures)})
            }
            None => Value::Null,
        };
        let action = match (&shelf.run, &run) {
            (None, _) => "shadow-model-begun",
            (Some(_), Some(_)) => "shadow-model-changed",
            (Some(_), None) => "shadow-model-ended",
        };
        let entry = audit::Entry::new(now_ms, Actor::System, Action::new(action))
            .about(Subject::named("setting", "shadow-model"))
            .changed(before, json!(run));
        audit::append(keys, changes, entry)?;
        let next = Shelf {
            generation,
            run: run.clone(),
        };
        changes.expect(shelf_key(), stored);
        changes.put(shelf_key(), encode(&next));
        Ok::<_, StorageError>(run)
    })?;
    let generation = run.as_ref().map(|run| run.generation);
    forget_opinions(keys, generation)?;
    queue.count_opinions_of(generation);
    Ok(run)
}

/// The candidate model that is counted for, with its counters.
///
/// # Errors
/// When they cannot be read.
pub fn counted(keys: &dyn Keyspace) -> Result<Option<(Run, OpinionFigures)>, StorageError> {
    let Some(run) = shelf(keys)?.0.run else {
        return Ok(None);
    };
    let figures = opinion_figures(keys, run.generation)?;
    Ok(Some((run, figures)))
}

fn shelf(keys: &dyn Keyspace) -> Result<(Shelf, Option<Vec<u8>>), StorageError> {
    Ok(match read(keys, &shelf_key())? {
        Some((shelf, stored)) => (shelf, Some(stored)),
        None => (Shelf::default(), None),
    })
}

fn shelf_key() -> Vec<u8> {
    Space::Settings.key(&[b"shadow-model"])
}

/// Images that the candidate would have put elsewhere, or where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Where the acting model put them.
    pub from: Standing,
    /// Where the candidate would.
    pub to: Standing,
    /// How many.
    pub n_images: u64,
}

/// The counters in sums.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Uploads that both looked at.
    pub n_compared: u64,
    /// Those of them to which both give the same label.
    pub n_same_label: u64,
    /// What would have changed, the most frequent first.
    pub moves: Vec<Move>,
    /// Images that people decided as safe or nsfw.
    pub n_decided: u64,
    /// Those whose label people agreed with: acting, candidate.
    pub n_right: [u64; 2],
}

impl Compared {
    /// The sums of a candidate's counters.
    #[must_use]
    pub fn of(figures: &OpinionFigures) -> Self {
        let mut sums = Self::default();
        let mut moves = BTreeMap::<Standings, u64>::new();
        for (seen, count) in &figures.uploads {
            let Standings { live, would } = seen.standings;
            sums.n_compared += count;
            sums.n_same_label += count * u64::from(live.nsfw == would.nsfw);
            if live != would {
                *moves.entry(seen.standings).or_default() += count;
            }
        }
        sums.moves = moves
            .into_iter()
            .map(|(Standings { live, would }, n_images)| Move {
                from: live,
                to: would,
                n_images,
            })
            .collect();
        sums.moves
            .sort_by_key(|change| std::cmp::Reverse(change.n_images));
        for ((seen, _, judged), count) in &figures.decided {
            let Some(is_nsfw) = judged.is_nsfw() else {
                continue;
            };
            let Standings { live, would } = seen.standings;
            sums.n_decided += count;
            for (n_right, standing) in sums.n_right.iter_mut().zip([live, would]) {
                *n_right += count * u64::from(standing.nsfw == is_nsfw);
            }
        }
        sums
    }
}

/// A standing in words.
#[must_use]
pub fn words(standing: Standing) -> &'static str {
    match (standing.nsfw, standing.queued) {
        (false, false) => "safe",
        (false, true) => "safe, to be checked",
        (true, false) => "nsfw",
        (true, true) => "nsfw, to be checked",
    }
}

/// How a candidate is doing, in words.
#[must_use]
pub fn state_words(state: Option<&ShadowState>) -> String {
    match state {
        None => "it is switched on with the next start".to_owned(),
        Some(ShadowState::Starting) => "it is being loaded".to_owned(),
        Some(ShadowState::Running { device }) => format!("it runs on {device}"),
        Some(ShadowState::Failed { reason }) => format!("it does not run: {reason}"),
        Some(ShadowState::Stopped) => "it has stopped".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use imgshare_storage::moderation::{Bank, Judged, QueueSettings, Source};
    use imgshare_storage::{ImageId, Store};

    use super::*;

    fn queue() -> Queue {
        let store = Arc::new(Store::memory());
        let bank = Arc::new(Bank::new(Arc::clone(&store)));
        Queue::new(store, bank, QueueSettings::default())
    }

    fn models(shadow: &str) -> Models {
        Models {
            shadow: shadow.to_owned(),
            ..Models::default()
        }
    }

    const SAFE: Standing = Standing {
        nsfw: false,
        queued: false,
    };

    fn seen(explicit: f32) -> Seen {
        let scores = Scores::from_array([0.0, explicit, 1.0 - explicit, 0.0, 0.0]);
        opinion(1, SAFE, &Thresholds::default(), &scores).seen
    }

    #[test]
    fn a_candidate_is_judged_by_the_thresholds_of_the_others() {
        let would = |explicit| words(seen(explicit).standings.would);
        assert_eq!(would(0.1), "safe");
        assert_eq!(would(0.55), "safe, to be checked");
        assert_eq!(would(0.65), "nsfw, to be checked");
        assert_eq!(would(0.9), "nsfw");
    }

    #[test]
    fn what_would_have_changed_is_told_the_most_frequent_first() {
        let mut figures = OpinionFigures::default();
        figures.uploads.insert(seen(0.1), 5);
        figures.uploads.insert(seen(0.55), 1);
        figures.uploads.insert(seen(0.9), 2);
        figures.uploads.insert(seen(0.95), 1);
        let mut decide = |explicit, judged, count| {
            let decided = (seen(explicit), Source::Queued, judged);
            figures.decided.insert(decided, count);
        };
        decide(0.9, Judged::Nsfw, 2);
        decide(0.95, Judged::Safe, 1);
        decide(0.9, Judged::Escalated, 7);
        let sums = Compared::of(&figures);
        assert_eq!((sums.n_compared, sums.n_same_label), (9, 6));
        let told = sums.moves.iter().map(|to| (words(to.to), to.n_images));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [("nsfw", 3), ("safe, to be checked", 1)]
        );
        assert_eq!((sums.n_decided, sums.n_right), (3, [1, 2]));
    }

    #[test]
    fn another_candidate_begins_anew_and_the_audit_keeps_the_sums() {
        let queue = queue();
        let keys = &**queue.store();
        let settled = |shadow, now_ms| settle(&queue, &models(shadow), now_ms).unwrap();
        assert_eq!(settled("off", 1), None);
        let first = settled("mobilenet_v2_mid", 2).unwrap();
        let expected = Run {
            generation: 1,
            model: "mobilenet_v2_mid".to_owned(),
            beside: vec!["mobilenet_v2".to_owned()],
            since_ms: 2,
        };
        assert_eq!(first, expected);
        let said = Opinion {
            generation: 1,
            seen: seen(0.9),
        };
        let image = ImageId::random().unwrap();
        queue.count_opinion(&image, said).unwrap();
        queue.merge_uploads().unwrap();
        // A restart goes on where it was.
        assert_eq!(settled("mobilenet_v2_mid", 3), Some(first.clone()));
        let (run, figures) = counted(keys).unwrap().unwrap();
        assert_eq!((run, Compared::of(&figures).n_compared), (first, 1));

        let second = settled("inception_v3", 4).unwrap();
        assert_eq!((second.generation, second.since_ms), (2, 4));
        assert_eq!(counted(keys).unwrap().unwrap().1, OpinionFigures::default());
        queue.count_opinion(&image, said).unwrap();
        queue.merge_uploads().unwrap();
        assert_eq!(opinion_figures(keys, 1).unwrap(), OpinionFigures::default());
        assert_eq!(settled("off", 5), None);
        assert_eq!(counted(keys).unwrap(), None);

        let told = audit::entries_after(keys, 0, 10).unwrap();
        let actions: Vec<_> = told.iter().map(|told| told.entry.action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "shadow-model-begun",
                "shadow-model-changed",
                "shadow-model-ended"
            ]
        );
        assert_eq!(told[1].entry.before["figures"]["n_compared"], 1);
        assert_eq!(told[1].entry.after["model"], "inception_v3");
    }
}
