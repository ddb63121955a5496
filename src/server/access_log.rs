//! The access log: a line for each connection that has ended, written by a thread of its own.
//!
//! Whoever has a line puts it into a bounded queue and goes on: a disk that hangs costs lines, which
//! are counted, and nothing else.

use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::oneshot;

use super::{journal::Journal, request::Request};
use crate::icy::{AccessLine, MAX_LOGGED, date::Date, logged_request};

/// Lines that may wait for the disk; of a kilobyte at most.
const QUEUE: usize = 4096;
/// Lines that are written together.
const BATCH: usize = 256;
/// That lines were lost is said at most so often.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The way to the log; clones share it. The default one goes nowhere.
#[derive(Debug, Clone, Default)]
pub(super) struct AccessLog {
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    lines: RwLock<Option<Sender<String>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
    lost: AtomicU64,
    told: Mutex<Option<Instant>>,
}

/// What the log will say of a connection, known from its request on.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    address: IpAddr,
    request: String,
    referer: String,
    user_agent: String,
    since: Instant,
}

impl AccessLog {
    /// A log to the end of the file at `path`, which need not be there yet.
    pub(super) fn start(path: &Path) -> Self {
        let (lines, taken) = bounded(QUEUE);
        let (end, ended) = oneshot::channel();
        let journal = Journal::new(path.to_owned());
        let started = thread::Builder::new().name("access".into()).spawn(move || {
            write_all(&taken, journal);
            // Nobody may wait for it any more.
            let _ = end.send(());
        });
        if let Err(error) = started {
            tracing::error!(%error, "there is no access log: the system gives no thread. Raise the limit of processes (ulimit -u)");
            return Self::default();
        }
        let shared = Shared {
            lines: RwLock::new(Some(lines)),
            ended: Mutex::new(Some(ended)),
            lost: AtomicU64::new(0),
            told: Mutex::new(None),
        };
        Self { shared: Some(Arc::new(shared)) }
    }

    /// There is one.
    pub(super) fn is_kept(&self) -> bool {
        self.shared.is_some()
    }

    /// What will be said of a connection, where there is a log.
    pub(super) fn visit(&self, request: &Request, peer: IpAddr, since: Instant) -> Option<Visit> {
        self.is_kept().then(|| Visit::of(request, peer, since))
    }

    /// A connection that was no listener's has ended.
    pub(super) fn note(&self, visit: &Visit, status: u16, bytes: u64) {
        self.write(&AccessLine {
            address: visit.address,
            user: "",
            ended: Date::of(SystemTime::now()),
            request: &visit.request,
            status,
            bytes,
            referer: &visit.referer,
            user_agent: &visit.user_agent,
            seconds: visit.since.elapsed().as_secs(),
        });
    }

    /// Writes a line, or counts it as lost.
    pub(super) fn write(&self, line: &AccessLine<'_>) {
        let Some(shared) = &self.shared else { return };
        let lines = shared.lines.read().unwrap_or_else(PoisonError::into_inner);
        if lines.as_ref().is_some_and(|lines| lines.try_send(line.text()).is_err()) {
            shared.lost.fetch_add(1, Relaxed);
            shared.tell_of_losses(Instant::now());
        }
    }

    /// Takes no line any more; what is returned ends when all that were taken are written.
    pub(super) fn close(&self) -> Option<oneshot::Receiver<()>> {
        let shared = self.shared.as_ref()?;
        shared.lines.write().unwrap_or_else(PoisonError::into_inner).take();
        shared.ended.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Shared {
    fn tell_of_losses(&self, now: Instant) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY) {
            return;
        }
        *told = Some(now);
        let lost = self.lost.load(Relaxed);
        tracing::warn!(lost, "the access log loses lines: its disk does not take them in time");
    }
}

impl Visit {
    pub(super) fn of(request: &Request, peer: IpAddr, since: Instant) -> Self {
        let user_agent = request.user_agent.clone().unwrap_or_default();
        Self {
            address: peer.to_canonical(),
            request: logged_request(&request.line),
            referer: referer(request),
            user_agent,
            since,
        }
    }

    /// The request line as it is logged.
    pub(super) fn request(&self) -> &str {
        &self.request
    }

    /// Where the link was.
    pub(super) fn referer(&self) -> &str {
        &self.referer
    }
}

fn referer(request: &Request) -> String {
    request.header("referer").unwrap_or_default().chars().take(MAX_LOGGED).collect()
}

/// Writes what comes until nobody can send any more.
fn write_all(lines: &Receiver<String>, mut journal: Journal) {
    while let Ok(mut batch) = lines.recv() {
        lines.try_iter().take(BATCH).for_each(|line| batch.push_str(&line));
        journal.write(batch.as_bytes(), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_was_taken_is_written_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::start(&path);
        let request = Request { line: "GET /a?password=b HTTP/1.1".into(), ..Request::default() };
        let visit = log.visit(&request, [192, 0, 2, 1].into(), Instant::now()).unwrap();
        (0..1000).for_each(|bytes| log.note(&visit, 200, bytes));
        log.close().unwrap().blocking_recv().unwrap();
        log.note(&visit, 200, 1);
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().count(), 1000);
        assert!(
            text.lines().last().unwrap().ends_with("\"GET /a HTTP/1.1\" 200 999 \"-\" \"-\" 0")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_that_hangs_costs_lines_and_no_time() {
        // Nobody reads the pipe: opening it hangs.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let log = AccessLog::start(&path);
        let request = Request { line: "GET / HTTP/1.1".into(), ..Request::default() };
        let visit = log.visit(&request, [192, 0, 2, 1].into(), Instant::now()).unwrap();
        let begun = Instant::now();
        (0..2 * QUEUE).for_each(|_| log.note(&visit, 200, 0));
        assert!(begun.elapsed() < Duration::from_secs(5));
        let lost = log.shared.as_ref().unwrap().lost.load(Relaxed);
        assert!(lost >= u64::try_from(QUEUE - BATCH - 2).unwrap(), "{lost}");
    }

    #[test]
    fn without_a_log_nothing_is_kept() {
        let log = AccessLog::default();
        assert!(log.visit(&Request::default(), [127, 0, 0, 1].into(), Instant::now()).is_none());
        assert!(log.close().is_none());
    }
}
