//! The acknowledgement of a command: when and from which frame on it was heard.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{command::Effect, keeper::SongQueue};

/// Waits for a command's effect. Dropping it is fine: the command is carried out all the same.
#[derive(Debug)]
pub struct Ack {
    answer: Receiver<Option<Effect>>,
    /// Whose keeper stores what was asked for.
    stored_by: Option<SongQueue>,
    effect: OnceLock<Option<Effect>>,
}

/// Why no effect is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The command has not been carried out yet: wait again.
    #[error("the command has not taken effect yet; wait again")]
    Timeout,
    /// The stream was stopped before the command was carried out: start it again.
    #[error("the stream was stopped before the command took effect; start it again")]
    NotRunning,
}

/// The station's end of an [`Ack`].
#[derive(Debug)]
pub(super) struct Pending {
    answer: Sender<Option<Effect>>,
    asked: Instant,
}

impl Ack {
    /// An acknowledgement of a command given at `asked`, and the end that answers it.
    pub(super) fn new(asked: Instant) -> (Self, Pending) {
        let (sender, answer) = bounded(1);
        (
            Self { answer, stored_by: None, effect: OnceLock::new() },
            Pending { answer: sender, asked },
        )
    }

    /// The same, which waits also until what was asked for is on disk.
    pub(super) fn stored_by(self, queue: SongQueue) -> Self {
        Self { stored_by: Some(queue), ..self }
    }

    /// Waits for at most `timeout`, until the command was heard and is on disk: no crash undoes what
    /// was answered, unless the disk refused it. `None`: the command was taken and no frame changed
    /// by it, as where the stream is held because Icecast is away.
    ///
    /// # Errors
    /// [`WaitError`]
    pub fn wait(&self, timeout: Duration) -> Result<Option<Effect>, WaitError> {
        let deadline = Instant::now() + timeout;
        let effect = match self.effect.get() {
            Some(effect) => *effect,
            None => {
                let answered =
                    self.answer.recv_deadline(deadline).map_err(|error| match error {
                        RecvTimeoutError::Timeout => WaitError::Timeout,
                        RecvTimeoutError::Disconnected => WaitError::NotRunning,
                    })?;
                *self.effect.get_or_init(|| answered)
            }
        };
        match &self.stored_by {
            Some(queue) if !queue.settle(deadline) => Err(WaitError::Timeout),
            _ => Ok(effect),
        }
    }
}

impl Pending {
    /// The command was heard from `frame` on, which left `now`.
    pub(super) fn effect(self, frame: u64, now: Instant) {
        let waited = now.saturating_duration_since(self.asked).as_millis();
        let in_ms = u64::try_from(waited).unwrap_or(u64::MAX);
        self.answer(Some(Effect { frame, in_ms }));
    }

    /// The command was taken and changed no frame.
    pub(super) fn no_effect(self) {
        self.answer(None);
    }

    fn answer(self, effect: Option<Effect>) {
        // Whoever asked may have dropped its Ack: then nobody wants to know.
        let _ = self.answer.try_send(effect);
    }
}
