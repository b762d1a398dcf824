//! What is done to accounts, by an admin on the page or by the operator on the
//! command line: the same acts, the same entries in the audit.

use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
use imgshare_storage::complaints::ComplaintError;
use imgshare_storage::staff::{
    self, Account, Invitation, Kept, LoginName, Purpose, Role, Secret, StaffId, Tried,
};
use imgshare_storage::{Changes, Keyspace, StorageError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::attempt;

const INVITED: Action = Action::new("staff-invited");
const DISABLED: Action = Action::new("staff-disabled");
const ENABLED: Action = Action::new("staff-enabled");
const ROLE_CHANGED: Action = Action::new("staff-role-changed");
const FACTOR_RESET: Action = Action::new("staff-factor-reset");
const INVITATION_REVOKED: Action = Action::new("staff-invitation-revoked");
const UNLOCKED: Action = Action::new("staff-unlocked");

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store refused, or broke.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No account has this name.
    #[error("there is nobody of this name; `imgshare admin list` names all")]
    Nobody,
    /// Something about notices was refused.
    #[error(transparent)]
    Complaint(#[from] ComplaintError),
    /// The text is no receipt.
    #[error("not a receipt; `imgshare admin counter-notices` names all that are open")]
    NoReceipt,
    /// The text is no image's id.
    #[error("not the id of an image")]
    NoImage,
    /// There is nothing to release.
    #[error("this image is not held")]
    NotHeld,
    /// No open invitation has this name.
    #[error("there is no such invitation; `imgshare admin invitations` names all")]
    NoInvitation,
    /// It would leave the service without anybody who can manage people.
    #[error("this is the last admin; invite another one first")]
    LastAdmin,
    /// The system has no randomness.
    #[error("the system gives no randomness: {0}")]
    Random(std::io::Error),
}

/// Who does it, and when.
#[derive(Debug, Clone)]
pub struct By {
    /// The actor of the audit's entries.
    pub actor: Actor,
    /// The time, in milliseconds since 1970 UTC.
    pub now_ms: u64,
    /// For how long an invitation is good, in milliseconds.
    pub invitation_ms_max: u64,
}

/// A member of the staff as admins see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The pseudonym.
    pub id: StaffId,
    /// The name the person logs in with.
    pub login: String,
    /// The role.
    pub role: Role,
    /// Whether the account is closed.
    pub is_disabled: bool,
    /// Whether a second factor is enrolled.
    pub has_second_factor: bool,
    /// When the person joined, in milliseconds since 1970 UTC.
    pub created_at_ms: u64,
    /// Who invited.
    pub invited_by: String,
    /// What is left of a lock, in milliseconds.
    pub locked_for_ms: Option<u64>,
}

/// An invitation that is open, as admins see one. Its code is nobody's to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenInvitation {
    /// The beginning of its code's hash.
    pub name: String,
    /// The role invited to; `None` for a new second factor.
    pub role: Option<Role>,
    /// Whose second factor it renews.
    pub renews: Option<StaffId>,
    /// Who made it.
    pub by: String,
    /// When, in milliseconds since 1970 UTC.
    pub created_at_ms: u64,
    /// Until when it is good.
    pub expires_at_ms: u64,
    /// Whether its bearer has begun.
    pub is_begun: bool,
}

/// Every invitation that is open, the one that ends first at the beginning.
///
/// # Errors
/// When they cannot be read.
pub fn invitations(keys: &dyn Keyspace, now_ms: u64) -> Result<Vec<OpenInvitation>, AdminError> {
    let mut open = Vec::new();
    for kept in staff::invitations(keys, now_ms)? {
        let name = staff::invitation_name(&kept);
        let is_good = stands(keys, &kept.value)?;
        let (role, renews) = match kept.value.purpose {
            Purpose::Join { role } => (Some(role), None),
            Purpose::Renew { staff } => (None, Some(staff)),
        };
        if is_good {
            open.push(OpenInvitation {
                name,
                role,
                renews,
                by: kept.value.by,
                created_at_ms: kept.value.created_at_ms,
                expires_at_ms: kept.value.expires_at_ms,
                is_begun: kept.value.draft.is_some(),
            });
        }
    }
    open.sort_by_key(|invitation| invitation.expires_at_ms);
    Ok(open)
}

