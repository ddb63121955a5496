//! The player: keeps the queue of one device full, and gives everything back at the end.

use std::{
    collections::VecDeque,
    mem,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{
    block::{Free, Queued},
    code::{Call, Code, lost, no_event},
    layout::Format,
    shape::Shape,
    winmm::Winmm,
};
use crate::monitor::{Fault, Pace, Sink, pcm::Frame};

/// How much longer than its queue a device may take until a block is done: one that was taken away
/// may say nothing at all.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long winmm has to give the blocks back at the end.
const GIVING_BACK: Duration = Duration::from_millis(500);
/// Silence behind the last sound, 100 ms: a block is done before the device has played the last
/// milliseconds of it, and closing drops those.
static TAIL: [Frame; 4_410] = [[0, 0]; 4_410];

/// Blocks that this process had to leave to winmm.
static LEFT_BEHIND: AtomicU64 = AtomicU64::new(0);

/// Blocks that this process had to leave to winmm, because a device that was lost never gave them
/// back. They cost their memory, 9 KB each, until the process ends.
#[must_use]
pub fn left_behind() -> u64 {
    LEFT_BEHIND.load(Ordering::Relaxed)
}

/// What the device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is paused until the queue is full: what comes in pieces would be heard with a gap behind
    /// each.
    Filling,
    /// It plays what is queued.
    Playing,
    /// A call failed, or no block came back.
    Lost,
    /// Everything was given back, apart from what winmm kept.
    Closed,
}

/// One open device and its blocks. It can go to another thread, and belongs to one at a time.
pub(super) struct Player<W: Winmm> {
    winmm: W,
    shape: Shape,
    state: State,
    /// The block that is not full yet.
    filling: Option<Free>,
    /// Blocks that came back.
    spare: Vec<Free>,
    /// Blocks that winmm has, the one that ends first at the front.
    queued: VecDeque<Queued>,
    underruns: u64,
}

impl<W: Winmm> Player<W> {
    /// Opens the device, paused.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] or [`Fault::Unusable`].
    pub(super) fn open(mut winmm: W, shape: Shape) -> Result<Self, Fault> {
        winmm.create_event().map_err(|error| no_event(&error))?;
        if let Err(code) = winmm.open(&Format::PCM) {
            winmm.close_event();
            return Err(code.at_opening(Call::Open, winmm.text(code).as_deref()));
        }
        let mut player = Self {
            winmm,
            shape,
            state: State::Filling,
            filling: None,
            spare: Vec::new(),
            queued: VecDeque::with_capacity(shape.blocks()),
            underruns: 0,
        };
        match player.winmm.pause() {
            Ok(()) => Ok(player),
            Err(code) => Err(code.at_opening(Call::Pause, player.winmm.text(code).as_deref())),
        }
    }

    /// Queues `frames` behind those that came before.
    fn take(&mut self, mut frames: &[Frame]) -> Result<(), Fault> {
        while !frames.is_empty() {
            let mut block = self.room()?;
            frames = block.put(frames);
            if block.is_full() {
                self.queue(block)?;
            } else {
                self.filling = Some(block);
            }
        }
        Ok(())
    }

    /// The block that is not full, or an empty one as soon as there is one. There are never more
    /// than the queue has, because one is made only where all that were made are winmm's.
    fn room(&mut self) -> Result<Free, Fault> {
        if let Some(block) = self.filling.take() {
            return Ok(block);
        }
        self.wait_for(self.shape.blocks() - 1)?;
        Ok(self.spare.pop().unwrap_or_else(|| Free::new(self.shape.frames())))
    }

    /// Queues a full block, and has it played where enough are there.
    fn queue(&mut self, block: Free) -> Result<(), Fault> {
        self.take_back()?;
        if self.state == State::Playing && self.queued.is_empty() {
            self.underruns += 1;
            self.hold()?;
        }
        let prepared = block.prepare(&mut self.winmm);
        let block = prepared.map_err(|code| self.lost(Call::Prepare, code))?;
        let written = block.write(&mut self.winmm);
        // Also where that failed: it is prepared, and for all we know queued.
        self.queued.push_back(block);
        written.map_err(|code| self.lost(Call::Write, code))?;
        if self.state == State::Filling && self.queued.len() == self.shape.blocks() {
            self.start()?;
        }
        Ok(())
    }

    /// Pauses the device until the queue is full.
    fn hold(&mut self) -> Result<(), Fault> {
        self.winmm.pause().map_err(|code| self.lost(Call::Pause, code))?;
        self.state = State::Filling;
        Ok(())
    }

    fn start(&mut self) -> Result<(), Fault> {
        self.winmm.restart().map_err(|code| self.lost(Call::Restart, code))?;
        self.state = State::Playing;
        Ok(())
    }

