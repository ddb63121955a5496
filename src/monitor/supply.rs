//! The supply: what a device's next block holds; no device, no thread and no clock.
//!
//! A device plays whether or not there is something to play. While sound waits it gets that, with a
//! frame more or less where its clock is another; once nothing waits it gets silence, until there is
//! enough again that one late group does not end in the next gap.

use std::collections::VecDeque;

use super::{
    drift::{Drift, double_one, leave_one_out},
    pcm::{Frame, RATE, move_frames},
};

/// Silence for so many frames, five seconds, and a device is let go until sound comes.
const IDLE_AFTER: usize = 5 * RATE as usize;

/// What a device takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// Frames of one block.
    pub(super) block: usize,
    /// Frames that the device queues.
    pub(super) queue: usize,
    /// Frames that shall wait for it.
    pub(super) aim: usize,
    /// Frames that can wait for it.
    pub(super) capacity: usize,
    /// The sound comes by a clock of its own, and what waits is kept at its aim.
    pub(super) has_clock: bool,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Hand the block over.
    Block,
    /// Wait: there is not enough yet, and the device plays nothing, or has other blocks still.
    Wait,
    /// It was silent for so long that the device can be let go.
    Idle,
    /// Hand the block over: it is the last one.
    Last,
}

/// What happened, for those who ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How often nothing was there when the device needed it.
    pub(super) underruns: u64,
    /// Frames of silence that were played in their place.
    pub(super) silent: u64,
    /// Frames that were left out or doubled.
    pub(super) slipped: u64,
    /// Frames that were passed over because far too many waited.
    pub(super) passed_over: u64,
}

/// Fills blocks.
#[derive(Debug)]
pub(super) struct Supply {
    measure: Measure,
    drift: Drift,
    state: State,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until there is enough to begin with.
    Filling,
    Playing,
    /// Silence since so many frames.
    Dry(usize),
}

impl Supply {
    /// For a device that plays nothing yet.
    pub(super) fn new(measure: Measure) -> Self {
        let drift = Drift::new(measure.aim);
        Self { measure, drift, state: State::Filling, tally: Tally::default() }
    }

    /// Nothing waits, and silence is played.
    pub(super) fn is_dry(&self) -> bool {
        matches!(self.state, State::Dry(_))
    }

    /// What has happened.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Fills `block` from `waiting`, to which nothing is added any more where `is_last`. Where
    /// `is_urgent`, the device is at its last block.
    pub(super) fn next(
        &mut self,
        waiting: &mut VecDeque<Frame>,
        is_last: bool,
        is_urgent: bool,
        block: &mut Vec<Frame>,
    ) -> Next {
        block.clear();
        let Measure { block: size, queue, aim, capacity, has_clock } = self.measure;
        if is_last && waiting.len() <= size {
            move_frames(waiting, size, block);
            return Next::Last;
        }
        match self.state {
            State::Filling if waiting.len() < (aim + queue).min(capacity) && !is_last => {
                return Next::Wait;
            }
            State::Filling => self.state = State::Playing,
            State::Dry(_) if waiting.len() >= aim || is_last => {
                self.drift.reset();
                self.state = State::Playing;
            }
            State::Dry(silent) if silent >= IDLE_AFTER => {
                self.state = State::Filling;
                return Next::Idle;
            }
            State::Dry(silent) => {
                self.state = State::Dry(silent + size);
                self.pad(block);
                return Next::Block;
            }
            State::Playing => {}
        }
        if waiting.len() < size && !is_urgent {
            return Next::Wait;
        }
        let slip = if has_clock && !is_last { self.drift.slip(waiting.len()) } else { 0 };
        if has_clock && self.drift.is_far_above(capacity) {
            let excess = waiting.len().saturating_sub(aim);
            waiting.drain(..excess);
            self.tally.passed_over += excess as u64;
            self.drift.reset();
        }
        let wanted = size.saturating_add_signed(slip as isize);
        if waiting.len() < wanted {
            self.tally.underruns += 1;
            self.state = State::Dry(0);
            move_frames(waiting, wanted, block);
            self.pad(block);
            return Next::Block;
        }
        move_frames(waiting, wanted, block);
        for _ in 0..slip.unsigned_abs() {
            if slip > 0 { leave_one_out(block) } else { double_one(block) }
        }
        self.tally.slipped += u64::from(slip.unsigned_abs());
        Next::Block
    }

