//! A life: one run of the program, from its start until it is killed.

use std::{
    collections::VecDeque,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    asked::{Asking, CALLED, Left, Turn},
    dice::Dice,
    drive::Drive,
    events::Events,
    icecast::Icecast,
    metronome::Metronome,
    model::{Model, Row, rows},
    news::News,
    plan::Plan,
    record::Record,
    witness::Witness,
};
use crate::{
    bell::Bell,
    command::Command,
    db::Database,
    ids::EntryId,
    keeper::{self, Advanced, KeeperOptions, Outcome, QueueError, Snapshot},
    library::Batch,
    relay::{LinkReporter, Links, Relay},
    station::{self, PlayerOptions, Report, TitleForm},
    subscribers::Subscribers,
};

/// After a kill, a song goes on at most so far from where it was: the design's second, on the pacer's
/// clock. A tick is no part of it, since the position is told a tick before the second is over.
const RESUME_WITHIN: Duration = Duration::from_secs(1);
/// How late the system may wake a thread.
const LATE: Duration = Duration::from_millis(300);

/// All that dies with the process.
pub(super) struct Life {
    pub(super) keeper: keeper::Stepped,
    pub(super) station: station::Stepped,
    pub(super) icecast: Option<Icecast>,
    pub(super) record: Record,
    pub(super) metronome: Metronome,
    pub(super) events: Events,
    pub(super) station_due: Instant,
    /// When the station asked to be woken.
    wake: Instant,
    pub(super) keeper_due: Option<Instant>,
    /// What was reported and is not on disk.
    pub(super) outstanding: VecDeque<Advanced>,
    /// What was heard to its last frame and is not in the history on disk.
    heard: VecDeque<Row>,
    /// How far the pacer was behind its clock in the turn that reported the newest position: frames
    /// that were due already left with it or soon after.
    behind: Duration,
    pub(super) farthest: Duration,
    /// What is wanted, as far as it was reported, and as far as that is on disk.
    reported_wanted: Option<bool>,
    pub(super) stored_wanted: Option<bool>,
    main: &'static str,
    links: Links,
    commands: Vec<Command>,
    asking: Asking,
    left: Vec<Left>,
    announces: bool,
    unplayable: [u64; 2],
    dice: Dice,
    _mount: LinkReporter,
}

/// What outlives a life.
pub(super) struct Outside<'a> {
    pub(super) drive: &'a Drive,
    pub(super) model: &'a mut Model,
    pub(super) witness: &'a mut Witness,
}

impl Life {
    /// Starts the program on what the database holds; `scanned` is written first.
    pub(super) fn start(
        plan: &Plan,
        path: &Path,
        mut dice: Dice,
        now: Instant,
        scanned: Option<Batch>,
        outside: &mut Outside<'_>,
    ) -> Self {
        let subscribers = Subscribers::new();
        let mut events = Events::new(&subscribers);
        let options = KeeperOptions {
            seed: Some(dice.roll()),
            busy_timeout: Duration::ZERO,
            ..KeeperOptions::default()
        };
        let database = Database::open(path).unwrap();
        let mut keeper = keeper::Stepped::open(&database, options, subscribers.clone());
        if let Some(batch) = scanned {
            keeper.write(batch).unwrap();
            outside.model.rows.clear();
        }
        outside.model.compare(rows(&keeper.entries()));
        outside.model.compare_history(&keeper.history(0), keeper.stamped());
        let snapshot = keeper.handle().snapshot();
        events.begin(&snapshot);

        let (relay, links) = (Relay::new(), Links::new(Bell::new()));
        let main = if plan.has_icecast { "icecast" } else { "mount" };
        let mount = links.reporter("mount");
        mount.up(0);
        let icecast = plan.has_icecast.then(|| {
            let dice = Dice::new(dice.roll());
            Icecast::new(relay.clone(), links.reporter("icecast"), dice, now)
        });
        let record = Record::new(&relay);
        let options = PlayerOptions {
            tick: plan.tick,
            main_output: main,
            on_loss: plan.on_loss,
            after_reconnect: plan.after_reconnect,
            title: TitleForm::new("{artist} - {title}"),
            name: "Station".into(),
            disabled: false,
            mixed: plan.mixed,
        };
        let outlets = (links.clone(), relay, subscribers);
        let deck = Box::new(outside.drive.clone());
        let station = station::Stepped::start(options, deck, keeper.handle(), outlets, now);
        let stored_wanted = snapshot.wanted;
        let mut life = Self {
            keeper,
            station,
            icecast,
            record,
            metronome: Metronome::new(plan.tick, now),
            events,
            station_due: now,
            wake: now,
            keeper_due: None,
            outstanding: VecDeque::new(),
            heard: VecDeque::new(),
            behind: Duration::ZERO,
            farthest: Duration::ZERO,
            reported_wanted: stored_wanted,
            stored_wanted,
            main,
            links,
            commands: Vec::new(),
            asking: Asking::default(),
            left: Vec::new(),
            announces: false,
            unplayable: [0; 2],
            dice,
            _mount: mount,
        };
        outside.witness.begin(&snapshot);
        outside.witness.hear(&life.news(now, true, Some(snapshot)));
        life
    }

