//! The metronome: what the pacer should do, counted in whole samples.

use std::time::{Duration, Instant};

use crate::mpeg::{Header, time::UNITS_PER_SECOND};

/// Behind by more than this, the clock begins anew.
const STALL: Duration = Duration::from_secs(2);
/// What whole nanoseconds may lose of an exact time, each time they are added.
const ROUNDING: Duration = Duration::from_micros(2);

/// Frames sent since the clock began, by their duration.
#[derive(Debug)]
pub(super) struct Metronome {
    tick: Duration,
    base: Instant,
    /// Samples a frame, samples a second, frames.
    sent: Vec<(u16, u32, u64)>,
    newest: Option<Header>,
    pub(super) stalls: u64,
}

impl Metronome {
    pub(super) fn new(tick: Duration, now: Instant) -> Self {
        Self { tick, base: now, sent: Vec::new(), newest: None, stalls: 0 }
    }

    /// A turn of the station begins.
    pub(super) fn begin(&mut self, now: Instant) {
        if now.saturating_duration_since(self.due()) > STALL {
            self.base = now;
            self.sent.clear();
            self.stalls += 1;
        }
    }

    /// A frame was sent.
    pub(super) fn count(&mut self, header: Header) {
        self.newest = Some(header);
        let key = (header.samples(), header.sample_rate());
        match self.sent.iter_mut().find(|sent| (sent.0, sent.1) == key) {
            Some(sent) => sent.2 += 1,
            None => self.sent.push((key.0, key.1, 1)),
        }
    }

    /// When the next frame is due: exact to the sample, rounded down to a nanosecond once.
    pub(super) fn due(&self) -> Instant {
        let units: u128 = self
            .sent
            .iter()
            .map(|(samples, rate, frames)| {
                let units = UNITS_PER_SECOND / u64::from(*rate) * u64::from(*samples);
                u128::from(units) * u128::from(*frames)
            })
            .sum();
        let nanos = units * 1_000_000_000 / u128::from(UNITS_PER_SECOND);
        self.base + Duration::from_nanos(u64::try_from(nanos).unwrap())
    }

    /// As soon as a frame with this header may leave after a command: with it, no more than two
    /// groups are ahead of the clock. A group is the whole number of frames nearest to a tick.
    pub(super) fn earliest(&self, header: Header) -> Instant {
        let ahead = self.lead(header).saturating_sub(header.duration().as_duration());
        self.due().checked_sub(ahead).unwrap_or(self.base)
    }

    /// How long two groups of this format are.
    fn lead(&self, header: Header) -> Duration {
        let (samples, rate) = (u128::from(header.samples()), u128::from(header.sample_rate()));
        let group = (2 * self.tick.as_millis() * rate + samples * 1000) / (samples * 2000);
        let nanos = 2 * group.max(1) * samples * 1_000_000_000 / rate;
        Duration::from_nanos(u64::try_from(nanos).unwrap())
    }

    /// A turn has ended; it sent frames, the last of them on time, and wants to be woken then.
    /// `carrying`: the frame that was asked for follows as soon as the lead allows.
    pub(super) fn end(&self, now: Instant, (sent, carrying): (u64, bool), wake: Instant) {
        let due = self.due();
        assert!(due > now, "what was due {:?} ago has not left", now - due);
        // Two groups of what left last, to the sample; where nothing left, time has passed since.
        if let Some(newest) = self.newest.filter(|_| sent > 0) {
            let lead = self.lead(newest) + ROUNDING;
            assert!(due - now <= lead, "{:?} ahead of the clock", due - now);
        }
        if sent > 0 && !carrying {
            let drift = wake.max(due) - wake.min(due);
            assert!(drift.is_zero(), "the pacer is off by {drift:?}");
        } else {
            assert!(
                wake > now && wake <= due,
                "woken {:?} late",
                wake.saturating_duration_since(due)
            );
        }
    }
}
