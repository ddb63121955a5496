//! An outlet: the thread of one sink, which opens it, supplies it and opens it anew when it was lost.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};

use super::{
    Fault, Pace, Sink,
    pcm::{Frame, RATE, move_frames},
    ring::{Ending, PcmRing, Waited},
    sink::Cut,
    supply::{Measure, Next, Supply},
};
use crate::status::SinkState;

/// Frames of the station that can wait for a sink, beside what shall wait for a device: two seconds.
const RING_FRAMES: usize = 2 * RATE as usize;
/// The same where the sink's clock is everybody's: half a second, so that what is stopped is soon
/// silent. It is more than a device queues.
const OWN_FRAMES: usize = RATE as usize / 2;
/// A sink that was lost or is not there is opened again after these times, then every time after the
/// last.
const REOPEN_AFTER: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];
/// A sink that worked for so long was well: the times begin anew.
const WELL_AFTER: Duration = Duration::from_secs(10);
/// The log has one line about underruns in so long at most.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// A wait that nothing but sound or the end shall end.
const LONG: Duration = Duration::from_secs(3600);

/// Opens a sink; called again whenever it was lost.
pub(super) type Open = Box<dyn FnMut() -> Result<Box<dyn Sink>, Fault> + Send>;

/// By whose clock the sound comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// The station's: it waits for nobody, and so many frames are kept waiting for a device.
    OfStation(usize),
    /// The device's: whoever has the sound waits for it.
    OfDevice,
}

impl Clock {
    fn capacity(self) -> usize {
        match self {
            Self::OfStation(aim) => RING_FRAMES + 2 * aim,
            Self::OfDevice => OWN_FRAMES,
        }
    }
}

/// A sink with its thread.
pub(super) struct Outlet {
    ring: Arc<PcmRing>,
    told: Arc<Told>,
    ended: Receiver<()>,
    thread: JoinHandle<()>,
}

/// What an outlet says of itself.
struct Told {
    state: Mutex<SinkState>,
    clock: Clock,
    /// Ends the sink that is open.
    cut: Mutex<Option<Cut>>,
}

impl Outlet {
    /// Starts the thread, which opens the sink.
    pub(super) fn start(name: &str, open: Open, clock: Clock) -> io::Result<Self> {
        let ring = Arc::new(PcmRing::new(clock.capacity()));
        let state = Mutex::new(SinkState { name: name.to_owned(), ..SinkState::default() });
        let told = Arc::new(Told { state, clock, cut: Mutex::default() });
        let (end, ended) = bounded(1);
        let work = Work {
            ring: Arc::clone(&ring),
            told: Arc::clone(&told),
            open,
            opened: None,
            block: Vec::new(),
            report: Report::default(),
        };
        // Linux shows 15 characters of it.
        let thread = thread::Builder::new().name(format!("monitor-{name}")).spawn(move || {
            work.run();
            let _ = end.send(());
        })?;
        Ok(Self { ring, told, ended, thread })
    }

    /// The way to it.
    pub(super) fn ring(&self) -> Arc<PcmRing> {
        Arc::clone(&self.ring)
    }

    /// How it is now.
    pub(super) fn state(&self) -> SinkState {
        let mut state = self.told.lock().clone();
        state.dropped += self.ring.dropped();
        let waiting = self.ring.len() * 1000 / RATE as usize;
        state.buffered_ms = u32::try_from(waiting).unwrap_or(u32::MAX);
        state
    }

    /// No more will come.
    pub(super) fn end(&self, ending: Ending) {
        self.ring.end(ending);
    }

    /// Ends a call of the sink that takes too long.
    pub(super) fn cut(&self) {
        self.told.cut();
    }

    /// Waits until it has ended, after [`end`](Self::end); false: it takes longer than until `deadline`,
    /// and is left behind.
    pub(super) fn join(self, deadline: Instant) -> bool {
        let has_ended = self.has_ended_within(deadline.saturating_duration_since(Instant::now()));
        if has_ended {
            // It has said that it is done: joining waits for its last instruction only.
            let _ = self.thread.join();
        }
        has_ended
    }

