//! Open files: every listener takes one, and the system limits them.

use crate::config::Server;

/// Kept for what makes the sound: songs, a scan, the database, logs, an Icecast. Some 25 are open
/// while it plays.
const FILES: u64 = 64;
/// Kept for connections that are no listeners: pages, the API, requests that are being read.
const REQUESTS: u64 = 192;
/// What macOS gives where it promises any number.
#[cfg(unix)]
const OPEN_MAX: u64 = 10_240;

/// Raises the soft limit on open files to the hard one and tells what holds then; nothing where
/// there is no limit or none is known.
#[cfg(unix)]
pub(super) fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    for wanted in [maximum, Some(OPEN_MAX)] {
        let limit = getrlimit(Resource::Nofile).current?;
        if wanted.is_some_and(|wanted| wanted <= limit) {
            break;
        }
        match setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum }) {
            Ok(()) => break,
            Err(error) => tracing::debug!(%error, ?wanted, "the limit on open files stays"),
        }
    }
    getrlimit(Resource::Nofile).current
}

/// The number of sockets on Windows has no such limit.
#[cfg(not(unix))]
pub(super) fn raise() -> Option<u64> {
    None
}

/// Lowers the numbers of connections to what fits beside songs and database under this limit, and
/// says so where it takes places from listeners.
pub(super) fn fit(server: &mut Server, limit: u64) {
    let files = FILES.min(limit / 2);
    let connections = limit - files;
    let listeners = connections - REQUESTS.min(connections / 2);
    let listeners = usize::try_from(listeners).unwrap_or(usize::MAX).max(1);
    if listeners < server.max_listeners {
        tracing::info!(
            "the limit on open files is {limit}: at most {listeners} listeners at once instead of \
             {}; raise it (LimitNOFILE in a systemd unit, `ulimit -Hn` elsewhere), or lower \
             server.max_listeners",
            server.max_listeners
        );
        server.max_listeners = listeners;
    }
    let connections = usize::try_from(connections).unwrap_or(usize::MAX);
    server.max_beside = Some(connections.saturating_sub(server.max_listeners));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(limit: u64, max_listeners: usize) -> usize {
        let mut server = Server { max_listeners, ..Server::default() };
        fit(&mut server, limit);
        let beside = server.max_beside.unwrap() as u64;
        assert!(limit < 2 || server.max_listeners as u64 + beside + FILES.min(limit / 2) <= limit);
        server.max_listeners
    }

    #[test]
    fn listeners_leave_room_for_songs_and_requests() {
        assert_eq!(fitted(1024, 10_000), 1024 - 64 - 192);
        assert_eq!(fitted(64, 10_000), 16);
        assert_eq!(fitted(524_288, 10_000), 10_000);
        assert_eq!(fitted(1024, 50), 50);
        assert_eq!(fitted(0, 10_000), 1);
        assert_eq!(fitted(u64::MAX, 10_000), 10_000);
    }

    #[cfg(unix)]
    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Enough for the tests beside this one.
        setrlimit(Resource::Nofile, Rlimit { current: Some(1000), maximum }).unwrap();
        assert_eq!(raise(), maximum);
        assert_eq!(raise(), maximum);
    }
}
