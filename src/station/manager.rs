//! The manager: how programs command the stream, read its state and follow its events.

use std::sync::Arc;

use super::{
    Ack, NowPlaying, Station,
    callbacks::{CallbackId, Callbacks},
    thread::Console,
};
use crate::{
    command::{Command, CommandError},
    event::Envelope,
    keeper::SongQueue,
    library::Library,
    relay::Relay,
    status::StreamState,
    subscribers::{EventReceiver, Subscribers},
};

/// Commands the streaming thread; any number of clones, on any thread, first come first served.
#[derive(Debug, Clone)]
pub struct AudioStreamManager {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    console: Console,
    subscribers: Subscribers,
    callbacks: Callbacks,
    queue: SongQueue,
    library: Library,
    relay: Relay,
    disabled: bool,
}

impl AudioStreamManager {
    /// The manager of a running station.
    #[must_use]
    pub fn new(
        station: &Station,
        subscribers: Subscribers,
        queue: SongQueue,
        library: Library,
        relay: Relay,
        disabled: bool,
    ) -> Self {
        let callbacks = Callbacks::new(subscribers.clone());
        let console = station.console();
        let inner = Inner { console, subscribers, callbacks, queue, library, relay, disabled };
        Self { inner: Arc::new(inner) }
    }

    /// Plays (`true`) or pauses (`false`): the state is forced, not toggled. While paused, listeners
    /// hear silence and stay connected.
    ///
    /// # Errors
    /// [`CommandError`]
    pub fn play(&self, play: bool) -> Result<Ack, CommandError> {
        self.give(Command::Play(play))
    }

    /// Ends the current song now and goes on with the next; while paused, only selects it.
    ///
    /// # Errors
    /// [`CommandError`]
    pub fn play_next_song(&self) -> Result<Ack, CommandError> {
        self.give(Command::PlayNextSong)
    }

    /// Connection, play state, what is wanted, and each output.
    #[must_use]
    pub fn stream_state(&self) -> StreamState {
        self.now_playing().state
    }

    /// The state with the song and the position.
    #[must_use]
    pub fn now_playing(&self) -> NowPlaying {
        self.inner.console.now_playing()
    }

    /// A bounded receiver of all events from now on.
    #[must_use]
    pub fn subscribe(&self) -> EventReceiver {
        self.inner.subscribers.subscribe()
    }

    /// The subscribers themselves, for those who resume after an event that they know.
    #[must_use]
    pub fn subscribers(&self) -> &Subscribers {
        &self.inner.subscribers
    }

    /// Calls `callback` for every event, on a thread of its own. One that blocks holds up the other
    /// callbacks, one that panics is logged; the audio goes on.
    pub fn register_callback(
        &self,
        callback: impl FnMut(&Envelope) + Send + 'static,
    ) -> CallbackId {
        self.inner.callbacks.register(Box::new(callback))
    }

    /// Calls it no more (a call that runs already comes to its end); false where it is not registered.
    pub fn remove_callback(&self, id: CallbackId) -> bool {
        self.inner.callbacks.remove(id)
    }

    /// The song queue.
    #[must_use]
    pub fn queue(&self) -> SongQueue {
        self.inner.queue.clone()
    }

    /// The library, for reading.
    #[must_use]
    pub fn library(&self) -> Library {
        self.inner.library.clone()
    }

    /// The relay, for reading: what goes out right now.
    #[must_use]
    pub fn relay(&self) -> &Relay {
        &self.inner.relay
    }

    fn give(&self, command: Command) -> Result<Ack, CommandError> {
        if self.inner.disabled {
            return Err(CommandError::Disabled);
        }
        Ok(self.inner.console.give(command)?.stored_by(self.queue()))
    }
}
