//! Threads that stay on one core each.
//!
//! A thread that the system moves finds a cold cache on its new core, which
//! costs up to the image it carries. Where other programs share the cores, the
//! system's choice is the better one, so pinning is for those who ask for it.

/// Cores that this process may use, by their numbers; none where the system
/// does not tell.
#[cfg(target_os = "linux")]
pub(super) fn usable() -> Vec<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};

    let Ok(set) = sched_getaffinity(None) else {
        return Vec::new();
    };
    (0..CpuSet::MAX_CPU)
        .filter(|&core| set.is_set(core))
        .collect()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn usable() -> Vec<usize> {
    Vec::new()
}

/// Keeps the thread that made it on one core for as long as it lives. Then the
/// thread has the cores that it had before, as its later children shall.
#[cfg(target_os = "linux")]
pub(super) struct Kept {
    before: rustix::thread::CpuSet,
}

#[cfg(target_os = "linux")]
impl Kept {
    /// `None` if the system refuses; the thread then runs where it may.
    pub(super) fn on(core: usize) -> Option<Self> {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        let before = sched_getaffinity(None).ok()?;
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only).ok()?;
        Some(Self { before })
    }
}

#[cfg(target_os = "linux")]
impl Drop for Kept {
    fn drop(&mut self) {
        // Refused only if those cores have gone; the one it has is left then.
        let _ = rustix::thread::sched_setaffinity(None, &self.before);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) struct Kept;

#[cfg(not(target_os = "linux"))]
impl Kept {
    pub(super) fn on(_: usize) -> Option<Self> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_kept_and_let_go() {
        let before = usable();
        let last = *before.last().unwrap();
        let kept = Kept::on(last).unwrap();
        assert_eq!(usable(), [last]);
        drop(kept);
        assert_eq!(usable(), before);
    }

    #[test]
    fn a_core_that_is_not_there_keeps_nothing() {
        let before = usable();
        assert!(Kept::on(rustix::thread::CpuSet::MAX_CPU - 1).is_none());
        assert_eq!(usable(), before);
    }
}
