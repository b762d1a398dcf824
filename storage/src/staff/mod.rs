//! The staff: the only people with accounts.

mod id;
mod role;

pub use id::{InvalidStaffId, StaffId};
pub use role::{Role, UnknownRole};