    /// Waits until it has ended, for `patience` at most.
    pub(super) fn has_ended_within(&self, patience: Duration) -> bool {
        // The thread sends once and then drops its end: both say the same.
        !matches!(
            self.ended.recv_timeout(patience),
            Err(crossbeam_channel::RecvTimeoutError::Timeout)
        )
    }
}

impl Told {
    /// It is open, or it is not because of this.
    fn note(&self, fault: Option<&Fault>) {
        let mut state = self.lock();
        state.is_open = fault.is_none();
        state.reason = fault.map(ToString::to_string);
        state.faults += u64::from(fault.is_some());
    }

    fn set_cut(&self, cut: Option<Cut>) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = cut;
    }

    fn cut(&self) {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cut) = cut {
            cut();
        }
    }

    fn lock(&self) -> MutexGuard<'_, SinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread owns.
struct Work {
    ring: Arc<PcmRing>,
    told: Arc<Told>,
    open: Open,
    opened: Option<Instant>,
    block: Vec<Frame>,
    report: Report,
}

/// Why a sink is no longer supplied.
enum Left {
    /// Nothing will come any more.
    Ended,
    /// Nothing came for a while.
    Idle,
    /// The station stops, or nothing more shall be heard: what a device has queued is not waited for.
    Stopped,
}

impl Work {
    fn run(mut self) {
        let mut failures = 0;
        loop {
            self.opened = None;
            let fault = match self.play(failures > 0) {
                Ok(Left::Idle) => {
                    failures = 0;
                    if self.wait_for_sound() {
                        continue;
                    }
                    return;
                }
                Ok(Left::Ended | Left::Stopped) => return,
                Err(fault) => fault,
            };
            if self.opened.is_some_and(|opened| opened.elapsed() >= WELL_AFTER) {
                failures = 0;
            }
            // What a player was given waits for the device.
            let is_station = self.told.clock != Clock::OfDevice;
            self.ring.shut(is_station);
            self.told.note(Some(&fault));
            // Once for an outage: what is tried again for hours says nothing new.
            if failures == 0 {
                let untouched = if is_station { ". The stream is not touched" } else { "" };
                tracing::warn!(sink = self.name(), "{fault}{untouched}");
            }
            if !is_station && !fault.may_pass() {
                self.ring.end(Ending::AtOnce);
            }
            let wait = REOPEN_AFTER.get(failures).or(REOPEN_AFTER.last()).copied();
            failures += 1;
            self.wait_to_try_again(wait.filter(|_| fault.may_pass()));
            if self.ring.has_ended() {
                return;
            }
        }
    }

    /// Opens the sink and supplies it until it is lost or nothing is left for it.
    fn play(&mut self, is_again: bool) -> Result<Left, Fault> {
        let mut sink = (self.open)()?;
        self.opened = Some(Instant::now());
        self.ring.shut(false);
        self.told.note(None);
        self.told.set_cut(sink.cut());
        if is_again {
            tracing::debug!(sink = self.name(), "the sink was opened again");
        }
        let left = match sink.pace() {
            Pace::Free => self.supply_freely(sink.as_mut()),
            Pace::Device { block, queue } => self.supply_device(sink.as_mut(), block, queue),
        };
        let left = match left {
            Ok(Left::Stopped) | Err(_) => left,
            Ok(left) => sink.finish().map(|()| left),
        };
        // It would hold a part of the sink.
        self.told.set_cut(None);
        self.told.lock().is_open = false;
        left
    }

    /// Waits so long, or for the end; for that alone where nothing else may help.
    fn wait_to_try_again(&self, wait: Option<Duration>) {
        while self.ring.rest(Instant::now() + wait.unwrap_or(LONG)) && wait.is_none() {}
    }

