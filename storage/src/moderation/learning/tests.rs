use super::*;
use crate::moderation::tests::{claim_of, moderator, queue, queued_image};
use crate::moderation::{Flag, Lane, Moderator, Note, Query, Queue, Reason};
use crate::staff::Role;

const NOW: u64 = 1_750_000_060_000;

fn decide(queue: &Queue, who: &Moderator, record: &Record, verdict: &Verdict, at_ms: u64) -> Job {
    let image = &record.id;
    let job = queue.claim(who, &Lane::ALL, image, at_ms).unwrap();
    let claim = claim_of(&job);
    queue.decide(who, &claim, verdict, at_ms + 5_000).unwrap()
}

fn removal(policy: Policy) -> Verdict {
    Verdict::Remove {
        policy,
        reason: Note::default(),
        bank: None,
    }
}

/// Decided images by source and decision.
fn by_decision(figures: &Figures) -> BTreeMap<(Source, Judged), u64> {
    let mut sums = BTreeMap::new();
    for ((_, source, judged), count) in &figures.decided {
        *sums.entry((*source, *judged)).or_default() += count;
    }
    sums
}

#[test]
fn a_decision_is_counted_with_its_scores_and_an_undo_takes_it_back() {
    let queue = queue();
    let who = moderator();
    let record = queued_image(&queue, 0.7);
    let job = decide(&queue, &who, &record, &Verdict::Nsfw, NOW);
    let figures = queue.figures().unwrap();
    let found = record.classification.as_ref().unwrap();
    let cell = Cell {
        model: found.model.clone(),
        explicit: 35,
        sexy: 0,
    };
    let expected = BTreeMap::from([((cell, Source::Queued, Judged::Nsfw), 1)]);
    assert_eq!(figures.decided, expected);
    assert_eq!(figures.held, BTreeMap::from([(12, 1)]));
    assert_eq!(figures.waited, BTreeMap::from([(12, 1)]));
    queue.undo(&who, &record.id, job.version, NOW).unwrap();
    assert_eq!(queue.figures().unwrap(), Figures::default());
}

#[test]
fn no_counter_tells_an_image() {
    let queue = queue();
    let record = queued_image(&queue, 0.7);
    decide(&queue, &moderator(), &record, &Verdict::Safe, NOW);
    let entries = queue.store().range(&Space::Learning.all(), 100).unwrap();
    assert!(!entries.is_empty());
    for entry in entries {
        let id = record.id.as_bytes();
        for bytes in [&entry.key, &entry.value] {
            assert!(!bytes.windows(id.len()).any(|window| window == id));
        }
    }
}

#[test]
fn what_was_drawn_is_told_from_what_was_queued() {
    let queue = queue();
    let who = moderator();
    let records: Vec<Record> = (0..3).map(|_| queued_image(&queue, 0.2)).collect();
    let sample = Flag::new(Reason::Sample);
    queue.flag(&records[0].id, &sample, NOW).unwrap();
    decide(&queue, &who, &records[0], &Verdict::Safe, NOW);
    decide(&queue, &who, &records[1], &removal(Policy::Spam), NOW);
    let sexual = removal(Policy::IntimateImage);
    decide(&queue, &who, &records[2], &sexual, NOW);
    let expected = BTreeMap::from([
        ((Source::Queued, Judged::RemovedAsSexual), 1),
        ((Source::Queued, Judged::RemovedOtherwise), 1),
        ((Source::Sampled, Judged::Safe), 1),
    ]);
    assert_eq!(by_decision(&queue.figures().unwrap()), expected);
}

#[test]
fn an_image_that_is_decided_again_counts_once_and_as_a_pair() {
    let queue = queue();
    let (first, second) = (moderator(), moderator());
    let record = queued_image(&queue, 0.7);
    let sample = Flag::new(Reason::Sample);
    queue.flag(&record.id, &sample, NOW).unwrap();
    decide(&queue, &first, &record, &Verdict::Nsfw, NOW);
    let appeal = Flag::new(Reason::Appeal);
    queue.flag(&record.id, &appeal, NOW).unwrap();
    let job = decide(&queue, &second, &record, &Verdict::Safe, NOW);
    let figures = queue.figures().unwrap();
    let expected = BTreeMap::from([((Source::Sampled, Judged::Safe), 1)]);
    assert_eq!(by_decision(&figures), expected);
    let pair = BTreeMap::from([((Judged::Nsfw, Judged::Safe), 1)]);
    assert_eq!(figures.pairs, pair);
    queue.undo(&second, &record.id, job.version, NOW).unwrap();
    assert_eq!(queue.figures().unwrap().pairs, BTreeMap::new());
}

#[test]
fn what_is_passed_on_agrees_with_nobody() {
    let queue = queue();
    let senior = Moderator {
        role: Role::SeniorModerator,
        ..moderator()
    };
    let record = queued_image(&queue, 0.7);
    let escalate = Verdict::Escalate {
        to: Lane::Senior,
        note: Note::default(),
    };
    decide(&queue, &moderator(), &record, &escalate, NOW);
    let figures = queue.figures().unwrap();
    let expected = BTreeMap::from([((Source::Queued, Judged::Escalated), 1)]);
    assert_eq!(by_decision(&figures), expected);
    decide(&queue, &senior, &record, &Verdict::Nsfw, NOW);
    let figures = queue.figures().unwrap();
    let expected = BTreeMap::from([((Source::Queued, Judged::Nsfw), 1)]);
    assert_eq!(by_decision(&figures), expected);
    assert_eq!(figures.pairs, BTreeMap::new());
    let query = Query::default();
    assert_eq!(queue.list(&query, None, 10).unwrap().jobs, []);
}

/// Three moderators decide and take back at once; afterwards the counters are
/// those of the decisions that stand.
#[test]
fn counters_are_those_of_the_decisions_that_stand() {
    let queue = queue();
    for idx in 0..90_u8 {
        queued_image(&queue, f32::from(idx) / 90.0);
    }
    let work = |nth: usize| {
        let who = moderator();
        loop {
            let jobs = queue.claim_next(&who, &Query::default(), 4, NOW).unwrap();
            if jobs.is_empty() {
                return;
            }
            for (idx, job) in jobs.iter().enumerate() {
                let verdict = [Verdict::Safe, Verdict::Nsfw, removal(Policy::Spam)];
                let verdict = &verdict[(idx + nth) % 3];
                let decided = queue.decide(&who, &claim_of(job), verdict, NOW).unwrap();
                if idx == 3 {
                    let again = queue.undo(&who, &job.image, decided.version, NOW).unwrap();
                    let safe = Verdict::Safe;
                    queue.decide(&who, &claim_of(&again), &safe, NOW).unwrap();
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for nth in 0..3 {
            let work = &work;
            scope.spawn(move || work(nth));
        }
    });
    let mut expected = BTreeMap::<Vec<u8>, u64>::new();
    for entry in queue.store().range(&Space::Jobs.all(), 1_000).unwrap() {
        let decision = Job::decode(&entry.value).unwrap().decision.unwrap();
        for key in decision.counted.unwrap().keys() {
            *expected.entry(key).or_default() += 1;
        }
    }
    let stored = queue.store().range(&Space::Learning.all(), 1_000).unwrap();
    let found = stored
        .into_iter()
        .map(|entry| (entry.key, decode(&entry.value).unwrap()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
    let figures = queue.figures().unwrap();
    assert_eq!(figures.decided.values().sum::<u64>(), 90);
}
