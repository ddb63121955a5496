//! What can be typed: the commands and the flags that all of them take.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use super::{
    backup, check, config, failure::Usage, monitor, queue, scan, serve, songs, status, watch,
};

/// A music streaming server with a song queue.
///
/// Begin with `musicdb-stream serve --demo`, or with `musicdb-stream serve --music DIR`, and open
/// the address that it prints. While a server runs, the other commands talk to it.
#[derive(Debug, Parser)]
#[command(name = "musicdb-stream", version, max_term_width = 100, disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Default, Args)]
pub(super) struct Global {
    /// The configuration file [default: musicdb-stream/musicdb-stream.toml in the user's
    /// configuration folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The data directory: database, passwords, lock of the running server
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Talk to the server at this URL instead of the one on the data directory
    #[arg(long, global = true, value_name = "URL")]
    pub(super) server: Option<String>,
    /// The control token of that server (its file control.token)
    #[arg(long, global = true, value_name = "TOKEN", requires = "server")]
    pub(super) token: Option<String>,
    /// Say more; twice: say everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Stream: library, queue, server and web page in one process, until Ctrl-C
    Serve(serve::Options),
    /// Read new and changed files into the library
    Scan(scan::Options),
    /// Show or change the queue
    Queue(queue::Options),
    /// Play
    Play,
    /// Pause
    Pause,
    /// End the current song and go on with the next one
    Next,
    /// Say what the running server does
    Status(status::Options),
    /// Print every event of the running server as it comes
    Watch(watch::Options),
    /// Search the library
    Songs(songs::Options),
    /// Walk MP3 files: frames, exact duration, formats, tags, junk
    Check(check::Options),
    /// Play PCM on this machine: received on TCP, from a raw file, or from a stream
    Monitor(monitor::Options),
    /// Print the configuration that holds, passwords masked
    Config(config::Options),
    /// Write a verified copy of the database, also while the server runs
    Backup(backup::Options),
}

impl Command {
    /// Refuses `--server` where a command would do its work here all the same.
    pub(super) fn check_server(&self, global: &Global) -> Result<(), Usage> {
        let Some(url) = &global.server else { return Ok(()) };
        let (name, does) = match self {
            Self::Serve(_) => ("serve", "starts a station on this machine"),
            Self::Check(_) => ("check", "reads files of this machine"),
            Self::Monitor(_) => ("monitor", "plays on this machine"),
            Self::Config(_) => ("config", "prints the configuration of this machine"),
            _ => return Ok(()),
        };
        Err(Usage(format!(
            "`{name}` {does} and asks no server; leave --server {url} out, or ask that server with \
             `musicdb-stream --server {url} status`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_commands_are_consistent_and_all_there() {
        let mut command = Arguments::command();
        command.build();
        command.clone().debug_assert();
        let names: Vec<_> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(
            names,
            [
                "serve", "scan", "queue", "play", "pause", "next", "status", "watch", "songs",
                "check", "monitor", "config", "backup"
            ]
        );
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        let before = parse("musicdb-stream --data /d status --json").unwrap();
        let after = parse("musicdb-stream status --json --data /d").unwrap();
        assert_eq!(before.global.data, after.global.data);
        assert!(parse("musicdb-stream --token t status").is_err(), "a token without a server");
        assert!(parse("musicdb-stream -q -v status").is_err());
    }
}
