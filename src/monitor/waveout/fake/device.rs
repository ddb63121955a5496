//! The device behind the fake driver: a queue that is played by a clock which only tests move.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io, slice,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::Failing;
use crate::monitor::{
    pcm::{Frame, RATE},
    waveout::{
        code::{Call, Code},
        layout::{DONE, Header, IN_QUEUE},
    },
};

/// WHDR_PREPARED.
const PREPARED: u32 = 2;

/// What devices of ended tests still have: a leak that is meant must be none to a leak checker.
static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// How the device behaves; by default as it should.
#[derive(Debug, Clone, Default)]
pub(crate) struct Habits {
    pub(crate) failing: Vec<Failing>,
    /// It looks at its queue only so often: several blocks may be done by then.
    pub(crate) grain: Duration,
    /// It signals the event so often without a reason.
    pub(crate) nervous: Option<Duration>,
    /// It plays so many blocks, and then says nothing any more, whatever is asked of it.
    pub(crate) dies_after: Option<usize>,
    /// A write that fails has put the block into the queue all the same.
    pub(crate) takes_what_it_refuses: bool,
    /// There is no event to be had.
    pub(crate) has_no_event: bool,
    /// The event breaks after so many waits.
    pub(crate) event_breaks_after: Option<usize>,
}

/// The device, its event and all that was seen of it.
#[derive(Debug)]
pub(crate) struct Device {
    habits: Habits,
    base: Instant,
    now: Duration,
    /// When the first block of the queue begins, or began.
    begins: Duration,
    is_paused: bool,
    is_signalled: bool,
    prepared: HashSet<usize>,
    queue: VecDeque<*mut Header>,
    calls: HashMap<Call, usize>,
    waits: usize,
    played: usize,
    /// All sound that was played.
    pub(crate) heard: Vec<Frame>,
    /// How long it had nothing to play in between.
    pub(crate) gaps: Vec<Duration>,
    /// How many blocks were in the queue whenever it began to play.
    pub(crate) begun_with: Vec<usize>,
    pub(crate) has_event: bool,
    pub(crate) is_open: bool,
}

// SAFETY: the pointers are of no thread.
unsafe impl Send for Device {}

