//! Removals by order of a court or an authority: whoever states one names it.

use imgshare_storage::complaints::{Flaw, FlawKind};
use imgshare_storage::moderation::{Policy, Verdict};
use imgshare_storage::staff::Role;

use crate::complaints;
use crate::error::WebError;
use crate::staff::{Permission, Refusal};

/// Checks a verdict that states an order: senior roles alone may, with the order's
/// reference as its reason. That text is for staff; whoever opens the image learns that
/// there is one.
///
/// # Errors
/// [`Refusal::NotPermitted`], and [`complaints::Refusal::Incomplete`] without a
/// reference.
pub(super) fn check(role: Role, verdict: &Verdict) -> Result<(), WebError> {
    let Verdict::Remove {
        policy: Policy::LegalOrder,
        reason,
        ..
    } = verdict
    else {
        return Ok(());
    };
    if !Permission::DecideEscalated.is_of(role) {
        return Err(Refusal::NotPermitted.into());
    }
    if reason.is_empty() {
        let missing = Flaw {
            field: "reference",
            kind: FlawKind::Missing,
        };
        return Err(complaints::Refusal::Incomplete(vec![missing]).into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use imgshare_storage::moderation::Note;

    use super::*;

    #[test]
    fn an_order_is_stated_by_seniors_who_name_it() {
        let removal = |policy, reason: &str| Verdict::Remove {
            policy,
            reason: Note::new(reason).unwrap(),
            bank: None,
        };
        let order = removal(Policy::LegalOrder, "LG Berlin 7 O 1/26");
        check(Role::SeniorModerator, &order).unwrap();
        check(Role::Admin, &order).unwrap();
        let code = |role, verdict: &Verdict| check(role, verdict).unwrap_err().status_and_code().1;
        assert_eq!(code(Role::Moderator, &order), "staff-not-permitted");
        let unnamed = removal(Policy::LegalOrder, " ");
        assert_eq!(code(Role::SeniorModerator, &unnamed), "form-incomplete");
        check(Role::Moderator, &removal(Policy::Spam, "")).unwrap();
        check(Role::Moderator, &Verdict::Safe).unwrap();
    }
}
