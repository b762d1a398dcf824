//! Results on standard output.

use std::io::{self, Write};

use super::CommandError;

/// Writes one line. A reader that has seen enough (`| head`) is no error; the
/// answer says whether anyone still reads.
pub(super) fn line(text: impl std::fmt::Display) -> Result<bool, CommandError> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(CommandError::Output(error)),
    }
}