/// Takes an invitation back: its link is good for nothing from now on.
///
/// # Errors
/// [`AdminError::NoInvitation`].
pub fn revoke(keys: &dyn Keyspace, by: &By, name: &str) -> Result<(), AdminError> {
    audit::commit(keys, |changes| {
        let open = staff::invitations(keys, by.now_ms)?;
        let meant = open
            .into_iter()
            .find(|kept| staff::invitation_name(kept) == name);
        let kept = meant.ok_or(AdminError::NoInvitation)?;
        kept.remove(changes);
        let entry = by
            .entry(INVITATION_REVOKED)
            .about(Subject::named("invitation", name));
        let before = json!({"purpose": kept.value.purpose, "by": kept.value.by});
        audit::append(keys, changes, entry.changed(before, Value::Null))?;
        Ok(())
    })
}

/// Whether who made an invitation may still make one: it dies with that.
///
/// # Errors
/// When that cannot be read.
pub(super) fn stands(keys: &dyn Keyspace, invitation: &Invitation) -> Result<bool, StorageError> {
    if invitation.by == Actor::Operator.name() {
        return Ok(true);
    }
    let Ok(id) = invitation.by.parse::<StaffId>() else {
        return Ok(false);
    };
    let account = staff::account(keys, &id)?;
    Ok(account.is_some_and(|kept| is_acting_admin(&kept.value)))
}

/// Makes an invitation for a new account, and returns its code.
///
/// # Errors
/// When it cannot be written.
pub fn invite(keys: &dyn Keyspace, by: &By, role: Role) -> Result<Secret, AdminError> {
    audit::commit(keys, |changes| {
        let code = add_invitation(changes, by, Purpose::Join { role })?;
        let entry = by
            .entry(INVITED)
            .changed(Value::Null, json!({"role": role}));
        audit::append(keys, changes, entry)?;
        Ok(code)
    })
}

/// Everybody, by pseudonym.
///
/// # Errors
/// When they cannot be read.
pub fn list(keys: &dyn Keyspace, now_ms: u64) -> Result<Vec<Member>, AdminError> {
    let mut members = Vec::new();
    for kept in staff::accounts(keys)? {
        let account = kept.value;
        let tried = attempt::tried(keys, &account)?;
        let locks = tried.iter().map(Tried::failures);
        members.push(Member {
            has_second_factor: account.has_second_factor(),
            locked_for_ms: locks
                .filter_map(|failures| failures.locked_for_ms(now_ms))
                .max(),
            id: account.id,
            login: account.login.into(),
            role: account.role,
            is_disabled: account.is_disabled,
            created_at_ms: account.created_at_ms,
            invited_by: account.invited_by,
        });
    }
    Ok(members)
}

/// The pseudonym of a pseudonym or of a name one logs in with.
///
/// # Errors
/// [`AdminError::Nobody`].
pub fn find(keys: &dyn Keyspace, name: &str) -> Result<StaffId, AdminError> {
    let account = match (
        name.parse::<StaffId>(),
        LoginName::try_from(name.to_owned()),
    ) {
        (Ok(id), _) => staff::account(keys, &id)?,
        (Err(_), Ok(login)) => staff::account_of_login(keys, &login)?,
        (Err(_), Err(_)) => None,
    };
    account.map(|kept| kept.value.id).ok_or(AdminError::Nobody)
}

/// Closes an account or opens it again. Closing ends all its sessions.
///
/// # Errors
/// [`AdminError::Nobody`], [`AdminError::LastAdmin`].
pub fn set_disabled(
    keys: &dyn Keyspace,
    by: &By,
    id: &StaffId,
    is_disabled: bool,
) -> Result<(), AdminError> {
    let action = if is_disabled { DISABLED } else { ENABLED };
    change(keys, by, id, &action, |account| {
        let before = json!({"disabled": account.is_disabled});
        account.is_disabled = is_disabled;
        Change {
            before,
            after: json!({"disabled": is_disabled}),
        }
    })
}

/// Gives an account another role. It holds from its next request on.
///
/// # Errors
/// [`AdminError::Nobody`], [`AdminError::LastAdmin`].
pub fn set_role(keys: &dyn Keyspace, by: &By, id: &StaffId, role: Role) -> Result<(), AdminError> {
    change(keys, by, id, &ROLE_CHANGED, |account| {
        let before = json!({"role": account.role});
        account.role = role;
        Change {
            before,
            after: json!({"role": role}),
        }
    })
}

