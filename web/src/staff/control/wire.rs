//! What goes over the operator's socket.

use imgshare_storage::ImageId;
use imgshare_storage::audit::{Head, Scores};
use imgshare_storage::complaints::CounterNotice;
use imgshare_storage::staff::Role;
use serde::{Deserialize, Serialize};

use crate::abuse::{BlockAnswer, BlockCommand};
use crate::moderation::shadow_model::{Compared, Run};
use crate::staff::admin::{Member, OpenInvitation};

/// What the operator can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum AdminCommand {
    /// An invitation for a role.
    Invite {
        /// The role.
        role: Role,
    },
    /// Everybody.
    List,
    /// Closes an account.
    Disable {
        /// Pseudonym or login name.
        name: String,
    },
    /// Opens it again.
    Enable {
        /// Pseudonym or login name.
        name: String,
    },
    /// Takes away the second factor.
    ResetSecondFactor {
        /// Pseudonym or login name.
        name: String,
    },
    /// Forgets failures to log in.
    Unlock {
        /// Pseudonym or login name.
        name: String,
    },
    /// The thresholds in force.
    Thresholds {
        /// Whether the settings' shall be in force again.
        reset: bool,
    },
    /// What the candidate model would have done.
    ShadowModel,
    /// About networks that are denied.
    Block {
        /// What.
        block: BlockCommand,
    },
    /// Every open invitation.
    Invitations,
    /// Counter-notices that are open.
    CounterNotices,
    /// The claimant of a counter-notice has gone to court.
    ActionFiled {
        /// The counter-notice's receipt.
        receipt: String,
    },
    /// An image is not needed as evidence any more.
    ReleaseHold {
        /// The image's id.
        image: String,
    },
    /// Takes an invitation back.
    Revoke {
        /// As `Invitations` names it.
        name: String,
    },
    /// Where the audit ends.
    AuditHead,
    /// The scores that entries of the audit tell of, as far as they are there.
    AuditScores {
        /// Image and number of each, at most
        /// [`AUDIT_SCORES_MAX`](super::AUDIT_SCORES_MAX).
        of: Vec<(ImageId, u64)>,
    },
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum AdminAnswer {
    /// The link of an invitation.
    Link {
        /// The whole address.
        url: String,
        /// How long it is good, in hours.
        hours: u64,
    },
    /// Everybody.
    Members {
        /// By pseudonym.
        members: Vec<Member>,
    },
    /// The thresholds in force.
    Thresholds {
        /// P(hentai) + P(porn) from which an image is nsfw.
        explicit: f32,
        /// P(sexy) from which it is.
        sexy: f32,
        /// From which on there is no advertising.
        ads: f32,
        /// How near a threshold people look.
        review_band: f32,
        /// Who set them, and when; the settings have them otherwise.
        set: Option<(String, u64)>,
    },
    /// What the candidate model would have done.
    ShadowModel {
        /// The model and the sums of its counters; `None` without one.
        found: Option<(Run, Compared)>,
    },
    /// Every open invitation.
    Invitations {
        /// The one that ends first at the beginning.
        invitations: Vec<OpenInvitation>,
    },
    /// Counter-notices that are open.
    CounterNotices {
        /// The one due first at the beginning.
        counters: Vec<CounterNotice>,
    },
    /// It is done.
    Done {
        /// To whom or what.
        name: String,
    },
    /// About networks that are denied.
    Block {
        /// What came of it.
        block: BlockAnswer,
    },
    /// Where the audit ends; its files have followed.
    AuditHead {
        /// The last entry's number and hash.
        head: Head,
    },
    /// What was asked for, in its order; `None` where it went with its image.
    AuditScores {
        /// As many as were asked for.
        scores: Vec<Option<Scores>>,
    },
    /// It was refused.
    Refused {
        /// Why.
        error: String,
    },
}
