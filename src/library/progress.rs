//! How far a scan has come, readable while it runs, and the way to stop it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use serde::Serialize;

use super::ScanReport;

/// Shared between a scan and those who watch it; counts begin anew with every scan.
#[derive(Debug, Default)]
pub struct ScanProgress {
    found: AtomicU64,
    done: AtomicU64,
    walked: AtomicBool,
    running: AtomicBool,
    cancelled: AtomicBool,
    last: Mutex<Option<Result<ScanReport, String>>>,
}

/// What there is to see of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ScanView {
    /// A scan runs now.
    pub running: bool,
    /// MP3 files found until now.
    pub found: u64,
    /// Every folder has been listed: `found` grows no more.
    pub walked: bool,
    /// Files that are through.
    pub done: u64,
    /// What the last scan did, once it has ended.
    pub report: Option<ScanReport>,
    /// Why the last scan ended early, where it failed.
    pub error: Option<String>,
}

impl ScanProgress {
    /// Nothing scanned yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How far it has come.
    #[must_use]
    pub fn view(&self) -> ScanView {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ScanView {
            running: self.running.load(Relaxed),
            found: self.found.load(Relaxed),
            walked: self.walked.load(Relaxed),
            done: self.done.load(Relaxed),
            report: last.as_ref().and_then(|last| last.as_ref().ok().cloned()),
            error: last.and_then(Result::err),
        }
    }

    /// Ends the scan at once, in the middle of a file where need be, and every later one that uses
    /// this. What it wrote stays.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// One scan at a time: `false` where one runs already.
    pub(super) fn begin(&self) -> bool {
        if self.running.swap(true, Relaxed) {
            return false;
        }
        self.found.store(0, Relaxed);
        self.done.store(0, Relaxed);
        self.walked.store(false, Relaxed);
        true
    }

    pub(super) fn count_found(&self) {
        self.found.fetch_add(1, Relaxed);
    }

    pub(super) fn count_done(&self) {
        self.done.fetch_add(1, Relaxed);
    }

    pub(super) fn all_walked(&self) {
        self.walked.store(true, Relaxed);
    }

    pub(super) fn end(&self, outcome: Result<ScanReport, String>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.running.store(false, Relaxed);
    }
}
