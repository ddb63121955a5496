//! The fan: a few threads that own all listeners' sockets and hand the ring's bytes to each.
//!
//! ```text
//!   door ── arrival ──► worker   one epoll set, rows of seats, slots of the flush interval
//!                          └─ slot due ─► seat ─► listener ─► one send from the ring
//! ```
//!
//! A listener costs a seat and a place in a slot: no task, no buffer and no timer. Its socket is sent
//! to when its slot comes round, and watched for room only after it took less than it was shown.

#[cfg(test)]
mod day;
mod seat;
mod slots;
#[cfg(test)]
mod tests;
mod wire;
mod worker;

use std::{
    fmt, io,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Sender, bounded};
use mio::{Poll, Token, Waker};
use tokio::sync::mpsc;

pub(super) use seat::{End, Seat};
pub(super) use wire::Wire;

use crate::relay::{Relay, Tap};
use crate::server::{mount::Mount, mounts::Mounts, tick::Epoch};
use worker::Worker;

/// Orders, listeners to take over among them, that may wait for a worker.
const ORDERS: usize = 1024;
/// Threads at most: each can fill a fast network card alone.
const MOST_WORKERS: usize = 4;
/// A worker is filled so far before the next one is woken at all: with few listeners a second
/// thread would only cost wakes.
const FILL_FIRST: usize = 1000;
/// What wakes a worker for anything but a socket.
const WAKE: Token = Token(usize::MAX);

/// The workers. Dropping it ends their threads, once every listener got what is there.
#[derive(Debug)]
pub(super) struct Fan {
    hands: Vec<Hand>,
}

/// What a worker is told to do.
enum Order {
    /// Serve this listener.
    Seat(Box<Seat>),
    /// End the listener with this number.
    Kill(u32),
    /// Let all listeners of one mount go on with another.
    Move { from: Arc<Mount>, to: Arc<Mount> },
}

/// The way to one worker.
#[derive(Debug)]
struct Hand {
    orders: Sender<Order>,
    bell: Arc<Waking>,
    seats: Arc<AtomicUsize>,
}

/// Wakes a worker.
#[derive(Debug)]
pub(super) struct Waking {
    waker: Waker,
    /// Somebody has not heard anything yet: the first sound is to go at once.
    expectant: AtomicBool,
}

impl Fan {
    /// Starts the workers: as many as the machine has cores, within bounds. Each holds `alive` until
    /// its thread ends.
    ///
    /// # Errors
    /// The system gives no thread or no epoll set.
    pub(super) fn start(
        flush: Duration,
        mounts: &Arc<Mounts>,
        epoch: Epoch,
        alive: &mpsc::Sender<()>,
    ) -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        let mut hands = Vec::new();
        for number in 1..=count {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKE)?;
            let bell = Arc::new(Waking { waker, expectant: AtomicBool::new(false) });
            let (orders, taken) = bounded(ORDERS);
            let seats = Arc::new(AtomicUsize::new(0));
            let server = (Arc::clone(mounts), epoch, flush);
            let worker = Worker::new(poll, taken, Arc::clone(&bell), Arc::clone(&seats), server);
            let alive = alive.clone();
            thread::Builder::new().name(format!("fan-{number}")).spawn(move || {
                worker.run();
                drop(alive);
            })?;
            hands.push(Hand { orders, bell, seats });
        }
        let fan = Self { hands };
        for mount in mounts.all() {
            fan.follow(&mount.relay());
        }
        Ok(fan)
    }

    /// Has what comes from `relay` wake those who wait for their first sound.
    pub(super) fn follow(&self, relay: &Relay) {
        for hand in &self.hands {
            let tap: Weak<Waking> = Arc::downgrade(&hand.bell);
            relay.attach(tap as Weak<dyn Tap>);
        }
    }

    /// Ends the listener with this number. False: a worker has too much to do to be told.
    #[must_use]
    pub(super) fn kill(&self, id: u32) -> bool {
        self.tell_all(|| Order::Kill(id))
    }

    /// Lets all listeners of one mount go on with another, from a frame edge on. False: a worker
    /// has too much to do to be told.
    #[must_use]
    pub(super) fn move_all(&self, from: &Arc<Mount>, to: &Arc<Mount>) -> bool {
        self.tell_all(|| Order::Move { from: Arc::clone(from), to: Arc::clone(to) })
    }

    fn tell_all(&self, order: impl Fn() -> Order) -> bool {
        let mut are_told = true;
        for hand in &self.hands {
            are_told &= hand.orders.try_send(order()).is_ok();
            hand.bell.wake();
        }
        are_told
    }

    /// Hands a listener to the worker that shall serve it.
    ///
    /// # Errors
    /// That one has too many to take over already: here the listener is back.
    pub(super) fn take(&self, seat: Seat) -> Result<(), Box<Seat>> {
        let seats = |hand: &&Hand| hand.seats.load(Relaxed);
        let filling = self.hands.iter().find(|hand| seats(hand) < FILL_FIRST);
        let seat = Box::new(seat);
        let Some(hand) = filling.or_else(|| self.hands.iter().min_by_key(seats)) else {
            return Err(seat);
        };
        hand.seats.fetch_add(1, Relaxed);
        if let Err(unsent) = hand.orders.try_send(Order::Seat(seat)) {
            hand.seats.fetch_sub(1, Relaxed);
            return match unsent.into_inner() {
                Order::Seat(seat) => Err(seat),
                Order::Kill(_) | Order::Move { .. } => Ok(()),
            };
        }
        hand.bell.wake();
        Ok(())
    }
}

#[cfg(test)]
impl Fan {
    /// Some worker waits for the first sound.
    fn is_expectant(&self) -> bool {
        self.hands.iter().any(|hand| hand.bell.expectant.load(Relaxed))
    }
}

impl Drop for Fan {
    fn drop(&mut self) {
        for Hand { orders, bell, .. } in self.hands.drain(..) {
            // Disconnected: the worker sees the end when it looks.
            drop(orders);
            bell.wake();
        }
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seat(_) => "Seat",
            Self::Kill(_) => "Kill",
            Self::Move { .. } => "Move",
        })
    }
}

impl Waking {
    /// Has it look at what is new.
    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a thread that serves listeners cannot be woken");
        }
    }

    /// Whether the next sound shall wake it.
    fn expect(&self, expectant: bool) {
        self.expectant.store(expectant, Relaxed);
    }
}

impl Tap for Waking {
    fn pushed(&self) {
        if self.expectant.swap(false, Relaxed) {
            self.wake();
        }
    }
}
