//! The acknowledgement of a command: when and from which frame on it was heard.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Select, Sender, TryRecvError, bounded};

use crate::{command::Effect, keeper::SongQueue};

/// No wait is longer, so that no time overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Waits for a command's effect. Dropping it is fine: the command is carried out all the same.
#[derive(Debug)]
pub struct Ack {
    answer: Receiver<Option<Effect>>,
    /// Whose keeper stores what was asked for.
    stored_by: Option<SongQueue>,
    /// What was answered, once it was taken: several threads may wait at the same acknowledgement.
    effect: Mutex<Option<Option<Effect>>>,
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
            Self { answer, stored_by: None, effect: Mutex::default() },
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
        loop {
            if let Some(answered) = self.answered() {
                return answered;
            }
            let mut answers = Select::new();
            answers.recv(&self.answer);
            if answers.ready_deadline(deadline).is_err() {
                // It may have come at the last moment.
                return self.answered().unwrap_or(Err(WaitError::Timeout));
            }
        }
    }

    /// The answer, where there is one by now. Taken and kept under one lock, so that nobody finds it
    /// gone and not there yet; the lock is never held over a wait.
    fn answered(&self) -> Option<Result<Option<Effect>, WaitError>> {
        let mut known = self.effect.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            match self.answer.try_recv() {
                Ok(answered) => *known = Some(answered),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => return Some(Err(WaitError::NotRunning)),
            }
        }
        known.map(Ok)
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

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    /// Rounds in which the two come close to each other.
    const ROUNDS: usize = 20_000;

    #[test]
    fn two_who_wait_at_one_acknowledgement_are_told_the_same() {
        let rounds: Vec<_> = (0..ROUNDS).map(|_| Ack::new(Instant::now())).collect();
        let (acks, mut pending): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
        let (acks, barrier) = (&acks, &Barrier::new(3));
        let wait = move || {
            let told = acks.iter().map(|ack| {
                barrier.wait();
                ack.wait(Duration::from_secs(60))
            });
            told.filter(|told| *told != Ok(None)).count()
        };
        thread::scope(|scope| {
            let waiting = [scope.spawn(wait), scope.spawn(wait)];
            for one in pending.drain(..) {
                barrier.wait();
                one.no_effect();
            }
            assert_eq!(waiting.map(|one| one.join().unwrap()), [0, 0]);
        });
    }

    #[test]
    fn whoever_waits_briefly_waits_for_nobody_who_waits_for_long() {
        let (ack, pending) = Ack::new(Instant::now());
        thread::scope(|scope| {
            let patient = scope.spawn(|| ack.wait(Duration::from_secs(60)));
            assert_eq!(ack.wait(Duration::from_millis(10)), Err(WaitError::Timeout));
            pending.no_effect();
            assert_eq!(patient.join().unwrap(), Ok(None));
        });
        assert_eq!(ack.wait(Duration::ZERO), Ok(None));
    }

    #[test]
    fn an_acknowledgement_that_nobody_will_answer_says_so() {
        let (ack, pending) = Ack::new(Instant::now());
        drop(pending);
        assert_eq!(ack.wait(Duration::from_secs(60)), Err(WaitError::NotRunning));
    }
}
