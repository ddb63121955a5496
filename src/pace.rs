//! The pacer: when the next group of frames is due, and how many frames it holds.
//!
//! One clock, passed in as `now`. Frame n is due at the start plus the exact duration of the frames
//! before it; nothing is added up in floating point, so that a month of radio drifts by zero samples.

use std::time::{Duration, Instant};

use crate::mpeg::{Header, StreamTime};

/// Behind the clock by more than this (a suspended machine, a stopped process), the pacer begins
/// anew instead of sending a burst.
pub const STALL_LIMIT: Duration = Duration::from_secs(2);
/// Groups that may be ahead of the clock after commands.
const LEAD_GROUPS: u64 = 2;

/// What whole nanoseconds may lose of a group's exact duration.
const ROUNDING_NANOS: u128 = 1000;

/// Decides when frames leave.
#[derive(Debug, Clone)]
pub struct Pacer {
    tick: Duration,
    start: Instant,
    sent: StreamTime,
    hurried: bool,
    stalls: u64,
}

impl Pacer {
    /// A pacer whose first frame is due `now` and whose groups are about `tick` long.
    #[must_use]
    pub fn new(tick: Duration, now: Instant) -> Self {
        Self { tick, start: now, sent: StreamTime::ZERO, hurried: false, stalls: 0 }
    }

    /// Frames in a group of this format: the whole number that comes nearest to a tick, at least 1.
    #[must_use]
    pub fn group_len(&self, header: Header) -> u64 {
        let samples = u128::from(header.samples()) * 1000;
        let in_tick = self.tick.as_millis() * u128::from(header.sample_rate());
        u64::try_from((in_tick + samples / 2) / samples).unwrap_or(1).max(1)
    }

    /// When the next frame is due.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.start + self.sent.as_duration()
    }

    /// When the next group leaves: when its first frame is due or, after a command, as soon as one
    /// frame fits within the lead.
    #[must_use]
    pub fn leaves(&self, header: Header) -> Instant {
        if !self.hurried {
            return self.due();
        }
        let frame = header.duration();
        let lead = frame.times(self.group_len(header) * LEAD_GROUPS).saturating_sub(frame);
        self.due().checked_sub(lead.as_duration()).unwrap_or(self.start)
    }

    /// How many frames may leave `now`; 0 before [`leaves`](Self::leaves).
    #[must_use]
    pub fn allowance(&self, header: Header, now: Instant) -> u64 {
        let group = self.group_len(header);
        let ahead = self.due().saturating_duration_since(now);
        if ahead.is_zero() {
            return group;
        }
        if !self.hurried {
            return 0;
        }
        let frame = header.duration().as_duration().as_nanos().max(1);
        let limit = frame * u128::from(group * LEAD_GROUPS) + ROUNDING_NANOS;
        let room = limit.saturating_sub(ahead.as_nanos()) / frame;
        group.min(u64::try_from(room).unwrap_or(0))
    }

    /// A command came: the next group leaves at once, within the lead.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// A group of this duration has left.
    pub fn sent(&mut self, duration: StreamTime) {
        self.sent += duration;
        self.hurried = false;
    }

    /// Begins anew where the clock has run away by more than [`STALL_LIMIT`]; tells by how much.
    pub fn rebase_after_stall(&mut self, now: Instant) -> Option<Duration> {
        let behind = now.saturating_duration_since(self.due());
        if behind <= STALL_LIMIT {
            return None;
        }
        self.start = now;
        self.sent = StreamTime::ZERO;
        self.stalls += 1;
        Some(behind)
    }

    /// How often it began anew after a stall.
    #[must_use]
    pub fn stalls(&self) -> u64 {
        self.stalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    fn header(bytes: [u8; 4]) -> Header {
        Header::parse(bytes).unwrap()
    }

    fn cd() -> Header {
        header([0xFF, 0xFB, 0x90, 0x00])
    }

    #[test]
    fn groups_are_whole_frames_nearest_to_the_tick() {
        let pacer = Pacer::new(TICK, Instant::now());
        assert_eq!(pacer.group_len(cd()), 4);
        assert_eq!(pacer.group_len(header([0xFF, 0xF3, 0x90, 0x00])), 4);
        assert_eq!(pacer.group_len(header([0xFF, 0xE3, 0x98, 0x00])), 1);
        assert_eq!(Pacer::new(Duration::from_millis(1), Instant::now()).group_len(cd()), 1);
    }

    #[test]
    fn a_month_has_no_drift() {
        let start = Instant::now();
        let mut pacer = Pacer::new(TICK, start);
        let group = cd().duration().times(4);
        for _ in 0..24_806_250 {
            pacer.sent(group);
        }
        assert_eq!(pacer.due() - start, Duration::from_secs(30 * 24 * 3600));
    }

    #[test]
    fn commands_never_bring_more_than_two_groups_of_lead() {
        let start = Instant::now();
        let mut pacer = Pacer::new(TICK, start);
        let frame = cd().duration();
        let mut sent = 0;
        for _ in 0..10 {
            pacer.hurry();
            let frames = pacer.allowance(cd(), start);
            if frames == 0 {
                break;
            }
            pacer.sent(frame.times(frames));
            sent += frames;
        }
        assert_eq!(sent, 8);
        pacer.hurry();
        let leaves = pacer.leaves(cd());
        assert!(leaves > start && leaves < pacer.due());
        assert_eq!(pacer.allowance(cd(), leaves), 1);
    }

    #[test]
    fn without_a_command_nothing_leaves_early() {
        let start = Instant::now();
        let mut pacer = Pacer::new(TICK, start);
        assert_eq!(pacer.allowance(cd(), start), 4);
        pacer.sent(cd().duration().times(4));
        assert_eq!(pacer.allowance(cd(), start + Duration::from_millis(104)), 0);
        assert_eq!(pacer.allowance(cd(), start + Duration::from_millis(105)), 4);
        assert_eq!(pacer.leaves(cd()), pacer.due());
    }

    #[test]
    fn a_stall_is_not_made_up_for_by_a_burst() {
        let start = Instant::now();
        let mut pacer = Pacer::new(TICK, start);
        assert_eq!(pacer.rebase_after_stall(start + STALL_LIMIT), None);
        let woken = start + Duration::from_secs(60);
        assert_eq!(pacer.rebase_after_stall(woken), Some(Duration::from_secs(60)));
        assert_eq!(pacer.due(), woken);
        assert_eq!(pacer.stalls(), 1);
    }
}
