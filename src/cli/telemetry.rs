//! Logs: on stderr, written by a thread of their own so that no slow terminal holds the music up.

use std::io::{self, IsTerminal};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use super::arguments::Global;

/// Lines that may wait for a slow terminal; more are dropped and counted.
const WAITING_LINES: usize = 8192;

/// Starts them; they end, all written, when the guard is dropped. `RUST_LOG` goes before the
/// flags. A server tells more; the other commands tell
/// their outcome themselves.
pub(super) fn start(global: &Global, serves: bool) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("logs")
        .finish(io::stderr());
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level(global, serves)));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_target(global.verbose > 0)
        .with_writer(writer)
        .finish();
    // It fails only where a program that embeds this one has a subscriber already: that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    guard
}

fn level(global: &Global, serves: bool) -> &'static str {
    match (global.quiet, global.verbose, serves) {
        // What failed is said in one line, once.
        (true, _, false) | (_, 0, false) => "off",
        (true, ..) => "error",
        (_, 0, true) => "warn,musicdb_stream=info",
        (_, 1, _) => "info,musicdb_stream=debug",
        _ => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_a_filter() {
        for (quiet, verbose) in [(true, 0), (false, 0), (false, 1), (false, 2), (false, 9)] {
            for serves in [false, true] {
                let global = Global { quiet, verbose, ..Global::default() };
                EnvFilter::builder().parse(level(&global, serves)).unwrap();
            }
        }
    }
}
