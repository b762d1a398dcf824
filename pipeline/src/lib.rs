//! The data path: from bytes nobody vouches for to a scrubbed, classified image.
//!
//! [`path`] is the path itself, read top to bottom; each of its steps is a pure
//! function in [`stage`] whose result type ([`item`]) proves what was checked.
//! [`topology`] gives the path threads, bounded channels and deadlines;
//! [`admission`] decides who may enter it, [`memory`] how much of it may be
//! decoded at once.
//!
//! Deliberately absent: HTTP, user paths, databases, asynchronous code.

pub mod admission;
mod batch;
mod device;
pub mod error;
pub mod item;
pub mod limits;
mod lost;
pub mod memory;
pub mod outcome;
pub mod path;
mod shadow;
pub mod stage;
pub mod stats;
mod ticket;
pub mod topology;
mod worker;

pub use admission::Permit;
// Part of what comes out of it.
pub use imgshare_kernels::Pdq;

pub use error::{Fault, Overloaded, PipelineError, Reject};
pub use item::{Format, Header, Scrubbed, Sides};
pub use limits::Limits;
pub use lost::decoders_lost;
pub use memory::{DecodeMemory, MemoryUse, Reservation};
pub use outcome::{Ingested, Reply, Scored, Verdict};
pub use shadow::{Shadow, ShadowDraw, ShadowInput, ShadowState, Tell};
pub use topology::{Pipeline, Settings, StartError};
