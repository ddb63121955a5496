//! The station without its thread: stepped by hand, on a clock of the test's own.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{
    ack::Ack,
    now_playing::{Board, NowPlaying},
    player::{Player, PlayerOptions, Report},
    thread::{Ears, Order},
};
use crate::{
    command::Command,
    deck::{Item, Opener},
    keeper::KeeperHandle,
    relay::{Links, Relay},
    subscribers::Subscribers,
};

/// As many as the thread lets wait.
const COMMANDS: usize = 64;

/// The player with the thread's ears; whoever steps it is the thread.
pub(crate) struct Stepped {
    ears: Ears,
    player: Player,
    board: Board,
    orders: Sender<Order>,
    arrivals: Option<Receiver<Item>>,
    _stop: Sender<()>,
}

impl Stepped {
    /// A station that starts `now` with what is stored.
    pub(crate) fn start(
        options: PlayerOptions,
        opener: Box<dyn Opener + Send>,
        keeper: KeeperHandle,
        (links, relay, subscribers): (Links, Relay, Subscribers),
        now: Instant,
    ) -> Self {
        let (orders, orders_in) = bounded(COMMANDS);
        let (stop, stop_in) = bounded(1);
        let board = Board::default();
        let ears = Ears { orders: orders_in, stop: stop_in, links, keeper };
        let outlets = (relay, subscribers, board.clone());
        let wanted = ears.wish(None);
        let mut player = Player::new(options, wanted, opener, outlets, now);
        ears.introduce(&mut player);
        Self { ears, player, board, orders, arrivals: None, _stop: stop }
    }

    /// Gives a command `now`.
    pub(crate) fn give(&self, command: Command, now: Instant) -> Ack {
        let (answer, ack) = Ack::new(now);
        self.orders.try_send(Order { command, ack }).unwrap();
        answer
    }

    /// Something would wake the thread.
    pub(crate) fn is_called(&self) -> bool {
        !self.ears.orders.is_empty()
            || self.hears_links()
            || self.hears_queue()
            || self.arrivals.as_ref().is_some_and(|arrivals| !arrivals.is_empty())
    }

    /// An output has changed since the station last looked.
    pub(crate) fn hears_links(&self) -> bool {
        !self.ears.links.changed().is_empty()
    }

    /// The queue has changed since the station last looked.
    pub(crate) fn hears_queue(&self) -> bool {
        !self.ears.keeper.bell().is_empty()
    }

    /// One turn of the thread: hears, sends what is due `now`, reports. When to wake it again, and
    /// what it reported.
    pub(crate) fn turn(&mut self, now: Instant) -> (Instant, Vec<Report>) {
        self.ears.hear(&mut self.player, self.arrivals.as_ref());
        let wake = self.player.run(now);
        let reports = self.player.take_reports();
        for report in &reports {
            self.ears.pass_on(report.clone());
        }
        self.arrivals = self.player.arrivals().cloned();
        (wake, reports)
    }

    pub(crate) fn now_playing(&self) -> NowPlaying {
        self.board.read()
    }
}
