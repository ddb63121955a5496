//! The acknowledgement of a command: when and from which frame on it was heard.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{command::Effect, keeper::SongQueue};

/// No wait is longer, so that no time overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

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
    /// The command was carried out and the disk has not taken it yet: a crash now would undo it.
    #[error("the command took effect and is not on disk yet; wait again, or look at the disk")]
    NotStored {
        /// From which frame on it was heard.
        effect: Option<Effect>,
    },
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
    /// was answered. `None`: the command was taken and no frame changed
    /// by it, as where the stream is held because Icecast is away.
    ///
    /// # Errors
    /// [`WaitError`]
    pub fn wait(&self, timeout: Duration) -> Result<Option<Effect>, WaitError> {
        self.wait_until(Instant::now() + timeout.min(LONGEST_WAIT))
    }

    /// The same until `deadline`.
    pub(crate) fn wait_until(&self, deadline: Instant) -> Result<Option<Effect>, WaitError> {
        let effect = self.effect_by(deadline)?;
        match &self.stored_by {
            Some(queue) if !queue.settle(deadline) => Err(WaitError::NotStored { effect }),
            _ => Ok(effect),
        }
    }

    fn effect_by(&self, deadline: Instant) -> Result<Option<Effect>, WaitError> {
        if let Some(effect) = self.effect.get() {
            return Ok(*effect);
        }
        let answered = match self.answer.recv_deadline(deadline) {
            Ok(answered) => answered,
            Err(RecvTimeoutError::Timeout) => return Err(WaitError::Timeout),
            // Another thread may have taken the answer from the same acknowledgement.
            Err(RecvTimeoutError::Disconnected) => {
                return self.effect.get().copied().ok_or(WaitError::NotRunning);
            }
        };
        Ok(*self.effect.get_or_init(|| answered))
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
