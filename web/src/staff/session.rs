//! Who is asking: the session of a request, as handlers see it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use imgshare_storage::audit::Actor;
use imgshare_storage::staff::{LiveSession, Role, Secret, StaffId, Stage};

use super::{Permission, Refusal};
use crate::error::WebError;

/// A member of the staff who is logged in, second factor and all. Put there by
/// the guard of the routes under `/staff`; elsewhere there is none.
#[derive(Debug, Clone)]
pub struct Session {
    /// The pseudonym.
    pub staff: StaffId,
    /// The role, as it is now.
    pub role: Role,
    /// The token that forms and calls of this session carry.
    pub csrf: String,
    /// When a second factor was last proved.
    pub factor_at_ms: u64,
    /// For how long that counts as fresh.
    pub(super) step_up_ms_max: u64,
}

impl Session {
    /// Whether the role has a permission.
    ///
    /// # Errors
    /// [`Refusal::NotPermitted`], which the guard writes into the audit.
    pub fn may(&self, permission: Permission) -> Result<(), WebError> {
        if permission.is_of(self.role) {
            return Ok(());
        }
        Err(Refusal::NotPermitted.into())
    }

    /// Asks for a second factor proved within the last minutes, for what is
    /// dangerous. `/staff/step-up` proves it again.
    ///
    /// # Errors
    /// [`Refusal::StepUpNeeded`].
    pub fn needs_fresh_factor(&self, now_ms: u64) -> Result<(), WebError> {
        let age = now_ms.checked_sub(self.factor_at_ms);
        if age.is_some_and(|age| age < self.step_up_ms_max) {
            return Ok(());
        }
        Err(Refusal::StepUpNeeded.into())
    }

    /// The actor of audit entries.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Staff {
            id: self.staff.clone(),
            role: self.role,
        }
    }
}

/// The session of a request with all that is kept of it, for the pages about
/// the session itself.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) token: Secret,
    pub(super) live: LiveSession,
    pub(super) csrf: String,
}

impl Caller {
    pub(super) fn stage(&self) -> Stage {
        self.live.session.value.stage
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::Staff {
            id: self.live.account.value.id.clone(),
            role: self.live.account.value.role,
        }
    }

    pub(super) fn session(&self, step_up_ms_max: u64) -> Session {
        Session {
            staff: self.live.account.value.id.clone(),
            role: self.live.account.value.role,
            csrf: self.csrf.clone(),
            factor_at_ms: self.live.session.value.factor_at_ms,
            step_up_ms_max,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        let session = parts.extensions.get::<Self>().cloned();
        session.ok_or_else(|| Refusal::SessionMissing.into())
    }
}

/// Extracts the [`Caller`].
pub(super) struct Called(pub(super) Arc<Caller>);

impl<S: Sync> FromRequestParts<S> for Called {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        let caller = parts.extensions.get::<Arc<Caller>>().cloned();
        caller
            .map(Self)
            .ok_or_else(|| Refusal::SessionMissing.into())
    }
}