    fn pad(&mut self, block: &mut Vec<Frame>) {
        self.tally.silent += (self.measure.block.saturating_sub(block.len())) as u64;
        block.resize(self.measure.block, [0, 0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 2205;
    const MEASURE: Measure = Measure {
        block: BLOCK,
        queue: 4 * BLOCK,
        aim: 4 * BLOCK,
        capacity: 88_200,
        has_clock: true,
    };
    /// Frames that come at once: four of MPEG-1.
    const GROUP: usize = 4 * 1152;

    /// A station and a card, on a clock of the test's own.
    struct Room {
        supply: Supply,
        waiting: VecDeque<Frame>,
        heard: Vec<Frame>,
        /// An hour of it would take a gigabyte.
        keeps_all: bool,
        pushed: usize,
        /// How many blocks the card has queued.
        queued: usize,
        least: usize,
        most: usize,
    }

    impl Room {
        fn new() -> Self {
            Self {
                supply: Supply::new(MEASURE),
                waiting: VecDeque::new(),
                heard: Vec::new(),
                keeps_all: true,
                pushed: 0,
                queued: 0,
                least: usize::MAX,
                most: 0,
            }
        }

        fn push(&mut self) {
            if self.keeps_all {
                let number = |at: usize| i16::try_from(at % 30_000).unwrap();
                let (from, to) = (self.pushed, self.pushed + GROUP);
                self.waiting.extend((from..to).map(|at| [number(at), 1]));
                self.pushed = to;
            } else {
                self.waiting.extend(&[[1, 1]; GROUP]);
            }
        }

        /// As the sink's thread does: fills the card's queue.
        fn fill(&mut self) -> bool {
            let mut block = Vec::new();
            while self.queued < 4 {
                let is_urgent = self.queued <= 1;
                match self.supply.next(&mut self.waiting, false, is_urgent, &mut block) {
                    Next::Block => {
                        assert_eq!(block.len(), BLOCK);
                        if self.keeps_all {
                            self.heard.extend_from_slice(&block);
                        }
                        self.queued += 1;
                    }
                    _ => return false,
                }
            }
            self.least = self.least.min(self.waiting.len());
            self.most = self.most.max(self.waiting.len());
            true
        }

        /// So many seconds with a card whose clock is off by `ppm`; from `stall` on the station
        /// pushes nothing for 0.7 s and then what is overdue.
        fn run(&mut self, seconds: f64, ppm: f64, stall: f64) {
            let block = BLOCK as f64 / 44_100.0 / (1.0 + ppm * 1e-6);
            let group = GROUP as f64 / 44_100.0;
            // When a group is pushed that is due then.
            let pushed =
                |due: f64| if (stall..stall + 0.7).contains(&due) { stall + 0.7 } else { due };
            let (mut due, mut done, mut now) = (0.0, f64::MAX, 0.0);
            while now < seconds {
                now = pushed(due).min(done);
                while pushed(due) <= now {
                    self.push();
                    due += group;
                }
                if done <= now {
                    self.queued -= 1;
                    done += block;
                }
                if self.fill() && done == f64::MAX {
                    done = now + block;
                }
            }
        }
    }

    #[test]
    fn an_hour_with_a_card_that_is_fast_or_slow_has_no_gap_and_a_steady_buffer() {
        for ppm in [-500.0, -50.0, 0.0, 50.0, 500.0] {
            let mut room = Room { keeps_all: false, ..Room::new() };
            room.run(3600.0, ppm, f64::MAX);
            let tally = room.supply.tally();
            assert_eq!((tally.underruns, tally.passed_over), (0, 0), "{ppm}");
            // 100 ms around its aim of 200 ms, a group of 104 ms being in it.
            assert!(
                room.least > 1000 && room.most < 8820 + 7000,
                "{ppm}: {}, {}",
                room.least,
                room.most
            );
            // What the clocks differ by in an hour, but for what the buffer has taken up.
            let expected = ppm.abs() * 1e-6 * 3600.0 * 44_100.0;
            let off = (tally.slipped as f64 - expected).abs();
            assert!(off < 3000.0, "{ppm}: {} slipped, {expected} expected", tally.slipped);
        }
    }

    #[test]
    fn with_the_right_clock_every_frame_is_heard_once() {
        let mut room = Room::new();
        room.run(60.0, 0.0, f64::MAX);
        let counted = room.heard.iter().enumerate();
        assert!(room.heard.len() > 50 * 44_100);
        for (at, frame) in counted {
            assert_eq!(usize::from(frame[0].unsigned_abs()), at % 30_000);
        }
    }

    #[test]
    fn a_stall_of_700_ms_is_one_underrun_and_what_comes_behind_it_is_whole() {
        let mut room = Room::new();
        room.run(30.0, 0.0, 10.0);
        let tally = room.supply.tally();
        assert_eq!(tally.underruns, 1);
        // 700 ms, less what waited, and until enough waits again.
        let silent = tally.silent as f64 / 44_100.0;
        assert!((0.1..0.9).contains(&silent), "{silent} s");
        let sound: Vec<usize> =
            room.heard.iter().filter(|f| f[1] == 1).map(|f| f[0] as usize).collect();
        let jumps = sound.windows(2).filter(|pair| pair[1] != (pair[0] + 1) % 30_000).count();
        assert!(jumps as u64 <= tally.slipped + tally.passed_over.min(1), "{jumps} {tally:?}");
    }

    #[test]
    fn after_five_seconds_without_sound_the_device_is_let_go_and_fills_up_anew() {
        let (mut supply, mut waiting, mut block) =
            (Supply::new(MEASURE), VecDeque::new(), Vec::new());
        waiting.extend(std::iter::repeat_n([1, 1], MEASURE.aim + MEASURE.queue));
        let mut blocks = 0;
        while supply.next(&mut waiting, false, true, &mut block) == Next::Block {
            blocks += 1;
        }
        // What was there, the block in which it ended, and five seconds.
        assert_eq!(blocks, 8 + 1 + 100);
        assert_eq!(supply.next(&mut waiting, false, true, &mut block), Next::Wait);
        assert_eq!(supply.tally().underruns, 1);
    }

    #[test]
    fn the_end_is_played_to_its_last_frame_without_slips() {
        let mut measure = MEASURE;
        for has_clock in [true, false] {
            measure.has_clock = has_clock;
            let (mut supply, mut waiting, mut block) =
                (Supply::new(measure), VecDeque::new(), Vec::new());
            waiting.extend((0..10_000).map(|n| [n, n]));
            let mut heard = Vec::new();
            loop {
                let next = supply.next(&mut waiting, true, false, &mut block);
                heard.extend_from_slice(&block);
                match next {
                    Next::Block => {}
                    Next::Last => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(heard, (0..10_000).map(|n| [n, n]).collect::<Vec<_>>());
            assert_eq!(supply.tally(), Tally::default());
        }
    }
}
