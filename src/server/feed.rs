//! The feed: which relay a mount's listeners hear, and where each one before it ended.
//!
//! A mount may change from the station to a live show and back. All its listeners change between the
//! same two frames, each when it gets there.

use std::{
    collections::VecDeque,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU32, Ordering::Acquire, Ordering::Release},
    },
};

use crate::relay::Relay;

/// Changes after which a listener that never got to one of them goes on with the newest at once.
const REMEMBERED: usize = 8;

/// What the listeners of one mount hear.
#[derive(Debug)]
pub(super) struct Feed {
    /// The number of the newest part.
    turn: AtomicU32,
    parts: RwLock<Parts>,
}

#[derive(Debug)]
struct Parts {
    now: Part,
    /// Number of a part that has ended, and the offset at which it did.
    ended: VecDeque<(u32, u64)>,
}

/// A run of frames from one relay.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Counts the mount's parts.
    pub(super) turn: u32,
    pub(super) relay: Relay,
    /// The frame edge at which it begins.
    pub(super) from: u64,
}

impl Feed {
    /// A feed that begins with `relay` as it is.
    pub(super) fn new(relay: Relay) -> Self {
        let now = Part { turn: 0, relay, from: 0 };
        let parts = RwLock::new(Parts { now, ended: VecDeque::new() });
        Self { turn: AtomicU32::new(0), parts }
    }

    /// From the newest frame of the present part on, listeners hear `relay` from `from` on.
    pub(super) fn change(&self, relay: Relay, from: u64) {
        let mut parts = self.parts.write().unwrap_or_else(PoisonError::into_inner);
        let before = (parts.now.turn, parts.now.relay.end());
        parts.ended.push_back(before);
        if parts.ended.len() > REMEMBERED {
            parts.ended.pop_front();
        }
        parts.now = Part { turn: before.0.wrapping_add(1), relay, from };
        self.turn.store(parts.now.turn, Release);
    }

    /// The number of the newest part; cheap enough to be asked at every flush.
    pub(super) fn turn(&self) -> u32 {
        self.turn.load(Acquire)
    }

    /// The newest part.
    pub(super) fn now(&self) -> Part {
        self.parts.read().unwrap_or_else(PoisonError::into_inner).now.clone()
    }

    /// Where the part `turn` ended; nothing for the newest one, and for one that is long forgotten
    /// its very beginning.
    pub(super) fn until(&self, turn: u32) -> Option<u64> {
        let parts = self.parts.read().unwrap_or_else(PoisonError::into_inner);
        if parts.now.turn == turn {
            return None;
        }
        let ended = parts.ended.iter().find(|ended| ended.0 == turn);
        Some(ended.map_or(0, |ended| ended.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_its_relay_stood_when_the_next_began() {
        use crate::mpeg::StreamTime;
        let (first, second) = (Relay::new(), Relay::new());
        let feed = Feed::new(first.clone());
        first.push_piece(&[0; 700], StreamTime::ZERO, std::time::Instant::now());
        assert_eq!(feed.until(0), None);
        feed.change(second, 0);
        first.push_piece(&[0; 700], StreamTime::ZERO, std::time::Instant::now());
        assert_eq!((feed.turn(), feed.until(0), feed.until(1)), (1, Some(700), None));
    }

    #[test]
    fn parts_that_are_long_gone_are_forgotten_and_have_no_frame_left() {
        let feed = Feed::new(Relay::new());
        for _ in 0..3 * REMEMBERED {
            feed.change(Relay::new(), 0);
        }
        assert_eq!(feed.until(0), Some(0));
        assert_eq!(feed.parts.read().unwrap().ended.len(), REMEMBERED);
    }
}
