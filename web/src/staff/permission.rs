//! Who may do what: one table.

use imgshare_storage::staff::Role;

/// Something that not everybody on the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See the queue, claim from it and decide.
    Review,
    /// Decide up to a hundred images at once.
    ReviewInBulk,
    /// Decide what was escalated.
    DecideEscalated,
    /// See and decide what was reported as child abuse.
    ChildSafety,
    /// Answer reports about copyright, intimate images and the like.
    Notices,
    /// Decide appeals against somebody else's decisions.
    Appeals,
    /// Import, export and change the hash bank.
    HashBank,
    /// Change rules and thresholds.
    Rules,
    /// See what was noticed of abuse, and block networks.
    Abuse,
    /// See how well model, rules and moderators do.
    Figures,
    /// Read the audit.
    Audit,
    /// Invite, disable and change accounts; see the names people log in with.
    People,
    /// Hold images for the law, release them, and hand them over.
    Holds,
    /// Enter and answer requests about personal data.
    Requests,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 14] = [
        Self::Review,
        Self::ReviewInBulk,
        Self::DecideEscalated,
        Self::ChildSafety,
        Self::Notices,
        Self::Appeals,
        Self::HashBank,
        Self::Rules,
        Self::Abuse,
        Self::Figures,
        Self::Audit,
        Self::People,
        Self::Holds,
        Self::Requests,
    ];

    /// Whether a role has it. Child abuse is seen by those alone who are there
    /// for it: nobody is exposed to it because of a rank.
    #[must_use]
    pub fn is_of(self, role: Role) -> bool {
        use Role::{Admin, Auditor, ChildSafety, Moderator, SeniorModerator};
        let roles: &[Role] = match self {
            Self::Review | Self::Appeals => &[Admin, SeniorModerator, Moderator],
            Self::ReviewInBulk
            | Self::DecideEscalated
            | Self::Notices
            | Self::HashBank
            | Self::Rules
            | Self::Abuse => &[Admin, SeniorModerator],
            Self::ChildSafety => &[ChildSafety],
            Self::Figures => &[Admin, SeniorModerator, Auditor],
            Self::Audit => &[Admin, Auditor],
            Self::People | Self::Holds | Self::Requests => &[Admin],
        };
        roles.contains(&role)
    }

    /// What it allows, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Review => "work the queue",
            Self::ReviewInBulk => "decide many images at once",
            Self::DecideEscalated => "decide what was escalated",
            Self::ChildSafety => "work the child-safety queue",
            Self::Notices => "answer notices",
            Self::Appeals => "decide appeals",
            Self::HashBank => "keep the hash bank",
            Self::Rules => "change rules and thresholds",
            Self::Abuse => "block networks",
            Self::Figures => "see the figures",
            Self::Audit => "read the audit",
            Self::People => "manage people",
            Self::Holds => "hold images for the law",
            Self::Requests => "answer privacy requests",
        }
    }
}

/// Who may come to a route at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone: the pages that lead in.
    Anyone,
    /// Who has shown a password and not yet a second factor.
    HalfWay,
    /// Everybody who is logged in.
    SignedIn,
    /// Who is logged in and has this permission.
    Needs(Permission),
    /// Who is logged in and has one of these; what each of them opens, handlers
    /// ask for.
    AnyOf(&'static [Permission]),
}

impl Access {
    /// Whether a role that is logged in may come.
    #[must_use]
    pub fn is_open_to(self, role: Role) -> bool {
        match self {
            Self::Anyone | Self::HalfWay | Self::SignedIn => true,
            Self::Needs(permission) => permission.is_of(role),
            Self::AnyOf(permissions) => permissions.iter().any(|each| each.is_of(role)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(role: Role) -> Vec<Permission> {
        Permission::ALL
            .into_iter()
            .filter(|permission| permission.is_of(role))
            .collect()
    }

    #[test]
    fn the_table_is_as_agreed() {
        use Permission::*;
        assert_eq!(of(Role::Moderator), [Review, Appeals]);
        assert_eq!(of(Role::ChildSafety), [ChildSafety]);
        assert_eq!(of(Role::Auditor), [Figures, Audit]);
        assert_eq!(
            of(Role::SeniorModerator),
            [
                Review,
                ReviewInBulk,
                DecideEscalated,
                Notices,
                Appeals,
                HashBank,
                Rules,
                Abuse,
                Figures
            ]
        );
        let admin = of(Role::Admin);
        assert_eq!(admin.len(), Permission::ALL.len() - 1);
        assert!(!admin.contains(&ChildSafety));
    }
}
