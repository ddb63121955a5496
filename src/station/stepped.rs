//! The station without its thread: stepped by hand, on a clock of the test's own.

use std::{sync::Arc, time::Instant};

use crossbeam_channel::{Sender, bounded};

use super::{
    ack::Ack,
    now_playing::{Board, NowPlaying},
    options::PlayerOptions,
    player::{Player, Report},
    thread::{COMMANDS_LIMIT, Ears, Order},
};
use crate::{
    bell::Bell,
    command::Command,
    deck::Opener,
    keeper::KeeperHandle,
    relay::{Links, Relay},
    subscribers::Subscribers,
};

/// The player with the thread's ears; whoever steps it is the thread.
pub(crate) struct Stepped {
    ears: Ears,
    player: Player,
    board: Board,
    orders: Sender<Order>,
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
        let (orders, orders_in) = bounded(COMMANDS_LIMIT);
        let (stop, board) = (Arc::default(), Board::default());
        let ears = Ears { bell: Bell::new(), orders: orders_in, stop, links, keeper };
        let outlets = (relay, subscribers, board.clone());
        let wanted = ears.wish(None);
        let mut player = Player::new(options, wanted, opener, outlets, now);
        ears.introduce(&mut player);
        Self { ears, player, board, orders }
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
            || self.player.has_arrivals()
    }

    /// An output has changed since the station last looked.
    pub(crate) fn hears_links(&self) -> bool {
        self.ears.links.has_changed()
    }

    /// The queue has changed since the station last looked.
    pub(crate) fn hears_queue(&self) -> bool {
        self.ears.keeper.has_news()
    }

    /// One turn of the thread: hears, sends what is due `now`, reports. When to wake it again, and
    /// what it reported.
    pub(crate) fn turn(&mut self, now: Instant) -> (Instant, Vec<Report>) {
        if self.is_called() {
            self.ears.hear(&mut self.player);
        }
        let mut reports = self.report();
        let wake = self.player.run(now);
        reports.append(&mut self.report());
        (wake, reports)
    }

    fn report(&mut self) -> Vec<Report> {
        let reports = self.player.take_reports();
        reports.iter().for_each(|report| self.ears.pass_on(report.clone()));
        self.player.answer();
        reports
    }

    pub(crate) fn now_playing(&self) -> NowPlaying {
        self.board.read()
    }
}
