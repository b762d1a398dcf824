//! The `imgshare` binary: reads the command line, runs the command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use imgshare_web::cli::Cli;
use imgshare_web::commands;

fn main() -> ExitCode {
    match commands::run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
