//! The streaming thread: waits for commands, links, the queue, the disk and the clock together.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
    time::Instant,
};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};

use super::{
    ack::{Ack, Pending},
    now_playing::{Board, NowPlaying},
    player::{Player, PlayerOptions, Report},
};
use crate::{
    command::{Command, CommandError},
    deck::{Item, Opener},
    event::Event,
    keeper::KeeperHandle,
    relay::{Links, Relay},
    subscribers::Subscribers,
};

/// Commands that may wait for the thread; one more is refused as busy.
const COMMANDS_LIMIT: usize = 64;

/// Why the streaming thread did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StationError {
    /// The system gives no thread: end other programs or raise the limit.
    #[error(
        "the streaming thread could not be started: {0}; end other programs or raise the limit on threads"
    )]
    Thread(#[source] io::Error),
}

/// A command on its way.
pub(super) struct Order {
    pub(super) command: Command,
    pub(super) ack: Pending,
}

/// The running streaming thread.
#[derive(Debug)]
pub struct Station {
    orders: Sender<Order>,
    stop: Sender<()>,
    board: Board,
    thread: JoinHandle<()>,
}

/// The way to give commands and to read the state. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Console {
    orders: Sender<Order>,
    board: Board,
}

/// All that the thread listens to.
pub(super) struct Ears {
    pub(super) orders: Receiver<Order>,
    pub(super) stop: Receiver<()>,
    pub(super) links: Links,
    pub(super) keeper: KeeperHandle,
}

impl Station {
    /// Starts the thread. `wanted` overrides what was asked for last (as `--paused` does).
    ///
    /// # Errors
    /// [`StationError`]
    pub fn start(
        options: PlayerOptions,
        wanted: Option<bool>,
        opener: Box<dyn Opener + Send>,
        keeper: KeeperHandle,
        (links, relay, subscribers): (Links, Relay, Subscribers),
    ) -> Result<Self, StationError> {
        let (orders, orders_in) = bounded(COMMANDS_LIMIT);
        let (stop, stop_in) = bounded(1);
        let board = Board::default();
        let ears = Ears { orders: orders_in, stop: stop_in, links, keeper };
        let thread = thread::Builder::new().name("station".into());
        let (last_word, told) = (board.clone(), subscribers.clone());
        let outlets = (relay.clone(), subscribers, board.clone());
        let body = move || {
            let guarded = catch_unwind(AssertUnwindSafe(|| {
                let now = Instant::now();
                let wanted = ears.wish(wanted);
                let mut player = Player::new(options, wanted, opener, outlets, now);
                ears.attend(&mut player);
            }));
            if guarded.is_err() {
                tracing::error!(
                    "the streaming thread ended by a fault in the program; restart it and report this"
                );
                let mut board = last_word.lock();
                board.state.is_connected = false;
                board.state.is_playing = false;
                drop(board);
                let (is_connected, is_playing) = (false, false);
                told.publish(Event::StatusChanged { is_connected, is_playing });
            }
            relay.close();
        };
        let thread = thread.spawn(body).map_err(StationError::Thread)?;
        Ok(Self { orders, stop, board, thread })
    }

    /// Ends the thread after its last whole frame and waits for it.
    pub fn stop(self) {
        let _ = self.stop.try_send(());
        // A thread that ended by a fault has said so in the log.
        let _ = self.thread.join();
    }

    pub(super) fn console(&self) -> Console {
        Console { orders: self.orders.clone(), board: self.board.clone() }
    }
}

impl Console {
    pub(super) fn give(&self, command: Command) -> Result<Ack, CommandError> {
        let (answer, ack) = Ack::new(Instant::now());
        match self.orders.try_send(Order { command, ack }) {
            Ok(()) => Ok(answer),
            Err(crossbeam_channel::TrySendError::Full(_)) => Err(CommandError::Busy),
            Err(crossbeam_channel::TrySendError::Disconnected(_)) => Err(CommandError::NotRunning),
        }
    }

    pub(super) fn now_playing(&self) -> NowPlaying {
        self.board.read()
    }
}

impl Ears {
    /// What is wanted at the start, which is stored; nothing given: what was stored last.
    pub(super) fn wish(&self, wanted: Option<bool>) -> bool {
        let stored = self.keeper.snapshot().wanted;
        if let Some(wanted) = wanted {
            self.keeper.wanted(wanted);
        }
        wanted.or(stored).unwrap_or(true)
    }

    /// What a player is told before its first run.
    pub(super) fn introduce(&self, player: &mut Player) {
        player.on_links(&self.links.all());
        player.on_snapshot(self.keeper.snapshot());
    }

    fn attend(&self, player: &mut Player) {
        self.introduce(player);
        loop {
            let wake = player.run(Instant::now());
            self.report(player);
            if self.wait(player, wake) {
                break;
            }
        }
        player.stop();
        self.report(player);
    }

    /// Waits for news until `wake` and tells the player; true when it is time to stop.
    fn wait(&self, player: &mut Player, wake: Instant) -> bool {
        let snapshots = self.keeper.bell();
        let arrivals = player.arrivals().cloned();
        let mut select = Select::new();
        select.recv(&self.orders);
        select.recv(&self.stop);
        select.recv(self.links.changed());
        select.recv(&snapshots);
        if let Some(arrivals) = &arrivals {
            select.recv(arrivals);
        }
        if select.ready_deadline(wake).is_err() {
            return false;
        }
        drop(select);
        self.hear(player, arrivals.as_ref())
    }

    /// Tells the player what there is to hear, in this order; true when it is time to stop.
    pub(super) fn hear(&self, player: &mut Player, arrivals: Option<&Receiver<Item>>) -> bool {
        if self.stop.try_recv() != Err(TryRecvError::Empty) {
            return true;
        }
        if self.links.changed().try_recv().is_ok() {
            player.on_links(&self.links.all());
        }
        if self.keeper.bell().try_recv().is_ok() {
            player.on_snapshot(self.keeper.snapshot());
        }
        // No more than were there: a flood of commands does not keep the frames waiting.
        for order in self.orders.try_iter().take(COMMANDS_LIMIT) {
            player.on_command(order.command, order.ack);
        }
        if arrivals.is_some_and(|arrivals| !arrivals.is_empty()) {
            player.on_arrival();
        }
        false
    }

    fn report(&self, player: &mut Player) {
        for report in player.take_reports() {
            self.pass_on(report);
        }
    }

    pub(super) fn pass_on(&self, report: Report) {
        match report {
            Report::Advanced(advanced) => self.keeper.advanced(advanced),
            Report::Position(position) => self.keeper.position(position),
            Report::Wanted(wanted) => self.keeper.wanted(wanted),
        }
    }
}
