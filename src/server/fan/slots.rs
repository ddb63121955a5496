//! Slots: the flush interval cut into short pieces, so that the flushes of many listeners are spread
//! over it; no clock.

use std::time::{Duration, Instant};

/// Length of a slot: with ten in 250 ms each wake serves enough listeners to be worth it, and no one
/// of them waits long behind the others.
const SLOT: Duration = Duration::from_millis(25);

/// So many who come after each other are flushed after each other: what the kernel keeps of them lies
/// side by side.
const RUN: usize = 64;

/// Who is flushed when. Each key stands in one slot, and each slot comes once in every interval.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Vec<u32>>,
    /// From one slot to the next.
    step: Duration,
    next: usize,
    due: Instant,
    /// Where the last one was put.
    filling: Option<usize>,
}

impl Slots {
    /// Empty slots; the first is due one step after `now`.
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        let count = u16::try_from(interval.as_nanos() / SLOT.as_nanos()).unwrap_or(u16::MAX).max(1);
        let count = u32::from(count);
        let step = (interval / count).max(Duration::from_millis(1));
        let slots = (0..count).map(|_| Vec::new()).collect();
        Self { slots, step, next: 0, due: now + step, filling: None }
    }

    /// Puts `key` where the last one was put, for a [run](RUN) of them; then where the fewest are, and
    /// of those, where its turn comes last. Tells which slot it is.
    pub(super) fn add(&mut self, key: u32) -> u16 {
        let count = self.slots.len();
        let len = |at: usize| self.slots.get(at).map_or(0, Vec::len);
        let in_order = (0..count).map(|ahead| (self.next + ahead) % count);
        let fewest = in_order.rev().min_by_key(|at| len(*at)).unwrap_or(0);
        let filling = self.filling.filter(|at| (1..len(fewest) + RUN).contains(&len(*at)));
        let at = filling.unwrap_or(fewest);
        self.filling = Some(at);
        if let Some(slot) = self.slots.get_mut(at) {
            slot.push(key);
        }
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// Takes `key` out of the slot in which it was put.
    pub(super) fn remove(&mut self, slot: u16, key: u32) {
        let Some(slot) = self.slots.get_mut(usize::from(slot)) else { return };
        if let Some(at) = slot.iter().position(|other| *other == key) {
            slot.swap_remove(at);
        }
    }

    /// When the next slot with anyone in it is due; nothing where nobody is.
    pub(super) fn due(&self) -> Option<Instant> {
        let count = self.slots.len();
        let ahead = (0..count).find(|ahead| {
            self.slots.get((self.next + ahead) % count).is_some_and(|slot| !slot.is_empty())
        })?;
        Some(self.due + self.step * u32::try_from(ahead).unwrap_or(u32::MAX))
    }

    /// Copies to `keys` those whose turn is `now`, and goes on to the next slot; false where no slot
    /// is due. After a stall the slots that were missed follow each other at once, but not twice.
    pub(super) fn take_due(&mut self, now: Instant, keys: &mut Vec<u32>) -> bool {
        keys.clear();
        if now < self.due {
            return false;
        }
        if let Some(slot) = self.slots.get(self.next) {
            keys.extend_from_slice(slot);
        }
        self.next = (self.next + 1) % self.slots.len();
        let round = self.step * u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.due = (self.due + self.step).max(now.checked_sub(round).unwrap_or(now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(250);

    /// When each of `keys` is flushed in the first interval after `now`.
    fn turns(slots: &mut Slots, now: Instant, keys: u32) -> Vec<Vec<Duration>> {
        let mut turns = vec![Vec::new(); keys as usize];
        let mut due_now = Vec::new();
        for millis in 1..=INTERVAL.as_millis() {
            let at = now + Duration::from_millis(u64::try_from(millis).unwrap());
            while slots.take_due(at, &mut due_now) {
                for key in &due_now {
                    turns[*key as usize].push(at - now);
                }
            }
        }
        turns
    }

    #[test]
    fn everyone_has_one_turn_in_an_interval_and_they_are_spread_over_it() {
        let now = Instant::now();
        let mut slots = Slots::new(INTERVAL, now);
        for key in 0..1000 {
            slots.add(key);
        }
        let turns = turns(&mut slots, now, 1000);
        assert!(turns.iter().all(|turns| turns.len() == 1));
        for slot in 1..=10 {
            let at = Duration::from_millis(25) * slot;
            let count = turns.iter().filter(|turns| turns[0] == at).count();
            assert!((100 - RUN..=100 + RUN).contains(&count), "{count} at {at:?}");
        }
    }

    #[test]
    fn who_comes_alone_has_its_turn_a_whole_interval_later() {
        let now = Instant::now();
        let mut slots = Slots::new(INTERVAL, now);
        assert_eq!(slots.due(), None);
        slots.add(0);
        assert_eq!(slots.due(), Some(now + INTERVAL));
    }

    #[test]
    fn who_has_left_has_no_turn() {
        let now = Instant::now();
        let mut slots = Slots::new(INTERVAL, now);
        let places: Vec<u16> = (0..30).map(|key| slots.add(key)).collect();
        for key in 0..20 {
            slots.remove(places[key as usize], key);
        }
        let turns = turns(&mut slots, now, 30);
        assert_eq!(turns.iter().filter(|turns| turns.is_empty()).count(), 20);
    }

    #[test]
    fn after_a_stall_nobody_has_more_than_two_turns_at_once() {
        let now = Instant::now();
        let mut slots = Slots::new(INTERVAL, now);
        slots.add(0);
        let later = now + Duration::from_secs(60);
        let (mut keys, mut count) = (Vec::new(), 0);
        while slots.take_due(later, &mut keys) {
            count += keys.len();
        }
        assert!((1..=2).contains(&count), "{count}");
        assert!(slots.due().is_some_and(|due| due > later));
    }
}
