//! Pictures of the bank that lie otherwise than they did.

use super::*;
use crate::audit::Actor;
use crate::{PerceptualHash, TurnedHashes, Turning};

/// What the kernel would say of a picture and of its turned copies: hashes that have
/// nothing to do with each other but through reading them by columns.
fn picture() -> PerceptualHash {
    let some = |by: u8| {
        std::array::from_fn(|idx: usize| idx.to_le_bytes()[0].wrapping_mul(by).rotate_left(3) ^ by)
    };
    PerceptualHash {
        turned: Some(TurnedHashes {
            mirrored: some(29),
            flipped: some(83),
            half_turned: some(151),
        }),
        ..PerceptualHash::bare(some(211), 100)
    }
}

/// The same of the picture as it is once it was turned: what lies in each way then is
/// what lay in another before.
fn once(turning: Turning, of: &PerceptualHash) -> PerceptualHash {
    let hash_of = |wanted: Turning| {
        let turnings = of.turnings();
        let found = turnings.into_iter().find(|(turning, _)| *turning == wanted);
        found.unwrap().1
    };
    use Turning::{
        Flipped, HalfTurn, LeftTurn, Mirrored, RightTurn, Transposed, Transverse, Upright,
    };
    // Turned, and then mirrored, flipped, and turned by 180 degrees.
    let [mirrored, flipped, half_turned] = match turning {
        Upright => [Mirrored, Flipped, HalfTurn],
        Mirrored => [Upright, HalfTurn, Flipped],
        Flipped => [HalfTurn, Upright, Mirrored],
        HalfTurn => [Flipped, Mirrored, Upright],
        RightTurn => [Transposed, Transverse, LeftTurn],
        LeftTurn => [Transverse, Transposed, RightTurn],
        Transposed => [RightTurn, LeftTurn, Transverse],
        Transverse => [LeftTurn, RightTurn, Transposed],
    };
    PerceptualHash {
        turned: Some(TurnedHashes {
            mirrored: hash_of(mirrored),
            flipped: hash_of(flipped),
            half_turned: hash_of(half_turned),
        }),
        ..PerceptualHash::bare(hash_of(turning), 100)
    }
}

fn stored(queue: &Queue, pdq: PerceptualHash) -> Record {
    let id = queued_image(queue, 0.9).id;
    let set = |record: &mut Record| record.pdq = Some(pdq);
    queue.store.update(&id, set).unwrap();
    queue.record(&id).unwrap()
}

fn lookup(queue: &Queue, record: &Record) -> Option<BankMatch> {
    let wanted = Lookup {
        sha256: record.sha256,
        pdq: record.pdq,
    };
    queue.bank.lookup(&wanted).unwrap()
}

fn ban(queue: &Queue, hash: BankHash, image: Option<ImageId>) {
    let entry = BankEntry {
        hash,
        policy: BankPolicy::Refuse,
        against: Policy::Illegal,
        reason: Note::default(),
        added_by: String::new(),
        added_at_ms: NOW,
        image,
    };
    queue.bank.add(&Actor::System, &entry, NOW).unwrap();
}

#[test]
fn a_banned_picture_is_known_however_it_lies() {
    let queue = queue();
    let banned = stored(&queue, picture());
    let hash = BankHash::Pdq(picture().hash);
    ban(&queue, hash, Some(banned.id));
    let mut expected = vec![(banned.id, hash)];
    for (turning, _) in picture().turnings() {
        let copy = stored(&queue, once(turning, &picture()));
        let found = lookup(&queue, &copy).unwrap();
        assert_eq!((found.distance, found.turning), (0, turning));
        assert_eq!(found.entry.hash, hash);
        expected.push((copy.id, hash));
    }
    let copies = queue.find_copies(&[hash]).unwrap();
    expected.sort_unstable();
    assert_eq!(copies.images, expected);
}

#[test]
fn the_very_file_is_never_a_turned_one() {
    let queue = queue();
    let image = stored(&queue, once(Turning::Mirrored, &picture()));
    ban(&queue, BankHash::Pdq(picture().hash), None);
    assert_eq!(lookup(&queue, &image).unwrap().turning, Turning::Mirrored);
    ban(&queue, BankHash::Sha256(image.sha256), None);
    let found = lookup(&queue, &image).unwrap();
    assert_eq!(found.entry.hash, BankHash::Sha256(image.sha256));
    assert_eq!(found.turning, Turning::Upright);
}

/// Of a hash from a list, and of an image stored before its turned hashes were kept,
/// nothing is known but bits: what would be known of the turned picture is guessed.
#[test]
fn where_only_a_hash_is_known_the_rest_is_guessed() {
    let queue = queue();
    let listed = PerceptualHash::bare(picture().hash, 100);
    let hash = BankHash::Pdq(listed.hash);
    ban(&queue, hash, None);
    for (turning, turned) in listed.turnings() {
        let old = stored(&queue, PerceptualHash::bare(turned, 100));
        let found = lookup(&queue, &old).unwrap();
        assert_eq!((found.distance, found.turning), (0, turning));
    }
    assert_eq!(queue.find_copies(&[hash]).unwrap().images.len(), 8);
}
