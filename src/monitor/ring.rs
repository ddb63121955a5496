//! The ring: PCM on its way from one thread to the one of a sink.
//!
//! The station's monitor never waits for a sink: what finds no room pushes the oldest out. A player of
//! its own waits for room, so that the device's clock is everybody's.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::pcm::Frame;

/// Frames between a producer and a sink.
#[derive(Debug)]
pub(super) struct PcmRing {
    shared: Mutex<Shared>,
    news: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Shared {
    frames: VecDeque<Frame>,
    dropped: u64,
    /// Nobody takes anything for now: what comes is not kept.
    is_shut: bool,
    end: Option<Ending>,
}

/// What becomes of the sound that is there when no more will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It is played.
    PlayOut,
    /// It is not.
    AtOnce,
}

/// What came of a wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited<T> {
    /// What was waited for.
    Got(T),
    /// It will never come.
    Ended,
    /// It did not come in time.
    Late,
}

impl PcmRing {
    /// Room for so many frames.
    pub(super) fn new(capacity: usize) -> Self {
        Self { shared: Mutex::default(), news: Condvar::new(), capacity }
    }

    /// Takes `frames` in without waiting; the oldest give way.
    pub(super) fn push(&self, frames: &[Frame]) {
        let mut shared = self.lock();
        if shared.is_shut || shared.end.is_some() {
            return;
        }
        let excess = (shared.frames.len() + frames.len()).saturating_sub(self.capacity);
        let old = excess.min(shared.frames.len());
        shared.frames.drain(..old);
        shared.frames.extend(frames.get(excess - old..).unwrap_or_default());
        shared.dropped += excess as u64;
        drop(shared);
        self.news.notify_all();
    }

    /// Takes `frames` in, waiting for room until `deadline`; how many found some.
    pub(super) fn offer(&self, frames: &[Frame], deadline: Instant) -> usize {
        let mut offered = 0;
        while offered < frames.len() {
            let room = |shared: &mut Shared| {
                let room = self.capacity.saturating_sub(shared.frames.len());
                let piece = frames.get(offered..).unwrap_or_default();
                let piece = piece.get(..room).unwrap_or(piece);
                if shared.end.is_some() || piece.is_empty() {
                    return None;
                }
                shared.frames.extend(piece);
                Some(piece.len())
            };
            match self.wait_for(deadline, room) {
                Waited::Got(taken) => offered += taken,
                Waited::Ended | Waited::Late => break,
            }
            self.news.notify_all();
        }
        offered
    }

    /// Waits until `look` finds what it wants among the frames, and tells it whether more will come.
    pub(super) fn take<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut VecDeque<Frame>, bool) -> Option<T>,
    ) -> Waited<T> {
        let waited = self.wait_for(deadline, |shared| {
            let is_last = shared.end.is_some();
            if shared.end == Some(Ending::AtOnce) {
                shared.frames.clear();
            }
            look(&mut shared.frames, is_last)
        });
        self.news.notify_all();
        waited
    }

    /// Waits until `deadline`, or the end; false: the end.
    pub(super) fn rest(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |_| None::<()>) == Waited::Late
    }

    /// Waits until a frame is there, or the end; false: the end.
    pub(super) fn wait_for_sound(&self, deadline: Instant) -> Waited<()> {
        self.wait_for(deadline, |shared| (!shared.frames.is_empty()).then_some(()))
    }

    /// From now on nothing that comes is kept, or it is again.
    pub(super) fn shut(&self, is_shut: bool) {
        let mut shared = self.lock();
        shared.is_shut = is_shut;
        if is_shut {
            shared.frames.clear();
        }
    }

    /// No more will come. A stricter ending may follow a milder one.
    pub(super) fn end(&self, ending: Ending) {
        let mut shared = self.lock();
        shared.end = shared.end.max(Some(ending));
        drop(shared);
        self.news.notify_all();
    }

    /// It was ended.
    pub(super) fn has_ended(&self) -> bool {
        self.lock().end.is_some()
    }

    /// It was ended, and what waited is not played.
    pub(super) fn is_cut_short(&self) -> bool {
        self.lock().end == Some(Ending::AtOnce)
    }

    /// Frames that wait.
    pub(super) fn len(&self) -> usize {
        self.lock().frames.len()
    }

    /// Frames that found no room, ever.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn wait_for<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&mut Shared) -> Option<T>,
    ) -> Waited<T> {
        let mut shared = self.lock();
        loop {
            if let Some(found) = look(&mut shared) {
                return Waited::Got(found);
            }
            if shared.end.is_some() {
                return Waited::Ended;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Waited::Late;
            }
            let waited = self.news.wait_timeout(shared, left);
            shared = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use super::*;

    fn frames(range: std::ops::Range<i16>) -> Vec<Frame> {
        range.map(|n| [n, -n]).collect()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn all(ring: &PcmRing) -> Vec<Frame> {
        let taken = ring.take(Instant::now(), |frames, _| Some(frames.drain(..).collect()));
        let Waited::Got(taken) = taken else { panic!("{taken:?}") };
        taken
    }

    #[test]
    fn what_finds_no_room_pushes_the_oldest_out_and_is_counted() {
        let ring = PcmRing::new(10);
        ring.push(&frames(0..8));
        ring.push(&frames(8..13));
        assert_eq!((ring.len(), ring.dropped()), (10, 3));
        assert_eq!(all(&ring), frames(3..13));
        ring.push(&frames(0..25));
        assert_eq!((ring.dropped(), all(&ring)), (18, frames(15..25)));
    }

    #[test]
    fn while_it_is_shut_nothing_is_kept_and_nothing_counts_as_dropped() {
        let ring = PcmRing::new(10);
        ring.push(&frames(0..5));
        ring.shut(true);
        ring.push(&frames(5..50));
        ring.shut(false);
        ring.push(&frames(50..52));
        assert_eq!((ring.dropped(), all(&ring)), (0, frames(50..52)));
    }

    #[test]
    fn an_offer_waits_for_room_and_loses_nothing() {
        let ring = Arc::new(PcmRing::new(7));
        let offered = frames(0..1000);
        let (far, sent) = (Arc::clone(&ring), offered.clone());
        let producer = thread::spawn(move || {
            let taken = far.offer(&sent, soon());
            far.end(Ending::PlayOut);
            taken
        });
        let mut heard = Vec::new();
        while let Waited::Got(frame) = ring.take(soon(), |frames, _| frames.pop_front()) {
            heard.push(frame);
        }
        assert_eq!((producer.join().unwrap(), heard), (1000, offered));
        assert_eq!(ring.dropped(), 0);
    }

    #[test]
    fn an_offer_ends_with_the_ring_or_in_time() {
        let ring = PcmRing::new(5);
        assert_eq!(ring.offer(&frames(0..8), Instant::now()), 5);
        ring.end(Ending::AtOnce);
        assert_eq!(ring.offer(&frames(0..8), soon()), 0);
    }

    #[test]
    fn an_end_at_once_leaves_nothing_to_play_and_is_not_taken_back() {
        let ring = PcmRing::new(10);
        ring.push(&frames(0..5));
        ring.end(Ending::PlayOut);
        assert_eq!(
            ring.take(soon(), |frames, is_last| is_last.then_some(frames.len())),
            Waited::Got(5)
        );
        ring.end(Ending::AtOnce);
        ring.end(Ending::PlayOut);
        assert_eq!(ring.take(soon(), |frames, _| frames.pop_front()), Waited::Ended);
        assert!(!ring.rest(soon()));
    }
}
