use super::*;

const NOON: u64 = 1_750_032_000_000;

fn client(text: &str) -> ClientAddress {
    ClientAddress::new(text.parse().unwrap())
}

fn small() -> config::Abuse {
    config::Abuse {
        requests_per_minute: 60,
        requests_burst: 10,
        uploads_per_minute: 6,
        uploads_burst: 3,
        network_factor: 3,
        same_image_max: 4,
        missing_images_max: 5,
        different_images_max: 6,
        ..config::Abuse::default()
    }
}

#[test]
fn p08_an_address_and_its_network_have_limits() {
    let abuse = Abuse::new(small(), NOON);
    let admit = |from: &str, kind| abuse.admit(client(from), kind, NOON);
    for _ in 0..3 {
        admit("203.0.113.1", Kind::Upload).unwrap();
    }
    let refused = admit("203.0.113.1", Kind::Upload).unwrap_err();
    let Refusal::TooMany { wait } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(wait, Duration::from_secs(10));
    admit("203.0.113.1", Kind::Other).unwrap();
    // Its network has three times as much.
    for host in [2, 3] {
        for _ in 0..3 {
            admit(&format!("203.0.113.{host}"), Kind::Upload).unwrap();
        }
    }
    assert!(abuse.alerts(NOON).is_empty());
    assert!(admit("203.0.113.4", Kind::Upload).is_err());
    let alerts = abuse.alerts(NOON);
    assert_eq!(alerts[0].pattern, Pattern::NetworkBurst);
    assert_eq!(alerts[0].network.to_string(), "203.0.113.0");
    admit("203.0.114.4", Kind::Upload).unwrap();
    abuse.patterns.advance(Duration::from_secs(10));
    admit("203.0.113.1", Kind::Upload).unwrap();
}

#[test]
fn a_report_is_heard_whatever_else_came_from_there() {
    let abuse = Abuse::new(small(), NOON);
    let from = client("203.0.113.1");
    let admit = |kind| abuse.admit(from, kind, NOON);
    while admit(Kind::Other).is_ok() {}
    for image in 0..20 {
        abuse.saw_image(from, image, false, NOON);
    }
    for _ in 0..small().requests_burst {
        admit(Kind::Report).unwrap();
    }
    assert!(admit(Kind::Report).is_err(), "that is bounded as well");
    abuse.patterns.advance(Duration::from_secs(1));
    admit(Kind::Report).unwrap();
}

#[test]
fn p08_this_machine_and_what_is_set_to_nothing_have_none() {
    let mut settings = small();
    let abuse = Abuse::new(settings.clone(), NOON);
    for _ in 0..1_000 {
        abuse
            .admit(client("127.0.0.1"), Kind::Upload, NOON)
            .unwrap();
        assert!(abuse.is_exempt(client("::1")));
    }
    assert!(abuse.alerts(NOON).is_empty());
    (settings.requests_burst, settings.uploads_per_minute) = (0, 0);
    let abuse = Abuse::new(settings, NOON);
    for _ in 0..1_000 {
        abuse
            .admit(client("127.0.0.2"), Kind::Upload, NOON)
            .unwrap();
    }
}

#[test]
fn p08_a_block_leaves_rights_open() {
    let abuse = Abuse::new(small(), NOON);
    let keys = imgshare_storage::MemoryRecords::default();
    let command = BlockCommand::Add {
        network: "127.0.0.0/24".to_owned(),
        days: 1,
        reason: String::new(),
    };
    let operator = imgshare_storage::audit::Actor::Operator;
    let mut settings = config::Settings::default();
    settings.abuse.exempt = config::Networks::default();
    obey(&keys, &settings, (&operator, NOON), &command).unwrap();
    abuse.load_blocks(&keys, NOON).unwrap();
    let admit = |kind, now_ms| abuse.admit(client("127.0.0.1"), kind, now_ms);
    assert_eq!(admit(Kind::Upload, NOON), Err(Refusal::Blocked));
    assert_eq!(admit(Kind::Image, NOON), Err(Refusal::Blocked));
    admit(Kind::Other, NOON).unwrap();
    admit(Kind::Upload, NOON + imgshare_storage::calendar::MS_A_DAY).unwrap();
}

#[test]
fn p19_patterns_are_noticed_and_slow_the_client_down() {
    let abuse = Abuse::new(small(), NOON);
    let patterns = || -> Vec<Pattern> {
        let alerts = abuse.alerts(NOON);
        alerts.iter().map(|alert| alert.pattern).collect()
    };
    let guesser = client("203.0.113.1");
    for _ in 0..5 {
        abuse.saw_image(guesser, abuse.image("x", NOON), false, NOON);
    }
    assert!(patterns().is_empty());
    abuse.saw_image(guesser, abuse.image("x", NOON), false, NOON);
    assert_eq!(patterns(), [Pattern::Guessing]);
    // A quarter of ten requests.
    let n_admitted = (0..10)
        .take_while(|_| abuse.admit(guesser, Kind::Other, NOON).is_ok())
        .count();
    assert_eq!(n_admitted, 2);
    abuse.patterns.advance(Duration::from_secs(601));
    let n_admitted = (0..20)
        .take_while(|_| abuse.admit(guesser, Kind::Other, NOON).is_ok())
        .count();
    assert_eq!(n_admitted, 10, "it is forgotten after ten minutes");

    let walker = client("198.51.100.1");
    for _ in 0..50 {
        abuse.saw_image(walker, abuse.image("the same", NOON), true, NOON);
    }
    assert_eq!(patterns().len(), 1);
    for n in 0..6 {
        abuse.saw_image(walker, abuse.image(&format!("image{n}"), NOON), true, NOON);
    }
    assert_eq!(patterns()[0], Pattern::Walking);

    let hash = [7; 32];
    for host in 1..=5 {
        abuse.saw_upload(client(&format!("192.0.2.{host}")), &hash, NOON);
    }
    assert_eq!(patterns()[0], Pattern::SameImage);
    let noticed = abuse.noticed();
    assert!(noticed.contains(&(Pattern::SameImage, 1)), "{noticed:?}");
}

/// The figure of the README: whatever comes, the tables stay as they are.
#[test]
fn p08_a_million_addresses_take_no_more_memory_than_one() {
    let abuse = Abuse::new(config::Abuse::default(), NOON);
    let before = resident_bytes();
    for n in 0..1_000_000_u32 {
        let [a, b, c, d] = (n.wrapping_mul(2_654_435_761)).to_be_bytes();
        let client = ClientAddress::new([a, b, c, d].into());
        let _ = abuse.admit(client, Kind::Upload, NOON);
        abuse.saw_image(client, abuse.image("x", NOON), n % 2 == 0, NOON);
    }
    let grown = resident_bytes().saturating_sub(before);
    let limits = [
        &abuse.requests.address,
        &abuse.requests.network,
        &abuse.uploads.address,
        &abuse.uploads.network,
    ];
    let n_bytes: usize = limits.into_iter().flatten().map(Limit::bytes).sum();
    let n_bytes = n_bytes + abuse.patterns.bytes();
    println!("limits and patterns take {n_bytes} bytes; a million addresses added {grown}");
    assert!(n_bytes < 8 << 20, "{n_bytes}");
}

/// Of the whole process, other tests included: told, not judged.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}
