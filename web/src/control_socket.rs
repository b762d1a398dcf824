//! Sockets in `DIR/control/`, by which commands reach a running service: it holds
//! the only open database. Who may enter the data folder may command. A command
//! is a line of JSON, and so is its answer.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// Where the socket of this name is.
pub(crate) fn path(data: &Path, name: &str) -> PathBuf {
    data.join("control").join(name)
}

/// Talks to whoever comes to the socket, one at a time, until the service stops.
/// Without a socket the service runs as well; `commands`, such as
/// `imgshare admin`, need it stopped then.
pub(crate) async fn serve<T: Future<Output = io::Result<()>>>(
    path: &Path,
    commands: &str,
    mut stop: watch::Receiver<bool>,
    talk: impl Fn(UnixStream) -> T,
) {
    let listener = match listen(path) {
        Ok(listener) => listener,
        Err(error) => {
            let path = path.display();
            tracing::warn!(%path, %error, "`{commands}` works only while the service is stopped");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, _)) = accepted
            && let Err(error) = talk(stream).await
        {
            tracing::warn!(%error, "a command of `{commands}` could not be answered");
        }
    }
    // The next start removes it too.
    let _ = std::fs::remove_file(path);
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

/// The command's line, at most `bytes_max` bytes of it.
pub(crate) async fn read(stream: &mut UnixStream, bytes_max: u64) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(stream)
        .take(bytes_max)
        .read_line(&mut line)
        .await?;
    Ok(line)
}

/// Sends the answer and ends the talk.
pub(crate) async fn answer(stream: &mut UnixStream, answer: &impl Serialize) -> io::Result<()> {
    stream.write_all(line_of(answer)?.as_bytes()).await?;
    stream.shutdown().await
}

/// Asks the service that listens at `path`; each time is the longest that one
/// step of it may take.
pub(crate) fn ask<A: DeserializeOwned>(
    path: &Path,
    command: &impl Serialize,
    write_time_max: Duration,
    read_time_max: Option<Duration>,
) -> io::Result<A> {
    use std::io::{BufRead, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(path)?;
    stream.set_read_timeout(read_time_max)?;
    stream.set_write_timeout(Some(write_time_max))?;
    stream.write_all(line_of(command)?.as_bytes())?;
    let mut answer = String::new();
    io::BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}

fn line_of(value: &impl Serialize) -> io::Result<String> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    Ok(text)
}