    /// Somebody gives a command.
    pub(super) fn give(&mut self, command: Command, now: Instant) {
        let ack = self.station.give(command, now);
        self.asking.give(command, now, ack);
        self.commands.push(command);
    }

    /// The clock jumps, while commands wait.
    pub(super) fn jump(&mut self) {
        self.asking.jump();
    }

    fn news(&mut self, now: Instant, links: bool, snapshot: Option<Arc<Snapshot>>) -> News {
        let main = self.links.all().into_iter().find(|link| link.name == self.main);
        let link = main.filter(|_| links).map(|link| (link.up, link.ups));
        News { now, link, snapshot, commands: std::mem::take(&mut self.commands) }
    }

    /// The station's thread is awake.
    pub(super) fn station_turn(&mut self, plan: &Plan, now: Instant, outside: &mut Outside<'_>) {
        let witness = &mut *outside.witness;
        let snapshot = self.station.hears_queue().then(|| self.keeper.handle().snapshot());
        let news = self.news(now, self.station.hears_links(), snapshot);
        self.announces |= !news.commands.is_empty();
        witness.hear(&news);
        let (before, first, silent) = (witness.playing, self.record.frames(), witness.silent);
        self.metronome.begin(now);
        let (is_called, late_by) =
            (self.station.is_called(), now.saturating_duration_since(self.wake));
        self.left.clear();
        let behind = now.saturating_duration_since(self.metronome.due());

        let (wake, reports) = self.station.turn(now);

        self.record.take();
        let mut advances: VecDeque<Advanced> = VecDeque::new();
        for report in &reports {
            match report {
                Report::Advanced(advanced) => advances.push_back(advanced.clone()),
                Report::Wanted(wanted) => self.reported_wanted = Some(*wanted),
                Report::Position(_) => {}
            }
        }
        self.outstanding.extend(advances.iter().cloned());
        let unplayable = advances.iter().filter(|a| matches!(a.outcome, Outcome::Unplayable(_)));
        self.unplayable[0] += unplayable.count() as u64;
        while let Some((header, frame)) = self.record.next_frame() {
            witness.frame(header, frame, &mut advances);
            if !self.asking.is_empty() {
                self.left.push(Left::new(header, &self.metronome, witness.is_carrying()));
            }
            self.metronome.count(header);
        }
        for advanced in advances {
            witness.advance(&advanced);
        }
        self.heard.extend(witness.take_heard());
        let late = witness.playing.is_some_and(|p| outside.drive.is_late(p.song, p.next));
        witness.end(&reports, witness.silent - silent, late);

        if reports.iter().any(|report| matches!(report, Report::Position(_))) {
            self.behind = behind;
        }
        let (ahead, behind) = (witness.unreported(), self.behind);
        self.farthest = self.farthest.max(ahead.saturating_sub(behind));
        assert!(
            ahead <= RESUME_WITHIN + behind,
            "{ahead:?} were not reported, the last time {behind:?} late"
        );

        let sent = self.record.frames() - first;
        assert!(sent > 0 || now < self.wake || first == 0, "woken for nothing");
        self.wake = wake;
        self.events.read(now, self.announces);
        if self.record.frames() > 0 {
            self.metronome.end(now, (sent, witness.is_carrying()), wake);
            let same = before.zip(witness.playing).filter(|(a, b)| a.entry == b.entry);
            let range = same.map_or((0.0, f64::INFINITY), |(before, after)| {
                let sounds = |frames| witness.sounds(after.song, frames);
                (sounds(before.next.min(after.next)), sounds(after.next))
            });
            self.events.compare_formats(&witness.mount.take_changes());
            self.events.end_turn((now, plan.tick, sent > 0), &self.station.now_playing(), range);
        }
        if sent > 0 {
            self.announces = false;
            let board = self.station.now_playing();
            assert_eq!(board.state.wanted, witness.wanted, "what is wanted");
            assert_eq!(board.state.is_connected, witness.connected, "is_connected");
            assert!(!self.events.is_playing() || witness.is_audible(), "is_playing");
        }
        let turn = Turn { now, late: late_by, is_called, first, left: &self.left };
        self.asking.answer(&turn, witness);
        self.compare_skips(witness);
        if self.keeper.is_woken() && self.keeper_due.is_none() {
            let most = Duration::from_millis(if self.dice.percent(2) { 400 } else { 3 });
            self.keeper_due = Some(now + self.dice.between(Duration::from_micros(50), most));
        }
        let late = match self.dice.below(100) {
            0 => self.dice.between(Duration::from_millis(1), LATE),
            1..20 => self.dice.between(Duration::from_micros(10), Duration::from_millis(2)),
            _ => Duration::ZERO,
        };
        self.station_due = wake + late;
    }

