use imgshare_storage::MemoryRecords;

use super::*;

const DAY: u32 = 20_000;
const NOON: u64 = DAY as u64 * MS_A_DAY + MS_A_DAY / 2;

fn seen(route: &'static str, status: u16) -> Seen<'static> {
    Seen {
        route,
        is_get: true,
        status,
        is_page: true,
        referrer: None,
        country: None,
        at_ms: NOON,
    }
}

fn counts(keys: &MemoryRecords, dimension: Dimension) -> aggregates::DayCounts {
    aggregates::read(keys, DAY, dimension)
        .unwrap()
        .unwrap_or_default()
}

#[test]
fn p09_requests_become_numbers_by_day() {
    let statistics = Statistics::new(&config::Statistics::default());
    let forum = Referrer::Foreign("https://forum.example/t/7".to_owned());
    for _ in 0..7 {
        statistics.saw(&Seen {
            referrer: Some(&forum),
            ..seen("/{id}", 200)
        });
    }
    statistics.saw(&seen("/{id}", 404));
    statistics.saw(&seen("/staff/queue", 200));
    statistics.saw(&Seen {
        is_page: false,
        referrer: Some(&Referrer::Own("/{}".to_owned())),
        ..seen("/i/{id}", 299)
    });
    let keys = MemoryRecords::default();
    statistics.write(&keys, NOON).unwrap();
    assert_eq!(counts(&keys, Dimension::Pages).sorted(), [("/{id}", 7)]);
    assert_eq!(
        counts(&keys, Dimension::Referrers).sorted(),
        [("forum.example", 7)]
    );
    let statuses = counts(&keys, Dimension::Statuses);
    assert_eq!(
        (statuses.of("200"), statuses.of("404"), statuses.of("other")),
        (7, 1, 1)
    );

    // A new process goes on where the old one was.
    let next = Statistics::new(&config::Statistics::default());
    next.saw(&seen("/", 200));
    next.write(&keys, NOON).unwrap();
    next.write(&keys, NOON).unwrap();
    assert_eq!(counts(&keys, Dimension::Pages).total(), 8);
    let off = Statistics::new(&config::Statistics {
        enabled: false,
        ..config::Statistics::default()
    });
    off.saw(&seen("/", 200));
    off.write(&keys, NOON).unwrap();
    assert_eq!(counts(&keys, Dimension::Pages).total(), 8);
}

#[test]
fn p05_a_country_is_looked_up_for_those_alone_who_agreed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("countries.mmdb");
    std::fs::write(&path, countries::tests::database()).unwrap();
    let statistics = Statistics::new(&config::Statistics {
        countries: path,
        ..config::Statistics::default()
    });
    let client = Some(ClientAddress::new("203.0.113.77".parse().unwrap()));
    let mut agreed = HeaderMap::new();
    agreed.insert("cookie", "consent=analytics".parse().unwrap());
    assert_eq!(statistics.country(&agreed, client), None, "no database yet");
    statistics.open_countries().unwrap();
    assert_eq!(statistics.country(&agreed, client).as_deref(), Some("DE"));
    assert_eq!(statistics.country(&HeaderMap::new(), client), None);
    agreed.insert("sec-gpc", "1".parse().unwrap());
    assert_eq!(statistics.country(&agreed, client), None);
}

#[test]
fn p13e_an_image_that_is_gone_is_not_written_again() {
    let statistics = Statistics::new(&config::Statistics::default());
    let mut tally = statistics.tally(NOON);
    tally.add(Dimension::Images, "3kTMd8vXqz2P", 9);
    drop(tally);
    let store = Store::memory();
    statistics.forget_gone_images(&store, NOON).unwrap();
    statistics.write(&store, NOON).unwrap();
    let images = aggregates::read(&store, DAY, Dimension::Images)
        .unwrap()
        .unwrap();
    assert_eq!((images.of("3kTMd8vXqz2P"), images.others()), (0, 9));
}
