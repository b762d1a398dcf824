//! One's own account, everybody's, and the audit.

use askama::Template;
use imgshare_storage::staff::Role;

use super::Me;
use crate::pages::{Site, render};

/// A passkey in a list.
#[derive(Debug, Clone)]
pub struct PasskeyRow {
    /// Its id, for the form.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Since when.
    pub since: String,
}

/// One's own account.
#[derive(Debug)]
pub struct AccountView<'a> {
    /// The name one logs in with.
    pub login: &'a str,
    /// Whether an app is enrolled.
    pub has_totp: bool,
    /// The passkeys.
    pub passkeys: Vec<PasskeyRow>,
    /// Recovery codes that are left.
    pub n_recovery: usize,
    /// Whether there is but one factor, which stays.
    pub has_one_factor: bool,
    /// Why the last change failed.
    pub problem: Option<&'a str>,
}

/// The page of one's own account.
pub fn account(site: &Site, me: &Me, view: &AccountView<'_>) -> String {
    render(&AccountPage {
        site,
        return_path: Some("/staff/account"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/account.html")]
struct AccountPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a AccountView<'a>,
}

/// A member of the staff in a list.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// The pseudonym.
    pub id: String,
    /// The name the person logs in with.
    pub login: String,
    /// The role.
    pub role: Role,
    /// Whether the account is closed.
    pub is_disabled: bool,
    /// Whether a second factor is enrolled.
    pub has_second_factor: bool,
    /// Whether the name is locked.
    pub is_locked: bool,
    /// Whether it is who is looking.
    pub is_self: bool,
    /// Since when.
    pub since: String,
    /// Who invited.
    pub invited_by: String,
}

impl MemberRow {
    /// Whether this is the person's role.
    fn is(&self, role: &str) -> bool {
        self.role.as_str() == role
    }
}

/// An open invitation in a list.
#[derive(Debug, Clone)]
pub struct InvitationRow {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Who made it.
    pub by: String,
    /// Until when it is good.
    pub until: String,
    /// Whether its bearer has begun.
    pub is_begun: bool,
}

/// Everybody.
#[derive(Debug)]
pub struct PeopleView<'a> {
    /// By pseudonym.
    pub members: Vec<MemberRow>,
    /// Invitations that are open.
    pub invitations: Vec<InvitationRow>,
    /// An invitation that was just made.
    pub link: Option<&'a str>,
    /// How long it is good, in hours.
    pub hours: u64,
    /// Why the last change failed.
    pub problem: Option<&'a str>,
}

/// The page of everybody.
pub fn people(site: &Site, me: &Me, view: &PeopleView<'_>) -> String {
    render(&PeoplePage {
        site,
        return_path: Some("/staff/people"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/people.html")]
struct PeoplePage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a PeopleView<'a>,
}

impl PeoplePage<'_> {
    /// The roles, those first that are given most.
    fn roles(&self) -> [&'static str; 5] {
        let mut roles = Role::ALL.map(Role::as_str);
        roles.swap(0, 2);
        roles
    }
}

/// An entry of the audit.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: String,
    /// Who.
    pub actor: String,
    /// The role at that moment, or nothing.
    pub role: &'static str,
    /// What was done.
    pub action: String,
    /// To what, or nothing.
    pub subject: String,
    /// What it was, as JSON, or nothing.
    pub before: String,
    /// What it is now, as JSON, or nothing.
    pub after: String,
    /// What else is said, by name.
    pub more: Vec<(&'static str, String)>,
    /// The beginning of its hash.
    pub hash: String,
}

/// A page of the audit, with what it was filtered by.
#[derive(Debug)]
pub struct AuditView<'a> {
    /// The newest first.
    pub rows: Vec<AuditRow>,
    /// Who is looked for.
    pub actor: &'a str,
    /// What is looked for.
    pub action: &'a str,
    /// Which subject is looked for.
    pub subject: &'a str,
    /// Where the next page begins.
    pub next: Option<u64>,
    /// Whether it is the newest page.
    pub is_first: bool,
}

/// A page of the audit.
pub fn audit(site: &Site, me: &Me, view: &AuditView<'_>) -> String {
    render(&AuditPage {
        site,
        return_path: Some("/staff/audit"),
        me: Some(me),
        view,
    })
}

#[derive(Template)]
#[template(path = "staff/audit.html")]
struct AuditPage<'a> {
    site: &'a Site,
    return_path: Option<&'a str>,
    me: Option<&'a Me>,
    view: &'a AuditView<'a>,
}