impl Device {
    pub(super) fn new(habits: Habits) -> Self {
        Self {
            habits,
            base: Instant::now(),
            now: Duration::ZERO,
            begins: Duration::ZERO,
            is_paused: false,
            is_signalled: false,
            prepared: HashSet::new(),
            queue: VecDeque::new(),
            calls: HashMap::new(),
            waits: 0,
            played: 0,
            heard: Vec::new(),
            gaps: Vec::new(),
            begun_with: Vec::new(),
            has_event: false,
            is_open: false,
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn instant(&self) -> Instant {
        self.base + self.now
    }

    /// How often a call was made, with success or without.
    pub(crate) fn count(&self, call: Call) -> usize {
        self.calls.get(&call).copied().unwrap_or_default()
    }

    /// Headers that were prepared and not unprepared.
    pub(crate) fn holds(&self) -> usize {
        self.prepared.len()
    }

    fn is_dead(&self) -> bool {
        self.habits.dies_after.is_some_and(|blocks| self.played >= blocks)
    }

    /// Counts a call; the code with which it fails.
    fn called(&mut self, call: Call) -> Result<(), Code> {
        let count = self.calls.entry(call).or_default();
        *count += 1;
        let fails = |rule: &&Failing| rule.call == call && *count > rule.after;
        match self.habits.failing.iter().find(fails) {
            Some(rule) => Err(Code(rule.code)),
            // What the system says of a handle that is not open.
            None if !self.is_open && call != Call::Open => Err(Code(5)),
            None => Ok(()),
        }
    }

    pub(super) fn create_event(&mut self) -> io::Result<()> {
        if self.habits.has_no_event {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.has_event = true;
        Ok(())
    }

    pub(super) fn close_event(&mut self) {
        assert!(self.has_event && !self.is_open, "the device may signal the event");
        self.has_event = false;
    }

    pub(super) fn open(&mut self) -> Result<(), Code> {
        self.called(Call::Open)?;
        assert!(self.has_event);
        (self.is_open, self.is_signalled) = (true, true);
        Ok(())
    }

    pub(super) fn prepare(&mut self, header: *mut Header) -> Result<(), Code> {
        self.called(Call::Prepare)?;
        assert_eq!(flags(header).load(Ordering::Acquire), 0, "a header that was not zeroed");
        assert!(self.prepared.insert(header.addr()), "a header that is in use");
        flags(header).store(PREPARED, Ordering::Release);
        Ok(())
    }

    pub(super) fn write(&mut self, header: *mut Header) -> Result<(), Code> {
        let outcome = self.called(Call::Write);
        if outcome.is_ok() || self.habits.takes_what_it_refuses {
            assert!(self.prepared.contains(&header.addr()), "a header that was not prepared");
            assert!(!self.queue.contains(&header), "a header that is queued");
            if self.queue.is_empty() && !self.is_paused {
                self.begin();
            }
            flags(header).fetch_or(IN_QUEUE, Ordering::AcqRel);
            self.queue.push_back(header);
        }
        outcome
    }

    pub(super) fn unprepare(&mut self, header: *mut Header) -> Result<(), Code> {
        self.called(Call::Unprepare)?;
        if self.queue.contains(&header) {
            return Err(Code::STILL_PLAYING);
        }
        assert!(self.prepared.remove(&header.addr()), "a header that was not prepared");
        flags(header).fetch_and(!PREPARED, Ordering::AcqRel);
        Ok(())
    }

    pub(super) fn pause(&mut self) -> Result<(), Code> {
        self.called(Call::Pause)?;
        assert!(self.queue.is_empty(), "a player pauses only where nothing plays");
        self.is_paused = true;
        Ok(())
    }

    pub(super) fn restart(&mut self) -> Result<(), Code> {
        self.called(Call::Restart)?;
        self.is_paused = false;
        self.begun_with.push(self.queue.len());
        self.begin();
        Ok(())
    }

    pub(super) fn reset(&mut self) -> Result<(), Code> {
        self.called(Call::Reset)?;
        if !self.is_dead() {
            for header in self.queue.drain(..) {
                give_back(header);
            }
            self.is_signalled = true;
        }
        Ok(())
    }

    pub(super) fn close(&mut self) -> Result<(), Code> {
        self.called(Call::Close)?;
        if !self.queue.is_empty() {
            return Err(Code::STILL_PLAYING);
        }
        (self.is_open, self.is_signalled) = (false, true);
        Ok(())
    }

    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<()> {
        assert!(self.has_event);
        self.waits += 1;
        if self.habits.event_breaks_after.is_some_and(|waits| self.waits > waits) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let end = self.now + limit;
        while !self.is_signalled {
            let next = [self.next_done(), self.next_twitch()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.run(end);
                return Ok(());
            };
            self.run(next);
        }
        self.is_signalled = false;
        Ok(())
    }

    /// Time goes on until then.
    pub(super) fn run(&mut self, end: Duration) {
        while let Some(done) = self.next_done().filter(|done| *done <= end) {
            self.now = done.max(self.now);
            self.play_one();
            self.is_signalled = true;
        }
        self.is_signalled |= self.next_twitch().is_some_and(|twitch| twitch <= end);
        self.now = end.max(self.now);
    }

    /// The queue begins to play now, behind a gap unless it is the first time.
    fn begin(&mut self) {
        if !self.heard.is_empty() && self.now > self.begins {
            self.gaps.push(self.now - self.begins);
        }
        self.begins = self.begins.max(self.now);
    }

    /// When the first block is seen to be done.
    fn next_done(&self) -> Option<Duration> {
        let first = self.queue.front().filter(|_| !self.is_paused && !self.is_dead())?;
        let done = self.begins + length(sound(*first));
        let grain = self.habits.grain.as_nanos().max(1);
        let nanos = done.as_nanos().div_ceil(grain) * grain;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap()))
    }

    fn next_twitch(&self) -> Option<Duration> {
        let every = self.habits.nervous?.as_nanos();
        let nanos = (self.now.as_nanos() / every + 1) * every;
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap()))
    }

    fn play_one(&mut self) {
        let header = self.queue.pop_front().unwrap();
        let sound = sound(header);
        self.heard.extend_from_slice(sound);
        self.begins += length(sound);
        self.played += 1;
        give_back(header);
    }
}

impl Drop for Device {
    /// The player is gone, and the driver plays on: it reads the sound that it has, and writes the
    /// flags.
    fn drop(&mut self) {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        for header in self.queue.drain(..) {
            self.heard.extend_from_slice(sound(header));
            give_back(header);
            kept.extend([header.expose_provenance(), sound(header).as_ptr().expose_provenance()]);
        }
        kept.extend(self.prepared.drain());
    }
}

fn flags(header: *mut Header) -> &'static AtomicU32 {
    // SAFETY: the player has promised that it is there while the device has it.
    let flags = unsafe { &raw mut (*header).flags };
    // SAFETY: aligned as in C, and read by others as an atomic.
    unsafe { AtomicU32::from_ptr(flags) }
}

fn give_back(header: *mut Header) {
    let before = flags(header).load(Ordering::Acquire);
    flags(header).store(before & !IN_QUEUE | DONE, Ordering::Release);
}

fn sound<'a>(header: *mut Header) -> &'a [Frame] {
    // SAFETY: as in `flags`.
    let (data, bytes) = unsafe { ((*header).data, (*header).bytes as usize) };
    assert!(bytes > 0 && bytes.is_multiple_of(size_of::<Frame>()), "{bytes} bytes of sound");
    // SAFETY: the player has promised that so many bytes are there, and that nobody writes them.
    unsafe { slice::from_raw_parts(data.cast(), bytes / size_of::<Frame>()) }
}

fn length(sound: &[Frame]) -> Duration {
    Duration::from_nanos(sound.len() as u64 * 1_000_000_000 / u64::from(RATE))
}
