//! What a member of the staff is there for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The role of a member of the staff. What each role may do is one table, in
/// the crate that answers requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the service: people, settings, everything but child safety.
    Admin,
    /// Decides what moderators escalate, works in bulk, changes rules.
    SeniorModerator,
    /// Works the queue.
    Moderator,
    /// Works the separate queue of suspected child abuse.
    ChildSafety,
    /// Reads the audit and the figures, decides nothing.
    Auditor,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::SeniorModerator,
        Self::Moderator,
        Self::ChildSafety,
        Self::Auditor,
    ];

    /// The name in commands, forms and the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::SeniorModerator => "senior-moderator",
            Self::Moderator => "moderator",
            Self::ChildSafety => "child-safety",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role: admin, senior-moderator, moderator, child-safety and auditor are")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_called_the_same_everywhere() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            let quoted = format!("\"{role}\"");
            assert_eq!(serde_json::to_string(&role).unwrap(), quoted);
        }
        assert_eq!("Admin".parse::<Role>(), Err(UnknownRole));
    }
}
