//! The player: the streaming thread's rules as a machine without clock, file or socket.
//!
//! It is told what happened and what time it is, fills the relay, publishes events, and answers when
//! it wants to be woken.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    ack::Pending,
    answers::Answers,
    now_playing::Board,
    options::PlayerOptions,
    program::{Program, Sound},
    quiet::Quiet,
};
use crate::{
    command::Command,
    config::{AfterReconnect, OnLoss},
    deck::Opener,
    event::Event,
    ids::FrameNumber,
    keeper::{Advanced, Position, Snapshot},
    mpeg::Header,
    pace::Pacer,
    relay::{FrameKind, Group, Link, Relay},
    status::OutputState,
    subscribers::Subscribers,
};

/// How often the time is told.
const TIME_PERIOD: Duration = Duration::from_secs(1);
/// How long the first frame waits for the first song's file, so that silence has its format.
const FORMAT_PATIENCE: Duration = Duration::from_secs(1);
/// Groups without sound after which a song that should be heard no longer counts as playing.
const STARVED_GROUPS: u32 = 5;

/// What the keeper must hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A song ended; another one is current.
    Advanced(Advanced),
    /// How far the current song has been played.
    Position(Position),
    /// What was asked for last.
    Wanted(bool),
}

/// The streaming thread's rules.
pub struct Player {
    options: PlayerOptions,
    relay: Relay,
    subscribers: Subscribers,
    board: Board,
    program: Program,
    pacer: Pacer,
    quiet: Quiet,
    group: Group,
    started: Instant,
    wanted: bool,
    connected: bool,
    /// Something else is heard where the main output is.
    is_lent: bool,
    main_ups: u64,
    silent_groups: u32,
    announced: Option<(bool, bool)>,
    announce_anyway: bool,
    time_told: Option<Instant>,
    answers: Answers,
    reports: Vec<Report>,
}

impl Player {
    /// A player that begins `now`; `wanted` is what was asked for last.
    pub(super) fn new(
        options: PlayerOptions,
        wanted: bool,
        opener: Box<dyn Opener + Send>,
        outlets: (Relay, Subscribers, Board),
        now: Instant,
    ) -> Self {
        let (relay, subscribers, board) = outlets;
        let mixed = options.mixed;
        Self {
            pacer: Pacer::new(options.tick, now),
            options,
            relay,
            subscribers,
            board,
            program: Program::new(opener, mixed),
            quiet: Quiet::default(),
            group: Group::new(),
            started: now,
            wanted,
            connected: false,
            is_lent: false,
            main_ups: 0,
            silent_groups: STARVED_GROUPS,
            announced: None,
            announce_anyway: false,
            time_told: None,
            answers: Answers::default(),
            reports: Vec::new(),
        }
    }

    /// A command came.
    pub(super) fn on_command(&mut self, command: Command, ack: Pending) {
        let is_kept = match command {
            Command::Play(play) => {
                self.wanted = play;
                self.announce_anyway = true;
                self.reports.push(Report::Wanted(play));
                true
            }
            Command::PlayNextSong => self.program.skip(),
        };
        if self.is_held() || self.options.disabled || !is_kept {
            // What was asked for is known before the asker hears that it was taken.
            self.announce();
            self.answers.none(ack);
        } else {
            self.answers.wait(ack);
            self.pacer.hurry();
        }
    }

    /// Answers what can be answered; to be called when the reports were passed on.
    pub(super) fn answer(&mut self) {
        self.answers.give();
    }

