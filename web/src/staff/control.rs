//! The door for `imgshare admin` while the service runs: a socket in the data
//! folder, which holds the only open database. Who may enter that folder may
//! command.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use imgshare_storage::Keyspace;
use imgshare_storage::staff::Role;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::admin::{self, AdminError, By, Member};
use crate::app::AppState;
use crate::config::Settings;

/// Longest command, in bytes.
const COMMAND_BYTES_MAX: u64 = 4_096;

/// Time for a command to arrive and its answer to be taken.
const TALK_TIME_MAX: Duration = Duration::from_secs(10);

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
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// It is done.
    Done {
        /// To whom, by pseudonym.
        name: String,
    },
    /// It was refused.
    Refused {
        /// Why.
        error: String,
    },
}

/// Does what the operator asks, over an open database.
///
/// # Errors
/// Why it was not done.
pub fn obey(
    keys: &dyn Keyspace,
    settings: &Settings,
    command: &AdminCommand,
) -> Result<AdminAnswer, AdminError> {
    let by = By::operator(settings);
    let link = |code: &imgshare_storage::staff::Secret| AdminAnswer::Link {
        url: format!("{}/staff/join/{}", origin(settings), code.expose()),
        hours: settings.staff.invitation_hours_max,
    };
    let found = |name: &str| admin::find(keys, name);
    Ok(match command {
        AdminCommand::Invite { role } => link(&admin::invite(keys, &by, *role)?),
        AdminCommand::List => AdminAnswer::Members {
            members: admin::list(keys, by.now_ms)?,
        },
        AdminCommand::Disable { name } => {
            let id = found(name)?;
            admin::set_disabled(keys, &by, &id, true)?;
            done(&id)
        }
        AdminCommand::Enable { name } => {
            let id = found(name)?;
            admin::set_disabled(keys, &by, &id, false)?;
            done(&id)
        }
        AdminCommand::ResetSecondFactor { name } => {
            link(&admin::reset_second_factor(keys, &by, &found(name)?)?)
        }
        AdminCommand::Unlock { name } => {
            let id = found(name)?;
            admin::unlock(keys, &by, &id)?;
            done(&id)
        }
    })
}

fn done(id: &imgshare_storage::staff::StaffId) -> AdminAnswer {
    AdminAnswer::Done {
        name: id.to_string(),
    }
}

/// Where the staff's pages are. On this machine alone they are reached by its
/// name, because browsers make no passkeys for an address.
pub(super) fn origin(settings: &Settings) -> String {
    if !settings.base_url.is_empty() {
        return settings.base_url.clone();
    }
    let scheme = if settings.tls.is_on() {
        "https"
    } else {
        "http"
    };
    let address = settings.listen;
    if address.ip().is_loopback() {
        return format!("{scheme}://localhost:{}", address.port());
    }
    format!("{scheme}://{address}")
}

fn socket_path(data: &Path) -> PathBuf {
    data.join("control").join("admin.sock")
}

/// Obeys whoever comes to the socket, until the service stops. Without a socket
/// the service runs as well; the commands need it stopped then.
pub(crate) async fn serve(app: AppState, mut stop: watch::Receiver<bool>) {
    let path = socket_path(&app.settings.data);
    let listener = match listen(&path) {
        Ok(listener) => listener,
        Err(error) => {
            let path = path.display();
            tracing::warn!(%path, %error, "`imgshare admin` works only while the service is stopped");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        // One at a time: it is one person.
        if let Ok((stream, _)) = accepted {
            let talk = tokio::time::timeout(TALK_TIME_MAX, talk(&app, stream));
            if let Ok(Err(error)) = talk.await {
                tracing::warn!(%error, "an admin command could not be answered");
            }
        }
    }
    // The next start removes it too.
    let _ = std::fs::remove_file(&path);
}

/// A socket that nobody else can reach: its folder is the service's own.
fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = path.parent() {
        std::fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(folder)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    // Left by a process that was killed; the data folder's lock says that no
    // other one is listening.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn talk(app: &AppState, stream: UnixStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream)
        .take(COMMAND_BYTES_MAX)
        .read_line(&mut line)
        .await?;
    let answer = match serde_json::from_str::<AdminCommand>(&line) {
        Err(error) => refused(error),
        Ok(command) => {
            let shared = Arc::clone(app);
            let obeyed =
                app.with_audit(move |store| match obey(store, &shared.settings, &command) {
                    Err(AdminError::Storage(error)) => Err(error),
                    other => Ok(other),
                });
            match obeyed.await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => refused(error),
                Err(error) => refused(error),
            }
        }
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    stream.get_mut().write_all(text.as_bytes()).await?;
    stream.get_mut().shutdown().await
}

fn refused(error: impl std::fmt::Display) -> AdminAnswer {
    AdminAnswer::Refused {
        error: error.to_string(),
    }
}

/// Asks the service that holds this data folder.
///
/// # Errors
/// When none listens, or its answer cannot be read.
pub fn ask(data: &Path, command: &AdminCommand) -> io::Result<AdminAnswer> {
    use std::io::{BufRead, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket_path(data))?;
    stream.set_read_timeout(Some(TALK_TIME_MAX))?;
    stream.set_write_timeout(Some(TALK_TIME_MAX))?;
    let mut text = serde_json::to_string(command)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    io::BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
