//! Progress: one line that says how long it plays, how loud, and how well.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::layout::{clock, decibels},
    monitor::{
        Meter,
        pcm::{Frame, RATE},
    },
    status::{Level, SinkState},
};

/// The line is made anew after so many frames: ten times a second.
const SHOW_EVERY: u64 = RATE as u64 / 10;

/// What was played so far.
pub(super) struct Progress {
    /// Nothing where nobody watches.
    bar: Option<ProgressBar>,
    sink: String,
    frames: u64,
    /// Of players that have ended.
    underruns: u64,
    meter: Meter,
    level: Level,
}

impl Progress {
    pub(super) fn new(sink: &str) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            bar,
            sink: sink.to_owned(),
            frames: 0,
            underruns: 0,
            meter: Meter::default(),
            level: Level::default(),
        }
    }

    /// So much more was handed to the sink, which is in this state.
    pub(super) fn note(&mut self, frames: &[Frame], state: &SinkState) {
        self.frames += frames.len() as u64;
        self.meter.hear(frames);
        if self.meter.frames() >= SHOW_EVERY {
            self.level = self.meter.read();
        }
        if let Some(bar) = &self.bar {
            bar.set_message(self.line(state));
            bar.tick();
        }
    }

    /// A player has ended, in this state.
    pub(super) fn add_up(&mut self, state: &SinkState) {
        self.underruns += state.underruns;
    }

    /// What it all came to.
    pub(super) fn end(&self) -> String {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let Self { sink, underruns, .. } = self;
        format!("{} played at {sink}; {}", clock(self.seconds()), times(*underruns))
    }

    fn line(&self, state: &SinkState) -> String {
        if let Some(reason) = &state.reason {
            return reason.clone();
        }
        let [left, right] = self.level.peak.map(|peak| decibels(f64::from(peak)));
        let underruns = times(self.underruns + state.underruns);
        format!(
            "{}  {left} | {right}  {} ms wait  {underruns}",
            clock(self.seconds()),
            state.buffered_ms
        )
    }

    fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(RATE)
    }
}

fn times(underruns: u64) -> String {
    if underruns == 1 { "1 underrun".to_owned() } else { format!("{underruns} underruns") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_time_level_buffer_and_underruns_or_the_reason() {
        let mut progress = Progress::new("alsa");
        let state = SinkState { buffered_ms: 120, underruns: 1, ..SinkState::default() };
        progress.note(&vec![[16_384, 0]; 88_200], &state);
        assert_eq!(progress.line(&state), "0:02  -6.0 dB | silence  120 ms wait  1 underrun");
        let gone = SinkState { reason: Some("no device".into()), ..state.clone() };
        assert_eq!(progress.line(&gone), "no device");
        progress.add_up(&state);
        progress.add_up(&state);
        assert_eq!(progress.end(), "0:02 played at alsa; 2 underruns");
    }
}
