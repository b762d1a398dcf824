//! Views of a CDN's log are counted once.

use super::*;
use crate::ViewDelta;

const LOG: LogHash = [7; 32];

#[test]
fn p13a_a_log_is_counted_once_and_goes_on_where_it_was_cut_short() {
    let house = House::new();
    let image = house.upload("seen", START);
    let view = [ViewDelta {
        id: image.id,
        n_views: 5,
        day: calendar::day(START),
    }];
    let (store, now) = (house.store(), START + DAY);
    let begun = begin_import(store, &LOG, now).unwrap();
    assert_eq!((begun.n_batches, begun.is_whole), (0, false));
    for number in [0, 1] {
        import_batch(store, &LOG, number, &view, now).unwrap();
    }
    // Cut short, and begun again from the start of the log.
    assert_eq!(begin_import(store, &LOG, now + DAY).unwrap().n_batches, 2);
    for number in [0, 1, 2] {
        import_batch(store, &LOG, number, &view, now + DAY).unwrap();
    }
    end_import(store, &LOG, now + DAY).unwrap();
    assert_eq!(store.views(&image.id).unwrap().total, 15);
    let again = begin_import(store, &LOG, now + 2 * DAY).unwrap_err();
    assert_eq!(again.code(), "log-imported-already");
    assert!(again.to_string().contains("2025-06-16"), "{again}");
    let late = import_batch(store, &LOG, 3, &view, now + 2 * DAY);
    assert_eq!(late.unwrap_err().code(), "log-imported-already");
    assert_eq!(store.views(&image.id).unwrap().total, 15);
    // Another one is another one; and each is forgotten.
    begin_import(store, &[8; 32], now + 3 * DAY).unwrap();
    let over = now + 400 * DAY;
    assert_eq!(house.n_due(Job::Imports, over - 1), 0);
    assert_eq!(house.n_due(Job::Imports, over), 1);
    house.keep(over);
    assert_eq!(house.n_due(Job::Imports, over), 0);
    assert_eq!(begin_import(store, &LOG, over).unwrap().n_batches, 0);
}