/// Takes away all second factors and recovery codes, ends all sessions, and
/// returns the code of an invitation to enrol new ones with the old password.
///
/// # Errors
/// [`AdminError::Nobody`].
pub fn reset_second_factor(
    keys: &dyn Keyspace,
    by: &By,
    id: &StaffId,
) -> Result<Secret, AdminError> {
    audit::commit(keys, |changes| {
        let kept = staff::account(keys, id)?.ok_or(AdminError::Nobody)?;
        let mut account = kept.value.clone();
        let before = json!({"totp": account.totp.is_some(), "passkeys": account.passkeys.len()});
        account.totp = None;
        account.passkeys.clear();
        account.recovery.clear();
        account.generation = account.generation.saturating_add(1);
        kept.replace(changes, &account);
        let code = add_invitation(changes, by, Purpose::Renew { staff: id.clone() })?;
        let entry = by.entry(FACTOR_RESET).about(Subject::staff(id));
        audit::append(keys, changes, entry.changed(before, Value::Null))?;
        Ok(code)
    })
}

/// Forgets failures of an account's sessions, and with them a lock. Returns the
/// name to log in with: wrong passwords are known to the running service alone.
///
/// # Errors
/// [`AdminError::Nobody`].
pub fn unlock(keys: &dyn Keyspace, by: &By, id: &StaffId) -> Result<LoginName, AdminError> {
    audit::commit(keys, |changes| {
        let kept = staff::account(keys, id)?.ok_or(AdminError::Nobody)?;
        let tried = attempt::tried(keys, &kept.value)?;
        let n_failures: u32 = tried.iter().map(|tried| tried.failures().count).sum();
        let before = json!({"failures": n_failures});
        tried.iter().for_each(|tried| tried.forget(changes));
        let entry = by.entry(UNLOCKED).about(Subject::staff(id));
        audit::append(keys, changes, entry.changed(before, Value::Null))?;
        Ok(kept.value.login)
    })
}

impl By {
    /// The operator, now.
    #[must_use]
    pub fn operator(settings: &crate::config::Settings) -> Self {
        Self {
            actor: Actor::Operator,
            now_ms: crate::clock::now_ms(),
            invitation_ms_max: settings.staff.invitation_ms_max(),
        }
    }

    fn entry(&self, action: Action) -> Entry {
        Entry::new(self.now_ms, self.actor.clone(), action)
    }
}

fn add_invitation(changes: &mut Changes, by: &By, purpose: Purpose) -> Result<Secret, AdminError> {
    let code = Secret::random().map_err(AdminError::Random)?;
    let invitation = Invitation {
        purpose,
        by: by.actor.name().to_owned(),
        created_at_ms: by.now_ms,
        expires_at_ms: by.now_ms.saturating_add(by.invitation_ms_max),
        draft: None,
    };
    staff::add_invitation(changes, &code, &invitation);
    Ok(code)
}

struct Change {
    before: Value,
    after: Value,
}

fn change(
    keys: &dyn Keyspace,
    by: &By,
    id: &StaffId,
    action: &Action,
    make: impl Fn(&mut Account) -> Change,
) -> Result<(), AdminError> {
    audit::commit(keys, |changes| {
        let kept = staff::account(keys, id)?.ok_or(AdminError::Nobody)?;
        let mut account = kept.value.clone();
        let Change { before, after } = make(&mut account);
        let mut after = after;
        if is_acting_admin(&kept.value) && !is_acting_admin(&account) {
            check_another_admin(keys, changes, id)?;
            let n_revoked = revoke_all_of(keys, changes, by, id)?;
            if n_revoked > 0 {
                after["invitations_revoked"] = json!(n_revoked);
            }
        }
        if account.is_disabled {
            account.generation = account.generation.saturating_add(1);
        }
        kept.replace(changes, &account);
        let entry = by.entry(action.clone()).about(Subject::staff(id));
        audit::append(keys, changes, entry.changed(before, after))?;
        Ok(())
    })
}

/// Plans that what an admin invited is good for nothing any more.
fn revoke_all_of(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    by: &By,
    id: &StaffId,
) -> Result<usize, AdminError> {
    let open = staff::invitations(keys, by.now_ms)?;
    let theirs = open.iter().filter(|kept| kept.value.by == id.as_str());
    Ok(theirs.inspect(|kept| kept.remove(changes)).count())
}

fn is_acting_admin(account: &Account) -> bool {
    account.role == Role::Admin && !account.is_disabled
}

/// Refuses unless there is another admin, who must stay one for this commit:
/// two admins cannot close each other's accounts at the same moment.
fn check_another_admin(
    keys: &dyn Keyspace,
    changes: &mut Changes,
    id: &StaffId,
) -> Result<(), AdminError> {
    let others = staff::accounts(keys)?;
    let is_other = |kept: &&Kept<Account>| kept.value.id != *id && is_acting_admin(&kept.value);
    let other = others.iter().find(is_other).ok_or(AdminError::LastAdmin)?;
    other.replace(changes, &other.value);
    Ok(())
}

#[cfg(test)]
mod tests;
