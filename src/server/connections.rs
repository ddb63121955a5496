//! Connections of all kinds, counted as Icecast's statistics tell them.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::pending::Beside;

/// Counters since the start.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: AtomicU64,
    requests: AtomicU64,
    pages: AtomicU64,
    sources: AtomicU64,
    /// Who is there beside listeners; known once the server runs.
    pub(super) beside: OnceLock<Beside>,
}

impl Connections {
    /// Somebody has connected.
    pub(super) fn note_arrival(&self) {
        self.all.fetch_add(1, Relaxed);
    }

    /// A request has come that is no source's.
    pub(super) fn note_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// It was for a page or for the API.
    pub(super) fn note_page(&self) {
        self.pages.fetch_add(1, Relaxed);
    }

    /// A source client was let in.
    pub(super) fn note_source(&self) {
        self.sources.fetch_add(1, Relaxed);
    }

    pub(super) fn all(&self) -> u64 {
        self.all.load(Relaxed)
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    pub(super) fn pages(&self) -> u64 {
        self.pages.load(Relaxed)
    }

    pub(super) fn sources(&self) -> u64 {
        self.sources.load(Relaxed)
    }

    /// Connections at this moment that are no listener's.
    pub(super) fn beside(&self) -> usize {
        self.beside.get().map_or(0, Beside::now)
    }
}
