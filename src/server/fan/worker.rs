//! A worker: one thread that owns many listeners' sockets.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, TryRecvError};
use mio::{Events, Poll, Token};

use super::{End, Order, Seat, WAKE, Waking, slots::Slots};
use crate::server::{
    DRAIN_LIMIT,
    mounts::Mounts,
    rows::Rows,
    tick::{Epoch, Tick},
};

/// Sockets of which one wait tells at most; more are told of by the next.
const EVENTS: usize = 1024;

/// Listeners that are flushed one after the other before it is looked who has come: in a fraction of
/// a millisecond.
const RUN: usize = 32;

/// All that the thread owns.
pub(super) struct Worker {
    poll: Poll,
    orders: Receiver<Order>,
    mounts: Arc<Mounts>,
    epoch: Epoch,
    bell: Arc<Waking>,
    /// How many are served or on their way.
    count: Arc<AtomicUsize>,
    seats: Rows<Seat>,
    slots: Slots,
    /// Those who have not heard anything yet.
    expectant: Vec<u32>,
    /// Scratch memory.
    stage: Vec<u8>,
    keys: Vec<u32>,
}

impl Worker {
    pub(super) fn new(
        poll: Poll,
        orders: Receiver<Order>,
        bell: Arc<Waking>,
        count: Arc<AtomicUsize>,
        (mounts, epoch, flush): (Arc<Mounts>, Epoch, Duration),
    ) -> Self {
        Self {
            poll,
            orders,
            mounts,
            epoch,
            bell,
            count,
            seats: Rows::default(),
            slots: Slots::new(flush, Instant::now()),
            expectant: Vec::new(),
            stage: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Serves until the fan is dropped; then gives everyone what is there, for as long as
    /// [`DRAIN_LIMIT`] allows.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut stop_at = None;
        loop {
            let wake = stop_at.or_else(|| self.slots.due());
            let wait = wake.map(|wake: Instant| wake.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    tracing::error!(%error, "listeners are no longer served: the system refuses to wait for their sockets");
                    return;
                }
                _ => {}
            }
            let instant = Instant::now();
            let now = self.epoch.tick(instant);
            for event in &events {
                if event.token() == WAKE {
                    continue;
                }
                self.attend(event.token().0, event.is_readable(), event.is_writable(), now);
            }
            let is_open = self.obey(now);
            if !is_open && stop_at.is_none() {
                stop_at = Some(instant + DRAIN_LIMIT);
                self.flush_everyone(now);
            }
            if let Some(stop_at) = stop_at {
                self.end_those_who_have_all();
                if self.seats.is_empty() || instant >= stop_at {
                    break;
                }
            } else {
                self.flush_due(instant, now);
                self.flush_expectant(now);
            }
        }
        for seat in self.seats.take_all() {
            seat.end(End::Finished);
        }
    }

    /// Takes over whoever has come and does what is asked; false: the fan was dropped.
    fn obey(&mut self, now: Tick) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Seat(seat)) => self.seat(*seat, now),
                Ok(Order::Kill(id)) => {
                    let found = self.seats.iter().find(|(_, seat)| seat.id() == id);
                    if let Some(key) = found.map(|found| found.0) {
                        self.remove(key, End::Killed);
                    }
                }
                Ok(Order::Move { from, to }) => {
                    let moved = self.seats.values_mut();
                    for seat in moved.filter(|seat| Arc::ptr_eq(seat.mount(), &from)) {
                        seat.move_to(&to);
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn seat(&mut self, mut seat: Seat, now: Tick) {
        let token = self.seats.next_key();
        let Ok(key) = u32::try_from(token) else { return };
        if let Err(error) = seat.register(self.poll.registry(), Token(token)) {
            self.count.fetch_sub(1, Relaxed);
            return seat.end(End::Broken(error.kind()));
        }
        seat.set_slot(self.slots.add(key));
        self.seats.insert(seat);
        self.serve(key, |seat, stage| seat.turn(now, stage));
        if self.seats.get(key as usize).is_some_and(Seat::hears_nothing_yet) {
            self.expectant.push(key);
        }
    }

    fn attend(&mut self, key: usize, readable: bool, writable: bool, now: Tick) {
        let Ok(key) = u32::try_from(key) else { return };
        self.serve(key, |seat, stage| {
            if readable {
                seat.hear()?;
            }
            if writable { seat.on_room(now, stage) } else { Ok(()) }
        });
    }

    fn flush_due(&mut self, instant: Instant, now: Tick) {
        let mut keys = std::mem::take(&mut self.keys);
        while self.slots.take_due(instant, &mut keys) {
            for run in keys.chunks(RUN) {
                for key in run {
                    self.serve(*key, |seat, stage| seat.turn(now, stage));
                }
                // What was dropped meanwhile is seen when the loop comes round.
                let _ = self.obey(now);
            }
        }
        self.keys = keys;
    }

    /// The first sound that there is goes at once.
    fn flush_expectant(&mut self, now: Tick) {
        if self.expectant.is_empty() {
            return;
        }
        // Said before it is looked: what comes meanwhile is not missed.
        self.bell.expect(true);
        // Who has left may have been followed by another at the same key.
        self.expectant.sort_unstable();
        self.expectant.dedup();
        for key in std::mem::take(&mut self.expectant) {
            self.serve(key, |seat, stage| seat.turn(now, stage));
            if self.seats.get(key as usize).is_some_and(Seat::hears_nothing_yet) {
                self.expectant.push(key);
            }
        }
        self.bell.expect(!self.expectant.is_empty());
    }

    fn flush_everyone(&mut self, now: Tick) {
        let keys: Vec<usize> = self.seats.iter().map(|(key, _)| key).collect();
        for key in keys.into_iter().filter_map(|key| u32::try_from(key).ok()) {
            self.serve(key, |seat, stage| seat.turn(now, stage));
        }
    }

    fn end_those_who_have_all(&mut self) {
        let done = self.seats.iter().filter(|(_, seat)| !seat.is_full()).map(|(key, _)| key);
        for key in done.collect::<Vec<_>>() {
            self.remove(key, End::Finished);
        }
    }

    /// Does something for a listener, which may be its end.
    fn serve(&mut self, key: u32, work: impl FnOnce(&mut Seat, &mut Vec<u8>) -> Result<(), End>) {
        let Some(seat) = self.seats.get_mut(key as usize) else { return };
        let Err(end) = work(seat, &mut self.stage) else { return };
        if end == End::Finished
            && let Some(mount) = self.mounts.after(seat.mount())
        {
            // It was served to the end of its mount; the rest comes when its slot does.
            return seat.move_to(&mount);
        }
        self.remove(key as usize, end);
    }

    fn remove(&mut self, key: usize, end: End) {
        let Some(seat) = self.seats.remove(key) else { return };
        if let Ok(key) = u32::try_from(key) {
            self.slots.remove(seat.slot(), key);
        }
        self.count.fetch_sub(1, Relaxed);
        seat.end(end);
    }
}
