//! Acts on accounts, over a store in memory.

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
fn invitations_are_listed_and_taken_back() {
    let keys = MemoryRecords::default();
    let code = invite(&keys, &by(), Role::Moderator).unwrap();
    let open = invitations(&keys, 1_000).unwrap();
    assert_eq!((open.len(), open[0].role), (1, Some(Role::Moderator)));
    assert!(!code.expose().contains(&open[0].name) && open[0].name.len() == 12);
    assert_eq!(invitations(&keys, 1_100).unwrap(), []);
    let unknown = revoke(&keys, &by(), "000000000000");
    assert!(matches!(unknown, Err(AdminError::NoInvitation)));
    revoke(&keys, &by(), &open[0].name).unwrap();
    assert!(staff::invitation(&keys, &code, 1_000).unwrap().is_none());
    let entries = audit::entries_after(&keys, 0, 9).unwrap();
    assert_eq!(entries[1].entry.action, INVITATION_REVOKED);
}

#[test]
fn invitations_die_with_the_power_of_who_made_them() {
    for demote in [false, true] {
        let (keys, ids) = with_accounts(&[Role::Admin, Role::Admin]);
        let of = |id: &StaffId| By {
            actor: Actor::Staff {
                id: id.clone(),
                role: Role::Admin,
            },
            ..by()
        };
        let theirs = [
            invite(&keys, &of(&ids[0]), Role::Admin).unwrap(),
            reset_second_factor(&keys, &of(&ids[0]), &ids[1]).unwrap(),
        ];
        let other = invite(&keys, &of(&ids[1]), Role::Admin).unwrap();
        let found = |code: &Secret| staff::invitation(&keys, code, 1_000).unwrap();
        match demote {
            true => set_role(&keys, &by(), &ids[0], Role::Auditor).unwrap(),
            false => set_disabled(&keys, &by(), &ids[0], true).unwrap(),
        }
        assert!(theirs.iter().all(|code| found(code).is_none()));
        let kept = found(&other).unwrap();
        assert!(stands(&keys, &kept.value).unwrap());
        // Made in the same moment as the account was closed, it is none.
        let late = invite(&keys, &of(&ids[0]), Role::Admin).unwrap();
        assert!(!stands(&keys, &found(&late).unwrap().value).unwrap());
        assert_eq!(invitations(&keys, 1_000).unwrap().len(), 1);
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