    /// The queue changed.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.program.adopt(snapshot);
    }

    /// An output came or went.
    pub fn on_links(&mut self, links: &[Link]) {
        if let Some(link) = links.iter().find(|link| link.name == self.options.main_output) {
            let came_back = link.ups > self.main_ups && self.main_ups > 0;
            self.main_ups = link.ups;
            self.connected = link.up;
            self.is_lent = link.is_lent;
            if came_back && self.options.after_reconnect == AfterReconnect::Pause {
                self.wanted = false;
                self.reports.push(Report::Wanted(false));
                self.program.rewind();
            }
            if link.up && !link.is_lent {
                self.pacer.hurry();
            } else {
                self.announce();
            }
        }
        let outputs = links.iter().map(|link| OutputState {
            name: link.name.to_owned(),
            connected: link.up,
            reason: link.reason.clone(),
        });
        self.board.lock().state.outputs = outputs.collect();
    }

    /// A disk delivered: what waited for it may leave at once.
    pub fn on_arrival(&mut self) {
        if self.silent_groups > 0 && self.is_audible() {
            self.pacer.hurry();
        }
    }

    /// Sends what is due `now` and tells when to call again.
    pub fn run(&mut self, now: Instant) -> Instant {
        if self.options.disabled {
            return self.idle(now);
        }
        if let Some(behind) = self.pacer.rebase_after_stall(now) {
            tracing::warn!(
                ?behind,
                "the clock ran away (the machine or the process was stopped); going on from now"
            );
        }
        loop {
            let Some(header) = self.upcoming(now) else {
                return self.started + FORMAT_PATIENCE;
            };
            let frames = self.pacer.allowance(header, now);
            if frames == 0 {
                return self.pacer.leaves(header);
            }
            self.send_group(frames, now);
        }
    }

    /// The last word: nothing is connected and nothing plays.
    pub fn stop(&mut self) {
        self.report_position();
        self.connected = false;
        for output in &mut self.board.lock().state.outputs {
            output.connected = false;
        }
        self.announced = None;
        self.silent_groups = STARVED_GROUPS;
        self.announce();
    }

    /// What the keeper must hear, in order.
    pub fn take_reports(&mut self) -> Vec<Report> {
        let mut reports: Vec<Report> = self.program.take_reports().collect();
        reports.append(&mut self.reports);
        reports
    }

    /// A disk has delivered what [`run`](Self::run) waits for.
    pub(super) fn has_arrivals(&self) -> bool {
        let waits = self.is_audible() || !self.quiet.is_known();
        waits && self.silent_groups > 0 && !self.options.disabled && self.program.has_arrivals()
    }

    /// The header of the frame that leaves next; nothing while the first song's file is opened.
    fn upcoming(&mut self, now: Instant) -> Option<Header> {
        if self.is_audible()
            && let Sound::Frame(header) = self.program.sound(now)
        {
            return Some(header);
        }
        if !self.quiet.is_known() {
            // Before the first frame alone: what flows is never held up again.
            let has_begun = self.relay.next_frame() > 0;
            let waits = !has_begun && now < self.started + FORMAT_PATIENCE;
            if waits && self.program.is_opening() {
                return None;
            }
            if let (Some(header), Some(song)) = (self.program.header(), self.program.song()) {
                self.quiet.beside(header, song);
            }
        }
        self.quiet.header()
    }

    fn send_group(&mut self, frames: u64, now: Instant) {
        self.group.clear();
        let sounded = self.fill_group(frames, now);
        let first = self.relay.next_frame();
        self.relay.push(&self.group, now);
        self.pacer.sent(self.group.duration());
        self.silent_groups = if sounded { 0 } else { self.silent_groups.saturating_add(1) };
        self.announce();
        if self.answers.are_awaited() && self.know_effect(first, now) {
            // Told at once, and stored before they are answered.
            self.time_told = None;
        }
        self.tell_time(now);
    }

    /// What was asked for is heard from the newest group on, where that has it; true where it has.
    fn know_effect(&mut self, first: FrameNumber, now: Instant) -> bool {
        if self.is_held() {
            self.answers.no_effect();
            return true;
        }
        let song = self.group.first_of(FrameKind::Song);
        if self.is_audible() && song.is_none() && self.is_awaiting_song(now) {
            if self.answers.are_awaited() && self.program.is_carrying() {
                // The song's frame is what was asked for: it follows as soon as the lead allows.
                self.pacer.hurry();
            }
            return false;
        }
        self.answers.effect(first + song.unwrap_or(0) as u64, now);
        true
    }

    /// A song's frame will come, if not yet.
    fn is_awaiting_song(&mut self, now: Instant) -> bool {
        self.program.is_carrying() || self.program.sound(now) == Sound::Starving
    }

    /// Fills the group and tells whether a song's frame is in it.
    fn fill_group(&mut self, frames: u64, now: Instant) -> bool {
        let mut sounded = false;
        while (self.group.len() as u64) < frames {
            let sound = if self.is_audible() { self.program.sound(now) } else { Sound::Idle };
            self.mark_change();
            match sound {
                // Its frames are longer or shorter: how many of them fit in a group is another number.
                Sound::Frame(header) if self.group.changes_pace(header) => break,
                Sound::Frame(header) => {
                    if let Some((header, frame)) = self.program.next_carrier(&mut self.quiet) {
                        self.group.push(header, &frame, FrameKind::Silence);
                        continue;
                    }
                    if let Some(song) = self.program.song() {
                        self.quiet.beside(header, song);
                    }
                    if let Some((header, frame)) = self.program.take() {
                        self.group.push(header, frame, FrameKind::Song);
                        sounded = true;
                    }
                    if let Some(event) = self.program.format.take_change() {
                        self.subscribers.publish(event);
                    }
                }
                // What sounded already leaves; the rest of the group may still arrive in time.
                Sound::Starving if sounded => break,
                Sound::Starving | Sound::Idle => {
                    self.program.interrupt();
                    self.quiet.append(&mut self.group);
                }
            }
        }
        sounded
    }

    /// Where another song became current: its title, pinned to the next frame, and its time.
    fn mark_change(&mut self) {
        if !self.program.take_changed() {
            return;
        }
        let song = self.program.song();
        let title =
            song.map_or_else(|| self.options.name.clone(), |song| self.options.title.title(song));
        self.group.mark_title(&title);
        self.time_told = None;
        let mut board = self.board.lock();
        board.position_seconds = self.program.current().map_or(0.0, |side| side.time.as_seconds());
        board.entry_id = self.program.current().map(|side| side.entry.entry_id);
        board.song = self.program.song().cloned();
    }

    fn tell_time(&mut self, now: Instant) {
        // A tick before the second is over, so that what is stored is about a second old at most.
        let early = self.options.tick;
        if self.time_told.is_some_and(|told| now + early < told + TIME_PERIOD) {
            return;
        }
        self.time_told = Some(now);
        let seconds = self.program.current().map_or(0.0, |side| side.time.as_seconds());
        {
            let mut board = self.board.lock();
            board.position_seconds = seconds;
            board.stalls = self.pacer.stalls();
        }
        self.subscribers.publish(Event::TimeChanged { seconds });
        self.report_position();
    }

    fn report_position(&mut self) {
        if let Some(side) = self.program.current() {
            self.reports.push(Report::Position(side.position()));
        }
    }

    fn announce(&mut self) {
        let state = (self.connected, self.is_playing());
        {
            let mut board = self.board.lock();
            board.state.is_connected = state.0;
            board.state.is_playing = state.1;
            board.state.wanted = self.wanted;
        }
        if self.announced != Some(state) || self.announce_anyway {
            self.announced = Some(state);
            self.announce_anyway = false;
            let (is_connected, is_playing) = state;
            self.subscribers.publish(Event::StatusChanged { is_connected, is_playing });
        }
    }

    /// With `debug.disable_icecast`: no frame leaves, the time is told as 0 once a second.
    fn idle(&mut self, now: Instant) -> Instant {
        self.announce();
        let due = self.time_told.map_or(now, |told| told + TIME_PERIOD);
        if now < due {
            return due;
        }
        self.time_told = Some(now);
        self.subscribers.publish(Event::TimeChanged { seconds: 0.0 });
        now + TIME_PERIOD
    }

    fn is_held(&self) -> bool {
        self.is_lent || self.options.on_loss == OnLoss::Hold && !self.connected
    }

    fn is_audible(&self) -> bool {
        self.wanted && !self.is_held() && !self.options.disabled
    }

    fn is_playing(&self) -> bool {
        let has_song = self.program.current().is_some() || self.program.is_between_songs();
        self.is_audible() && has_song && self.silent_groups < STARVED_GROUPS
    }
}
