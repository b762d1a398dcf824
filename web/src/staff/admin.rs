//! What is done to accounts, by an admin on the page or by the operator on the
//! command line: the same acts, the same entries in the audit.

use imgshare_storage::audit::{self, Action, Actor, Entry, Subject};
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
        if is_acting_admin(&kept.value) && !is_acting_admin(&account) {
            check_another_admin(keys, changes, id)?;
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
mod tests {
    use imgshare_storage::MemoryRecords;
    use imgshare_storage::staff::PasswordHash;

    use super::*;

    fn by() -> By {
        By {
            actor: Actor::Operator,
            now_ms: 1_000,
            invitation_ms_max: 100,
        }
    }

    fn with_accounts(roles: &[Role]) -> (MemoryRecords, Vec<StaffId>) {
        let keys = MemoryRecords::default();
        let mut ids = Vec::new();
        for (n, role) in roles.iter().enumerate() {
            let account = Account {
                id: StaffId::random().unwrap(),
                login: LoginName::try_from(format!("person{n}")).unwrap(),
                role: *role,
                is_disabled: false,
                password: PasswordHash {
                    memory_kib: 8,
                    passes: 1,
                    salt: [0; 32],
                    hash: [0; 32],
                },
                totp: None,
                passkeys: Vec::new(),
                recovery: Vec::new(),
                created_at_ms: 0,
                invited_by: "operator".to_owned(),
                generation: 0,
            };
            let mut changes = Changes::new();
            staff::add_account(&mut changes, &account);
            keys.commit(changes).unwrap();
            ids.push(account.id);
        }
        (keys, ids)
    }

    #[test]
    fn an_invitation_is_good_for_its_time() {
        let keys = MemoryRecords::default();
        let code = invite(&keys, &by(), Role::Auditor).unwrap();
        let found = |now_ms| staff::invitation(&keys, &code, now_ms).unwrap();
        let invitation = found(1_099).unwrap().value;
        assert_eq!(
            invitation.purpose,
            Purpose::Join {
                role: Role::Auditor
            }
        );
        assert!(found(1_100).is_none());
        let other = Secret::random().unwrap();
        assert!(staff::invitation(&keys, &other, 1_000).unwrap().is_none());
        let entry = &audit::entries_after(&keys, 0, 9).unwrap()[0].entry;
        assert_eq!(entry.action, INVITED);
        assert!(
            !serde_json::to_string(entry)
                .unwrap()
                .contains(code.expose())
        );
    }

    #[test]
    fn the_last_admin_stays() {
        let (keys, ids) = with_accounts(&[Role::Admin, Role::Moderator]);
        let disable = |id| set_disabled(&keys, &by(), id, true);
        assert!(matches!(disable(&ids[0]), Err(AdminError::LastAdmin)));
        let demoted = set_role(&keys, &by(), &ids[0], Role::Auditor);
        assert!(matches!(demoted, Err(AdminError::LastAdmin)));
        set_role(&keys, &by(), &ids[1], Role::Admin).unwrap();
        disable(&ids[0]).unwrap();
        assert!(matches!(disable(&ids[1]), Err(AdminError::LastAdmin)));
        set_disabled(&keys, &by(), &ids[0], false).unwrap();
        let members = list(&keys, 1_000).unwrap();
        assert!(
            members
                .iter()
                .all(|member| !member.is_disabled && member.role == Role::Admin)
        );
    }

    #[test]
    fn people_are_found_by_either_name() {
        let (keys, ids) = with_accounts(&[Role::Admin]);
        assert_eq!(find(&keys, "Person0").unwrap(), ids[0]);
        assert_eq!(find(&keys, ids[0].as_str()).unwrap(), ids[0]);
        for nobody in ["person1", "calm-heron-7", "", "=1"] {
            assert!(matches!(find(&keys, nobody), Err(AdminError::Nobody)));
        }
    }

    #[test]
    fn a_reset_takes_every_factor_and_ends_sessions() {
        let (keys, ids) = with_accounts(&[Role::Admin]);
        let code = reset_second_factor(&keys, &by(), &ids[0]).unwrap();
        let purpose = Purpose::Renew {
            staff: ids[0].clone(),
        };
        let invitation = staff::invitation(&keys, &code, 1_000).unwrap().unwrap();
        assert_eq!(invitation.value.purpose, purpose);
        let account = staff::account(&keys, &ids[0]).unwrap().unwrap().value;
        assert!(!account.has_second_factor() && account.generation == 1);
    }
}
