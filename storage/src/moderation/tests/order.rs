use super::*;

#[test]
fn the_worst_comes_first_and_pages_go_on_where_they_ended() {
    let queue = queue();
    let scores = [0.1, 0.9, 0.5, 0.7, 0.3, 0.61];
    let images = scores.map(|score| queued_image(&queue, score).id);
    let by_harm = [1, 3, 5, 2, 4, 0].map(|idx| images[idx]);
    assert_eq!(all_waiting(&queue), by_harm);
    let by_uncertainty = queue.list(
        &Query {
            sort: Sort::MostUncertain,
            ..Query::default()
        },
        None,
        2,
    );
    let by_uncertainty = by_uncertainty.unwrap();
    assert_eq!(by_uncertainty.jobs[0].image, images[5]);
    for limit in 1..7 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = queue
                .list(&Query::default(), after.as_deref(), limit)
                .unwrap();
            seen.extend(page.jobs.iter().map(|job| job.image));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, by_harm, "in pages of {limit}");
    }
    let strange = queue.list(&Query::default(), Some("6d71zz"), 9).unwrap();
    assert_eq!(strange.jobs.len(), 6);
    assert_consistent(&queue.store);
}

#[test]
fn filters_go_by_reason_score_and_age() {
    let queue = queue();
    let [low, high] = [0.2, 0.8].map(|score| queued_image(&queue, score).id);
    let reported = stored_image(&queue, 0.5).id;
    let flag = Flag {
        report: Some(Report {
            receipt: "r1".into(),
            weight: 1.0,
        }),
        ..Flag::new(Reason::Report)
    };
    queue.flag(&reported, &flag, NOW + 500).unwrap();
    let listed = |query: Query| -> Vec<ImageId> {
        let jobs = queue.list(&query, None, 9).unwrap().jobs;
        jobs.iter().map(|job| job.image).collect()
    };
    let all = Query::default();
    let reasons = [ReasonKind::Report].into_iter().collect();
    assert_eq!(listed(Query { reasons, ..all }), [reported]);
    let score_min = Some(0.6);
    assert_eq!(listed(Query { score_min, ..all }), [high]);
    let score_max = Some(0.3);
    assert_eq!(listed(Query { score_max, ..all }), [low]);
    let created_until_ms = Some(NOW);
    assert_eq!(
        listed(Query {
            created_until_ms,
            ..all
        }),
        [high, low]
    );
    let created_from_ms = Some(NOW + 1);
    assert_eq!(
        listed(Query {
            created_from_ms,
            ..all
        }),
        [reported]
    );
    let lane = Lane::Senior;
    assert_eq!(listed(Query { lane, ..all }), []);
}

#[test]
fn a_report_moves_a_job_ahead_and_keeps_the_others() {
    let queue = queue();
    let [first, second] = [0.8, 0.6].map(|score| queued_image(&queue, score).id);
    assert_eq!(all_waiting(&queue), [first, second]);
    for n in 0..30 {
        let flag = Flag {
            report: Some(Report {
                receipt: format!("receipt-{n}-\u{7}{}", "x".repeat(99)),
                weight: if n == 3 { f32::NAN } else { 0.5 },
            }),
            ..Flag::new(Reason::Report)
        };
        queue.flag(&second, &flag, NOW + n).unwrap();
    }
    assert_eq!(all_waiting(&queue), [second, first]);
    let job = queue.job(&second).unwrap().unwrap();
    assert_eq!((job.n_reports, job.receipts.len()), (30, 24));
    assert_eq!(
        job.created_at_ms, NOW,
        "a report must not make it wait longer"
    );
    assert_eq!(job.signals.report_weight, 14.5);
    assert_eq!(job.priority().reports_ms, 168 * 3_600_000 / 14 * 14);
    assert_eq!(job.reasons.len(), 2);
    assert_consistent(&queue.store);
}

#[test]
fn the_largest_job_can_be_stored() {
    let queue = queue();
    let image = stored_image(&queue, 0.5).id;
    let note = Note::new(&"\"".repeat(NOTE_CHARS_MAX)).unwrap();
    for n in 0..30 {
        let rule = Note::new(&format!("{n}{}", "\"".repeat(60))).unwrap();
        let flag = Flag {
            report: Some(Report {
                receipt: "\"".repeat(40),
                weight: 1.0,
            }),
            ..Flag::new(Reason::Rule(rule))
        };
        queue.flag(&image, &flag, NOW).unwrap();
    }
    for _ in 0..12 {
        let who = moderator();
        let claim = claimed(&queue, &who, &image);
        queue.skip(&who, &claim, NOW).unwrap();
    }
    let who = moderator();
    let claim = claimed(&queue, &who, &image);
    let verdict = Verdict::Remove {
        policy: Policy::IntimateImage,
        reason: note,
        bank: Some(BankPolicy::Refuse),
    };
    queue.decide(&who, &claim, &verdict, NOW).unwrap();
    assert_consistent(&queue.store);
}
