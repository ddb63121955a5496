//! The stage: plays what it is given, and lets the device go while there is nothing to play.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use super::progress::Progress;
use crate::{
    config::SinkSpec,
    monitor::{Ending, pcm::Frame, player::Player},
};

/// A wait for the device is looked at again after so long, for the progress line alone.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// What ends a stage from another thread.
#[derive(Default)]
pub(super) struct Curtain {
    /// Nothing more is begun; what was begun is played.
    is_falling: AtomicBool,
    /// Nothing more is played.
    is_down: AtomicBool,
    player: Mutex<Option<Arc<Player>>>,
}

impl Curtain {
    /// What was taken in is played to its end, and no more.
    pub(super) fn fall(&self) {
        self.is_falling.store(true, Relaxed);
    }

    /// Ends the sound now; waits for the device for `patience` at most.
    pub(super) fn drop_at_once(&self, patience: Duration) {
        self.is_down.store(true, Relaxed);
        let player = self.lock().clone();
        if let Some(player) = player {
            player.end(Ending::AtOnce);
            if !player.has_ended_within(patience) {
                player.cut();
                // What goes on all the same is left to the system.
                let _ = player.has_ended_within(patience);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Player>>> {
        self.player.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where PCM is played.
pub(super) struct Stage {
    sink: SinkSpec,
    curtain: Arc<Curtain>,
    player: Option<Arc<Player>>,
    progress: Progress,
    /// Why something was not played.
    failure: Option<String>,
}

impl Stage {
    pub(super) fn new(sink: SinkSpec, curtain: Arc<Curtain>) -> Self {
        let progress = Progress::new(&sink.name());
        Self { sink, curtain, player: None, progress, failure: None }
    }

    /// Plays `frames`, as fast as the sink takes them; false: no more are wanted.
    pub(super) fn play(&mut self, frames: &[Frame]) -> bool {
        let mut rest = frames;
        while !rest.is_empty() && !self.curtain.is_down.load(Relaxed) {
            let Some(player) = self.player() else { return false };
            let taken = player.play(rest, Instant::now() + SHOW_EVERY);
            let (played, left) = rest.split_at(taken.min(rest.len()));
            let state = player.state();
            self.progress.note(played, &state);
            rest = left;
            // There may be no device that it could be played to its end at.
            let is_in_vain = self.curtain.is_falling.load(Relaxed) && !state.is_open;
            if taken == 0 && (is_in_vain || player.is_over()) {
                self.rest();
                return false;
            }
        }
        !self.curtain.is_falling.load(Relaxed)
    }

    /// Plays what was taken in to its end and lets the device go.
    pub(super) fn rest(&mut self) {
        let Some(player) = self.player.take() else { return };
        player.end(Ending::PlayOut);
        while !player.has_ended_within(SHOW_EVERY) {
            self.progress.note(&[], &player.state());
        }
        let state = player.state();
        self.progress.add_up(&state);
        self.failure = state.reason;
        *self.curtain.lock() = None;
    }

    /// The same, for good; what it came to, in words.
    ///
    /// # Errors
    /// The last of it could not be played.
    pub(super) fn end(mut self) -> Result<String> {
        self.rest();
        let played = self.progress.end();
        match self.failure.take() {
            Some(failure) => bail!("{failure}"),
            None => Ok(played),
        }
    }

    fn player(&mut self) -> Option<Arc<Player>> {
        if self.player.is_none() {
            match Player::start(&self.sink) {
                Ok(player) => self.player = Some(Arc::new(player)),
                Err(error) => {
                    self.failure = Some(format!(
                        "the thread that plays cannot be started: {error}; end other programs"
                    ));
                    return None;
                }
            }
            self.curtain.lock().clone_from(&self.player);
        }
        self.player.clone()
    }
}

impl Drop for Stage {
    /// Whatever ended it: what was taken in is played.
    fn drop(&mut self) {
        self.rest();
    }
}