    /// Once nothing is under way, every skip has been carried out.
    fn compare_skips(&self, witness: &Witness) {
        let is_still = !self.keeper.is_woken() && self.outstanding.is_empty();
        if is_still && !self.station.is_called() {
            assert!(witness.has_no_skips(), "a skip was not carried out");
        }
    }

    /// The keeper's thread is awake.
    pub(super) fn keeper_turn(&mut self, now: Instant, model: &mut Model) {
        self.keeper_due = None;
        self.keeper.settle(now);
        self.sync(now, model);
    }

    /// What the keeper has brought to disk is what the model says.
    pub(super) fn sync(&mut self, now: Instant, model: &mut Model) {
        let written = self.outstanding.len() - self.keeper.pending();
        if written > 0 {
            let on_disk = rows(&self.keeper.entries());
            let known = model.history.len();
            for advanced in self.outstanding.drain(..written) {
                let heard = self.heard.pop_front_if(|row| row.0 == advanced.from);
                model.advance(&advanced, heard, &on_disk);
            }
            model.compare(on_disk);
            model.compare_new_history(known, &self.keeper.history(known));
        }
        self.check(now);
    }

    /// The keeper's words agree with the disk.
    pub(super) fn check(&mut self, now: Instant) {
        self.events.read(now, self.announces);
        self.unplayable[1] += self.events.take_unplayable();
        if self.keeper.pending() == 0 {
            self.events.compare(&self.keeper.handle().snapshot());
        }
        if self.outstanding.is_empty() {
            assert_eq!(self.unplayable[0], self.unplayable[1], "SongUnplayable");
        }
        if self.keeper.is_settled() && !self.keeper.is_woken() {
            self.stored_wanted = self.reported_wanted;
        }
    }

    /// The whole history is what was heard.
    pub(super) fn compare_history(&self, model: &Model) {
        model.compare_history(&self.keeper.history(0), self.keeper.stamped());
    }

    /// The disk refused an edit: the queue is as it was.
    pub(super) fn keeper_refuses(&self, done: &Result<Option<EntryId>, QueueError>) -> bool {
        matches!(done, Err(QueueError::Db(_)))
    }

    /// All that was reported is on disk.
    pub(super) fn is_settled(&self) -> bool {
        self.keeper.is_settled() && !self.keeper.is_woken()
    }

    /// When something in it is due.
    pub(super) fn due(&mut self, now: Instant) -> Instant {
        if self.station.is_called() {
            self.station_due = self.station_due.min(now + CALLED);
        }
        let icecast = self.icecast.as_ref().and_then(Icecast::due);
        let keeper = [self.keeper_due, self.keeper.retry_at(), icecast];
        keeper.into_iter().flatten().chain([self.station_due]).min().unwrap_or(now)
    }

    /// Everything that is due `now` has its turn.
    pub(super) fn turn(&mut self, plan: &Plan, now: Instant, outside: &mut Outside<'_>) {
        if let Some(icecast) = &mut self.icecast {
            icecast.turn(now, &self.record);
        }
        let retries = self.keeper.retry_at();
        if self.keeper_due.into_iter().chain(retries).any(|due| now >= due) {
            self.keeper_turn(now, outside.model);
        }
        if now >= self.station_due {
            self.station_turn(plan, now, outside);
        }
        // What the station pushed has gone out on its own thread.
        if let Some(icecast) = &mut self.icecast {
            icecast.turn(now, &self.record);
        }
    }
}
