//! What was said with a decision that stands again.
//!
//! The decision that had taken its place kept it without its words: two of the
//! longest would not fit into a value. The audit has them, for good.

use super::{Decision, Note, Verdict};
use crate::audit::{self, Subject};
use crate::{ImageId, Keyspace, StorageError};

/// Entries about an image that are looked through, the newest first. Between two
/// decisions lie a few of reports and appeals; what lies deeper stays unsaid.
const ENTRIES_MAX: usize = 256;

impl Verdict {
    /// What is said with it.
    fn words(&mut self) -> Option<&mut Note> {
        match self {
            Self::Remove { reason: words, .. } | Self::Escalate { note: words, .. } => Some(words),
            Self::Safe | Self::Nsfw => None,
        }
    }

    /// The same, saying nothing.
    pub(super) fn without_words(&self) -> Self {
        let mut silent = self.clone();
        if let Some(words) = silent.words() {
            *words = Note::default();
        }
        silent
    }
}

/// Gives a decision the words back that it was made with.
pub(super) fn say_again(
    keys: &dyn Keyspace,
    image: &ImageId,
    decision: &mut Decision,
) -> Result<(), StorageError> {
    if decision.verdict.words().is_none() {
        return Ok(());
    }
    let told = audit::entries_about(keys, &Subject::image(image), u64::MAX, ENTRIES_MAX)?;
    let said = told
        .into_iter()
        .filter(|told| told.entry.at_ms == decision.at_ms)
        .filter_map(|mut told| {
            let verdict = told.entry.after.get_mut("verdict")?.take();
            serde_json::from_value::<Verdict>(verdict).ok()
        })
        .find(|said| said.without_words() == decision.verdict);
    if let Some(said) = said {
        decision.verdict = said;
    }
    Ok(())
}