    /// Takes back all blocks that are done, in the order in which they were heard. One signal of
    /// the event may stand for several of them, or for none. Whether there were any.
    fn take_back(&mut self) -> Result<bool, Fault> {
        let before = self.queued.len();
        while let Some(block) = self.queued.pop_front_if(|block| block.is_done()) {
            match block.take_back(&mut self.winmm) {
                Ok(block) => self.spare.push(block),
                Err((block, code)) => {
                    self.queued.push_front(block);
                    return Err(self.lost(Call::Unprepare, code));
                }
            }
        }
        Ok(self.queued.len() < before)
    }

    /// Waits until at most so many blocks are queued.
    fn wait_for(&mut self, most: usize) -> Result<(), Fault> {
        let patience = self.shape.duration() + PATIENCE;
        let mut deadline = self.winmm.now() + patience;
        loop {
            if self.take_back()? {
                deadline = self.winmm.now() + patience;
            }
            if self.queued.len() <= most {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(self.winmm.now());
            if left.is_zero() {
                self.state = State::Lost;
                return Err(lost(&format!(
                    "it has played nothing for {} ms",
                    patience.as_millis()
                )));
            }
            if let Err(error) = self.winmm.wait(left) {
                self.state = State::Lost;
                return Err(lost(&format!("WaitForSingleObject says: {error}")));
            }
        }
    }

    /// Plays what is there to its end.
    fn drain(&mut self) -> Result<(), Fault> {
        self.take_back()?;
        if self.filling.is_none() && self.queued.is_empty() {
            if self.state == State::Filling {
                // Nothing was ever written.
                return Ok(());
            }
            // Everything was heard in time: the silence that follows is not late.
            self.hold()?;
        }
        self.take(&TAIL)?;
        if let Some(mut block) = self.filling.take() {
            block.pad();
            self.queue(block)?;
        }
        if self.state == State::Filling {
            self.start()?;
        }
        self.wait_for(0)
    }

    /// Has everything given back and closes the device, within [`GIVING_BACK`]. How many blocks
    /// winmm kept: they are leaked, because it may still play them.
    pub(super) fn shut(&mut self) -> usize {
        if self.state == State::Closed {
            return 0;
        }
        self.state = State::Closed;
        if let Err(code) = self.winmm.reset() {
            // Each block is asked for all the same.
            self.note(Call::Reset, code);
        }
        let deadline = self.winmm.now() + GIVING_BACK;
        loop {
            let left = deadline.saturating_duration_since(self.winmm.now());
            for block in mem::take(&mut self.queued) {
                if let Err((block, code)) = block.take_back(&mut self.winmm) {
                    self.queued.push_back(block);
                    self.note(Call::Unprepare, code);
                }
            }
            if self.queued.is_empty() || left.is_zero() || self.winmm.wait(left).is_err() {
                break;
            }
        }
        let kept = self.queued.len();
        #[cfg(planted_fault)]
        self.queued.drain(..).for_each(Queued::free_although_it_is_held);
        // A block that is still queued has no destructor.
        self.queued.clear();
        match self.winmm.close() {
            Ok(()) => self.winmm.close_event(),
            // The device may go on signalling the event.
            Err(code) => self.note(Call::Close, code),
        }
        if kept > 0 {
            LEFT_BEHIND.fetch_add(kept as u64, Ordering::Relaxed);
            tracing::warn!(
                "the sound device of Windows gave {kept} blocks of sound not back; their memory \
                 stays taken until the program ends"
            );
        }
        kept
    }

    /// The device is lost because of this call.
    fn lost(&mut self, call: Call, code: Code) -> Fault {
        self.state = State::Lost;
        code.at_playing(call, self.winmm.text(code).as_deref())
    }

    /// A call failed when nothing depended on it any more.
    fn note(&self, call: Call, code: Code) {
        tracing::debug!(%call, code = code.0, "closing the sound device of Windows");
    }
}

impl<W: Winmm> Sink for Player<W> {
    fn pace(&self) -> Pace {
        Pace::Device { block: self.shape.frames(), queue: self.shape.queue() }
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault> {
        match self.state {
            State::Filling | State::Playing => self.take(frames),
            State::Lost => Err(lost("it failed before")),
            State::Closed => Err(lost("it was closed")),
        }
    }

    fn underruns(&self) -> u64 {
        self.underruns
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let outcome = match self.state {
            State::Filling | State::Playing => self.drain(),
            State::Lost => Err(lost("it failed before")),
            State::Closed => Ok(()),
        };
        self.shut();
        outcome
    }
}

impl<W: Winmm> Drop for Player<W> {
    fn drop(&mut self) {
        self.shut();
    }
}
