//! Passwords that strangers try, counted in memory: by network, by name from
//! one network, and by name from all of them. Whoever floods from one network
//! waits alone; whoever floods from many meets the bounds of [`Recent`] and of
//! the passwords' queue.
//!
//! Names without an account are counted alike, so that nothing tells them apart.
//! Nothing is written: a flood must not wait for the disk, nor anybody else for
//! a flood.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use imgshare_storage::staff::{Failures, LockoutRules};

use super::Refusal;
use super::password::Line;
use super::recent::Recent;
use crate::config::Settings;
use crate::http::address::AnonymizedIp;

/// Networks, and names, that are told apart: some 2 MB each.
const TOLD_APART_MAX: usize = 20_000;

/// Networks that staff have logged in from, which wait in a line of their own.
const KNOWN_MAX: usize = 1_000;

/// Passwords of one network that are looked at or wait at once.
const AT_ONCE_MAX: u32 = 4;

/// A name is locked for all networks after this many times the failures that
/// lock it for one: guessing from many networks is bounded, and no single one
/// can lock a name for the others. Networks that staff have logged in from are
/// left out: nobody elsewhere can shut them.
const ALL_NETWORKS_FACTOR: u32 = 20;

/// A name, hashed with a secret of this process: people type passwords into the
/// wrong field.
type NameHash = u64;

/// Failures of strangers.
#[derive(Debug)]
pub(super) struct Guesses {
    state: Mutex<State>,
    names: RandomState,
    rules: LockoutRules,
    per_minute: u64,
}

#[derive(Debug)]
struct State {
    networks: Recent<AnonymizedIp, Network>,
    pairs: Recent<(NameHash, AnonymizedIp), Failures>,
    names: Recent<NameHash, Failures>,
    known: Recent<AnonymizedIp, ()>,
}

/// What a network may still try.
#[derive(Debug, Clone, Copy)]
struct Network {
    tokens: u64,
    filled_at_ms: u64,
    n_at_once: u32,
}

/// An attempt, counted as a failure before it is looked at, so that a thousand
/// at once are no more than one after the other. Dropped, it stays one.
#[derive(Debug)]
pub(super) struct Guess {
    guesses: Arc<Guesses>,
    from: AnonymizedIp,
    name: Option<Name>,
    /// In which line its password waits.
    pub(super) line: Line,
}

#[derive(Debug, Clone, Copy)]
struct Name {
    hash: NameHash,
    of_pair: Counted,
    of_name: Counted,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    before: Failures,
    after: Failures,
}

