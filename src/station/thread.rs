//! The streaming thread: waits for commands, links, the queue, the disk and the clock together.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{
    ack::{Ack, Pending},
    now_playing::{Board, NowPlaying},
    options::PlayerOptions,
    player::{Player, Report},
};
use crate::{
    bell::Bell,
    command::{Command, CommandError},
    deck::Opener,
    event::Event,
    keeper::KeeperHandle,
    relay::{Links, Relay},
    subscribers::Subscribers,
};

/// Commands that may wait for the thread; one more is refused as busy.
pub(super) const COMMANDS_LIMIT: usize = 64;

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

/// The running streaming thread. Dropping it stops it as [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct Station {
    console: Console,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The way to give commands and to read the state. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Console {
    orders: Sender<Order>,
    bell: Bell,
    board: Board,
}

/// All that the thread listens to; each rings the bell.
pub(super) struct Ears {
    pub(super) bell: Bell,
    pub(super) orders: Receiver<Order>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) links: Links,
    pub(super) keeper: KeeperHandle,
}

impl Station {
    /// Starts the thread. `wanted` overrides what was asked for last (as `--paused` does); `bell` is
    /// the one that `opener` and `links` ring.
    ///
    /// # Errors
    /// [`StationError`]
    pub fn start(
        options: PlayerOptions,
        wanted: Option<bool>,
        (opener, bell): (Box<dyn Opener + Send>, Bell),
        keeper: KeeperHandle,
        (links, relay, subscribers): (Links, Relay, Subscribers),
    ) -> Result<Self, StationError> {
        let (orders, orders_in) = bounded(COMMANDS_LIMIT);
        let (stop, board) = (Arc::new(AtomicBool::new(false)), Board::default());
        keeper.ring(bell.clone());
        let (bell_in, stop_in) = (bell.clone(), Arc::clone(&stop));
        let ears = Ears { bell: bell_in, orders: orders_in, stop: stop_in, links, keeper };
        // Known before the thread has begun: whoever asks at once is told what will be played.
        let wanted = ears.wish(wanted);
        board.lock().state.wanted = wanted;
        let thread = thread::Builder::new().name("station".into());
        let (last_word, told) = (board.clone(), subscribers.clone());
        let outlets = (relay.clone(), subscribers, board.clone());
        let body = move || {
            let guarded = catch_unwind(AssertUnwindSafe(|| {
                let now = Instant::now();
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
        Ok(Self { console: Console { orders, bell, board }, stop, thread: Some(thread) })
    }

    /// Ends the thread after its last whole frame and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.stop.store(true, Ordering::Release);
        self.console.bell.ring();
        // A thread that ended by a fault has said so in the log.
        let _ = thread.join();
    }

    pub(super) fn console(&self) -> Console {
        self.console.clone()
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.end();
    }
}

impl Console {
    pub(super) fn give(&self, command: Command) -> Result<Ack, CommandError> {
        let (answer, ack) = Ack::new(Instant::now());
        match self.orders.try_send(Order { command, ack }) {
            Ok(()) => {
                self.bell.ring();
                Ok(answer)
            }
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
        self.hear_links(player);
        player.on_snapshot(self.keeper.snapshot());
    }

    fn attend(&self, player: &mut Player) {
        self.introduce(player);
        loop {
            let wake = player.run(Instant::now());
            self.report(player);
            if self.bell.wait_until(wake) {
                if self.stop.load(Ordering::Acquire) {
                    break;
                }
                self.hear(player);
                self.report(player);
            }
        }
        player.stop();
        self.report(player);
    }

    /// Tells the player whatever is new, in this order.
    pub(super) fn hear(&self, player: &mut Player) {
        if self.links.take_changed() {
            self.hear_links(player);
        }
        if let Some(snapshot) = self.keeper.take_news() {
            player.on_snapshot(snapshot);
        }
        // No more than were there: a flood of commands does not keep the frames waiting.
        for order in self.orders.try_iter().take(COMMANDS_LIMIT) {
            player.on_command(order.command, order.ack);
        }
        if !self.orders.is_empty() {
            self.bell.ring();
        }
        if player.has_arrivals() {
            player.on_arrival();
        }
    }

    fn hear_links(&self, player: &mut Player) {
        // Asked first: what comes meanwhile is heard the next time.
        let newest = self.links.newest();
        player.on_links(&self.links.all());
        self.links.note_heard(newest);
    }

    /// Passes on what the keeper must hear, and only then answers: who waits for a command to be
    /// stored comes behind its report.
    fn report(&self, player: &mut Player) {
        for report in player.take_reports() {
            self.pass_on(report);
        }
        player.answer();
    }

    pub(super) fn pass_on(&self, report: Report) {
        match report {
            Report::Advanced(advanced) => self.keeper.advanced(advanced),
            Report::Position(position) => self.keeper.position(position),
            Report::Wanted(wanted) => self.keeper.wanted(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        config::{AfterReconnect, Mixed, OnLoss},
        db::Database,
        deck::Track,
        keeper::{Keeper, KeeperOptions},
        song::Song,
        station::TitleForm,
    };

    /// Opens nothing; the thread holds it for as long as it runs.
    struct Held(Arc<()>);

    impl Opener for Held {
        fn open(&mut self, _: &Song, _: u64) -> Track {
            assert_eq!(Arc::strong_count(&self.0), 0, "there is no song to open");
            unreachable!()
        }
    }

    #[test]
    fn a_station_that_is_let_go_leaves_no_thread() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let subscribers = Subscribers::new();
        let keeper =
            Keeper::start(database, KeeperOptions::default(), subscribers.clone()).unwrap();
        let options = PlayerOptions {
            tick: Duration::from_millis(100),
            main_output: "mount",
            on_loss: OnLoss::Hold,
            after_reconnect: AfterReconnect::Resume,
            mixed: Mixed::Play,
            title: TitleForm::new("{title}"),
            name: String::new(),
            disabled: false,
        };
        let (bell, held) = (Bell::new(), Arc::new(()));
        let outlets = (Links::new(bell.clone()), Relay::new(), subscribers);
        let opener = Box::new(Held(Arc::clone(&held)));
        let station =
            Station::start(options, None, (opener, bell), keeper.handle(), outlets).unwrap();
        drop(station);
        assert_eq!(Arc::strong_count(&held), 1, "its thread runs on");
    }
}