    /// The device is let go; it is opened again for the next sound. False: there will be none.
    fn wait_for_sound(&self) -> bool {
        loop {
            match self.ring.wait_for_sound(Instant::now() + LONG) {
                Waited::Got(()) => return true,
                Waited::Ended => return false,
                Waited::Late => {}
            }
        }
    }

    /// Everything as it comes.
    fn supply_freely(&mut self, sink: &mut dyn Sink) -> Result<Left, Fault> {
        loop {
            let block = &mut self.block;
            let waited = self.ring.take(Instant::now() + LONG, |waiting, _| {
                block.clear();
                move_frames(waiting, usize::MAX, block);
                (!block.is_empty()).then_some(())
            });
            match waited {
                Waited::Got(()) => sink.write(&self.block)?,
                Waited::Ended if self.ring.is_cut_short() => return Ok(Left::Stopped),
                Waited::Ended => return Ok(Left::Ended),
                Waited::Late => {}
            }
        }
    }

    /// Block for block, by the device's clock.
    fn supply_device(
        &mut self,
        sink: &mut dyn Sink,
        block: usize,
        queue: usize,
    ) -> Result<Left, Fault> {
        let (has_clock, aim) = match self.told.clock {
            Clock::OfStation(aim) => (true, aim),
            Clock::OfDevice => (false, block),
        };
        let capacity = self.told.clock.capacity();
        let mut supply = Supply::new(Measure { block, queue, aim, capacity, has_clock });
        let before = self.told.lock().clone();
        // From a hand over on, the device plays for so long before it is at its last block.
        let reserve = queue.saturating_sub(2 * block) as f64 / f64::from(RATE);
        let reserve = Duration::from_secs_f64(reserve);
        let mut last_block_at = Instant::now() + LONG;
        self.report.told = 0;
        loop {
            let filled = &mut self.block;
            let waited = self.ring.take(last_block_at, |waiting, is_last| {
                if is_last && (has_clock || waiting.is_empty()) {
                    return None;
                }
                let is_urgent = Instant::now() >= last_block_at;
                let next = supply.next(waiting, is_last, is_urgent, filled);
                (next != Next::Wait).then_some(next)
            });
            let next = match waited {
                Waited::Got(next) => next,
                Waited::Ended if has_clock || self.ring.is_cut_short() => return Ok(Left::Stopped),
                Waited::Ended => return Ok(Left::Ended),
                Waited::Late => continue,
            };
            if next == Next::Idle {
                return Ok(Left::Idle);
            }
            sink.write(&self.block)?;
            last_block_at = Instant::now() + reserve;
            let (tally, of_device) = (supply.tally(), sink.underruns());
            let underruns = tally.underruns + of_device;
            let mut told = self.told.lock();
            told.underruns = before.underruns + underruns;
            told.slipped = before.slipped + tally.slipped;
            told.dropped = before.dropped + tally.passed_over;
            drop(told);
            // Told when it is over: only then it is known how long it was.
            if underruns > self.report.told && !supply.is_dry() {
                let silent = Duration::from_secs_f64(tally.silent as f64 / f64::from(RATE));
                let name = self.name();
                self.report.tell(&name, underruns, silent, Instant::now());
            }
            if next == Next::Last {
                return Ok(Left::Ended);
            }
        }
    }

    fn name(&self) -> String {
        self.told.lock().name.clone()
    }
}

/// What the log was told of underruns.
#[derive(Debug, Default)]
struct Report {
    told: u64,
    at: Option<Instant>,
}

impl Report {
    fn tell(&mut self, sink: &str, underruns: u64, silent: Duration, now: Instant) {
        let is_early = self.at.is_some_and(|at| now.saturating_duration_since(at) < TOLD_EVERY);
        if is_early {
            return;
        }
        let silent_ms = u64::try_from(silent.as_millis()).unwrap_or(u64::MAX);
        let more = underruns - self.told;
        tracing::warn!(
            sink,
            more,
            underruns,
            silent_ms,
            "the monitor had nothing to play for a moment"
        );
        (self.told, self.at) = (underruns, Some(now));
    }
}
