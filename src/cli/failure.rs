//! How the program ends: 0 done, 1 the thing asked for failed, 2 wrong usage or configuration.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Error, Result};
use clap::error::ErrorKind;

use super::layout::safe;
use crate::config::ConfigError;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

/// Something that was typed makes no sense here; the text says what to type instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// The command has already said what failed.
#[derive(Debug, thiserror::Error)]
#[error("something failed; see above")]
pub(super) struct Told;

/// Says what went wrong, in one line on stderr, and gives the exit code.
pub(super) fn report(outcome: Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    if is_broken_pipe(&error) {
        // Whoever read our output has seen enough, as `head` does.
        return ExitCode::SUCCESS;
    }
    if !error.is::<Told>() {
        say(&one_line(&error));
    }
    ExitCode::from(code(&error))
}

/// The same for what clap did not understand, and for the help that it was asked for.
pub(super) fn of_parsing(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // As above: nobody reads on.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(WRONG_USAGE)
        }
        _ => {
            say(&in_one_line(&error.render().to_string()));
            ExitCode::from(WRONG_USAGE)
        }
    }
}

fn say(line: &str) {
    // File names and what a server answers are in it.
    // Where even stderr is gone, the exit code is all that is left to say.
    let _ = writeln!(io::stderr(), "musicdb-stream: {}", safe(line));
}

fn code(error: &Error) -> u8 {
    if error.is::<Usage>() || error.is::<ConfigError>() { WRONG_USAGE } else { FAILED }
}

fn is_broken_pipe(error: &Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}

/// The error with its causes, those left out that a message before them tells already.
fn one_line(error: &Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// clap's message without its usage text.
fn in_one_line(rendered: &str) -> String {
    let lines = rendered.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.trim_start_matches("error: ").replace(" tip: ", "; ");
    format!("{text}; see musicdb-stream --help")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn usage_and_configuration_end_with_2_everything_else_with_1() {
        assert_eq!(code(&Usage("say it".to_owned()).into()), 2);
        assert_eq!(code(&anyhow!("no")), 1);
        let wrong = crate::config::CheckError::ControlCharacter { key: "stream.name" };
        assert_eq!(code(&ConfigError::from(wrong).into()), 2);
    }

    #[test]
    fn a_broken_pipe_is_success_wherever_it_happens() {
        let broken: Error = io::Error::from(io::ErrorKind::BrokenPipe).into();
        assert!(is_broken_pipe(&broken.context("printing the queue")));
        assert!(!is_broken_pipe(&anyhow!("broken pipe")));
    }

    #[test]
    fn causes_are_told_once_and_in_one_line() {
        let error = Err::<(), _>(anyhow!("no space\nleft")).context("cannot write b").unwrap_err();
        assert_eq!(one_line(&error), "cannot write b: no space left");
        let told = anyhow!("disk full").context("cannot write: disk full; make room");
        assert_eq!(one_line(&told), "cannot write: disk full; make room");
    }

    #[test]
    fn what_clap_says_becomes_one_line() {
        let rendered = "error: unrecognized subcommand 'stats'\n\n  tip: a similar subcommand exists: \
                        'status'\n\nUsage: a b\n\nFor more information, try '--help'.\n";
        assert_eq!(
            in_one_line(rendered),
            "unrecognized subcommand 'stats'; a similar subcommand exists: 'status'; see musicdb-stream --help"
        );
    }
}
