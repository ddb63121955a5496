//! The program: everything is in the library, the command line too.

use std::process::ExitCode;

fn main() -> ExitCode {
    musicdb_stream::cli::run(std::env::args_os())
}