impl Guesses {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            state: Mutex::new(State {
                networks: Recent::new(TOLD_APART_MAX),
                pairs: Recent::new(TOLD_APART_MAX),
                names: Recent::new(TOLD_APART_MAX),
                known: Recent::new(KNOWN_MAX),
            }),
            names: RandomState::new(),
            rules: settings.staff.lockout_rules(),
            per_minute: u64::from(settings.staff.failures_per_minute_max).max(1),
        }
    }

    /// Counts an attempt with a name, whether or not it is anybody's.
    ///
    /// # Errors
    /// [`Refusal::Locked`] and [`Refusal::Busy`]: it is not looked at.
    pub(super) fn begin(
        this: &Arc<Self>,
        login: &str,
        from: AnonymizedIp,
        now_ms: u64,
    ) -> Result<Guess, Refusal> {
        let hash = this.hash(login);
        let mut state = this.state();
        let of_pair = state.pairs.seen(&(hash, from)).copied();
        let of_name = match state.known.seen(&from) {
            Some(()) => None,
            None => state.names.seen(&hash).copied(),
        };
        let locked = [of_pair, of_name].into_iter().flatten();
        let left_ms = locked.filter_map(|failures| failures.locked_for_ms(now_ms));
        if let Some(left_ms) = left_ms.max() {
            let wait = Duration::from_millis(left_ms);
            return Err(Refusal::Locked { wait });
        }
        this.enter(&mut state, from, now_ms)?;
        let of_pair = state.pairs.used(&(hash, from), Failures::default);
        let of_pair = count(of_pair, now_ms, &this.rules);
        let wide = LockoutRules {
            free_failures: this.rules.free_failures.saturating_mul(ALL_NETWORKS_FACTOR),
            ..this.rules
        };
        let of_name = count(state.names.used(&hash, Failures::default), now_ms, &wide);
        let name = Name {
            hash,
            of_pair,
            of_name,
        };
        Ok(Self::guess(this, &mut state, from, Some(name)))
    }

    /// The same where no name is said: a passkey says whose it is.
    ///
    /// # Errors
    /// [`Refusal::Busy`].
    pub(super) fn begin_nameless(
        this: &Arc<Self>,
        from: AnonymizedIp,
        now_ms: u64,
    ) -> Result<Guess, Refusal> {
        let mut state = this.state();
        this.enter(&mut state, from, now_ms)?;
        Ok(Self::guess(this, &mut state, from, None))
    }

    fn guess(this: &Arc<Self>, state: &mut State, from: AnonymizedIp, name: Option<Name>) -> Guess {
        let line = match state.known.seen(&from) {
            Some(()) => Line::Known,
            None => Line::Strangers,
        };
        Guess {
            guesses: Arc::clone(this),
            from,
            name,
            line,
        }
    }

    /// Takes one of what a network may try.
    fn enter(&self, state: &mut State, from: AnonymizedIp, now_ms: u64) -> Result<(), Refusal> {
        let full = || Network {
            tokens: self.per_minute,
            filled_at_ms: now_ms,
            n_at_once: 0,
        };
        let network = state.networks.used(&from, full);
        network.fill(self.per_minute, now_ms);
        if network.tokens == 0 || network.n_at_once >= AT_ONCE_MAX {
            return Err(Refusal::Busy);
        }
        network.tokens -= 1;
        network.n_at_once += 1;
        Ok(())
    }

    /// From here somebody of the staff has logged in.
    pub(super) fn know(&self, from: AnonymizedIp) {
        self.state().known.used(&from, || ());
    }

    /// What is left of the longest lock of a name, in milliseconds.
    pub(super) fn locked_for_ms(&self, login: &str, now_ms: u64) -> Option<u64> {
        let hash = self.hash(login);
        let mut state = self.state();
        let of_name = state.names.seen(&hash).copied();
        let of_pairs = state.pairs.iter().filter(|((name, _), _)| *name == hash);
        of_pairs
            .map(|(_, failures)| *failures)
            .chain(of_name)
            .filter_map(|failures| failures.locked_for_ms(now_ms))
            .max()
    }

    /// Forgets every failure with a name, and its locks.
    pub(super) fn forget(&self, login: &str) {
        let hash = self.hash(login);
        let mut state = self.state();
        state.names.remove(&hash);
        state.pairs.retain(|(name, _)| *name != hash);
    }

    fn hash(&self, login: &str) -> NameHash {
        self.names.hash_one(login.trim().to_ascii_lowercase())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess {
    /// The failures in a row of its name from its network, this one among them.
    pub(super) fn failures(&self) -> Failures {
        self.name
            .map_or_else(Failures::default, |name| name.of_pair.after)
    }

    /// It was right: what was wrong with this name from here is forgotten.
    pub(super) fn right(self) {
        let mut state = self.guesses.state();
        self.refund(&mut state);
        if let Some(name) = self.name {
            state.pairs.remove(&(name.hash, self.from));
            state.names.remove(&name.hash);
        }
    }

    /// It was not looked at: the count is as it was, unless others have failed
    /// meanwhile.
    pub(super) fn take_back(self) {
        let mut state = self.guesses.state();
        self.refund(&mut state);
        let Some(name) = self.name else { return };
        if let Some(failures) = state.pairs.seen(&(name.hash, self.from)) {
            name.of_pair.undo(failures);
        }
        if let Some(failures) = state.names.seen(&name.hash) {
            name.of_name.undo(failures);
        }
    }

    fn refund(&self, state: &mut State) {
        if let Some(network) = state.networks.seen(&self.from) {
            network.tokens = network.tokens.saturating_add(1);
        }
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        let mut state = self.guesses.state();
        if let Some(network) = state.networks.seen(&self.from) {
            network.n_at_once = network.n_at_once.saturating_sub(1);
        }
    }
}

impl Counted {
    fn undo(&self, failures: &mut Failures) {
        if *failures == self.after {
            *failures = self.before;
        }
    }
}

impl Network {
    fn fill(&mut self, per_minute: u64, now_ms: u64) {
        let ms_per_token = (60_000 / per_minute).max(1);
        let n_new = now_ms.saturating_sub(self.filled_at_ms) / ms_per_token;
        self.tokens = self.tokens.saturating_add(n_new).min(per_minute);
        // A clock that was set back begins anew.
        let filled_at_ms = self
            .filled_at_ms
            .saturating_add(n_new.saturating_mul(ms_per_token));
        self.filled_at_ms = filled_at_ms.min(now_ms);
    }
}

fn count(failures: &mut Failures, now_ms: u64, rules: &LockoutRules) -> Counted {
    let before = *failures;
    *failures = before.one_more(now_ms, rules);
    Counted {
        before,
        after: *failures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000_000;

    fn network(n: u32) -> AnonymizedIp {
        let [_, a, b, c] = n.to_be_bytes();
        AnonymizedIp::of([a, b, c, 1].into())
    }

    fn guesses() -> Arc<Guesses> {
        Arc::new(Guesses::new(&Settings::default()))
    }

    fn code(begun: Result<Guess, Refusal>) -> &'static str {
        begun.map_or_else(|refusal| refusal.status_and_code().1, |_| "looked-at")
    }

    #[test]
    fn one_network_locks_a_name_for_itself_alone() {
        let guesses = guesses();
        for _ in 0..5 {
            drop(Guesses::begin(&guesses, "jane", network(1), NOW).unwrap());
        }
        let of = |login, n| code(Guesses::begin(&guesses, login, network(n), NOW));
        assert_eq!(of(" Jane ", 1), "staff-locked");
        assert_eq!(of("jane", 2), "looked-at");
        assert_eq!(of("john", 1), "looked-at");
        assert_eq!(guesses.locked_for_ms("jane", NOW), Some(30_000));
        guesses.forget("JANE");
        assert_eq!(guesses.locked_for_ms("jane", NOW), None);
        assert_eq!(of("jane", 1), "looked-at");
    }

    #[test]
    fn many_networks_together_lock_a_name_after_a_while() {
        let guesses = guesses();
        let begin = |n| Guesses::begin(&guesses, "jane", network(n), NOW);
        let n_taken = (0..1_000).take_while(|n| begin(*n).is_ok()).count();
        assert_eq!(n_taken, 100);
        assert_eq!(code(begin(7_000)), "staff-locked");
    }

    #[test]
    fn where_staff_have_logged_in_from_a_name_is_locked_by_nobody_else() {
        let guesses = guesses();
        guesses.know(network(9_000));
        for n in 0..100 {
            drop(Guesses::begin(&guesses, "jane", network(n), NOW).unwrap());
        }
        let of = |n| code(Guesses::begin(&guesses, "jane", network(n), NOW));
        assert_eq!(of(7_000), "staff-locked");
        assert_eq!(of(9_000), "looked-at");
        // What was wrong from there still counts there.
        for _ in 0..4 {
            assert_eq!(of(9_000), "looked-at");
        }
        assert_eq!(of(9_000), "staff-locked");
    }

    #[test]
    fn a_flood_from_one_network_stops_nobody_elsewhere() {
        let guesses = guesses();
        let mut codes = Vec::new();
        for n in 0..10_000_u32 {
            let login = format!("name{n}");
            codes.push(code(Guesses::begin(&guesses, &login, network(1), NOW)));
        }
        let n_looked_at = codes.iter().filter(|code| **code == "looked-at").count();
        assert_eq!(n_looked_at, 60, "as many as the setting says, a minute");
        assert_eq!(codes.last(), Some(&"staff-busy"));
        assert_eq!(
            code(Guesses::begin(&guesses, "jane", network(2), NOW)),
            "looked-at"
        );
        let later = Guesses::begin(&guesses, "x", network(1), NOW + 1_000);
        assert_eq!(code(later), "looked-at");
    }

    #[test]
    fn a_network_has_few_passwords_looked_at_at_once() {
        let guesses = guesses();
        let begin = || Guesses::begin(&guesses, "jane", network(1), NOW);
        let held: Vec<Guess> = (0..4).map(|_| begin().unwrap()).collect();
        assert_eq!(code(begin()), "staff-busy");
        assert_eq!(
            code(Guesses::begin(&guesses, "jane", network(2), NOW)),
            "looked-at"
        );
        drop(held);
        assert_eq!(code(begin()), "looked-at");
    }

    #[test]
    fn a_flood_from_many_networks_takes_bounded_memory() {
        let guesses = guesses();
        for n in 0..30_000 {
            let login = format!("name{n}");
            drop(Guesses::begin(&guesses, &login, network(n), NOW));
        }
        let state = guesses.state();
        assert_eq!(state.networks.iter().count(), TOLD_APART_MAX);
        assert_eq!(state.pairs.iter().count(), TOLD_APART_MAX);
        assert_eq!(state.names.iter().count(), TOLD_APART_MAX);
    }

    #[test]
    fn what_was_right_or_not_looked_at_counts_for_nothing() {
        let guesses = guesses();
        for n in 0..500_u64 {
            let guess = Guesses::begin(&guesses, "jane", network(1), NOW).unwrap();
            match n % 2 {
                0 => guess.right(),
                _ => guess.take_back(),
            }
        }
        let guess = Guesses::begin(&guesses, "jane", network(1), NOW).unwrap();
        assert_eq!((guess.failures().count, guess.line), (1, Line::Strangers));
        guesses.know(network(1));
        let guess = Guesses::begin(&guesses, "jane", network(1), NOW).unwrap();
        assert_eq!(guess.line, Line::Known);
    }
}
