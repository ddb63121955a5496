//! The line: an accepted connection with the reader that supplies it.
//!
//! The thread that pushes a group hands it to the socket at once, where it lies and without waiting
//! ([`Tap`]); the runtime's thread comes to help where the socket takes less than it was shown.

use std::{
    fmt,
    io::{self, ErrorKind},
    sync::{Mutex, MutexGuard, PoisonError, TryLockError},
};

use tokio::sync::Notify;

use super::source::Source;
use crate::relay::{Read, Reader, Tap};

/// What a line writes to: an accepted connection.
pub(crate) trait Wire: fmt::Debug + Send {
    /// Takes as many of `bytes` as it can without waiting; `WouldBlock` where it takes none now.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Hands on what it holds back; tells whether all of it is out.
    fn flush(&mut self) -> io::Result<bool>;
}

impl Wire for Source {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<bool> {
        self.socket.flush()
    }
}

/// What came of handing on what is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// The socket took all that there is.
    All,
    /// It took less; `progress`: but something.
    Part { progress: bool },
    /// The ring has overwritten what it had not taken yet. The place in the stream is lost in the
    /// middle of a frame, so only a new connection can go on.
    Overrun,
    /// Nothing will follow.
    Closed,
}

/// One connection, shared by the thread that pushes and the one that waits.
#[derive(Debug)]
pub(crate) struct Line<W> {
    /// Nothing once the line was closed.
    ends: Mutex<Option<Ends<W>>>,
    help: Notify,
}

#[derive(Debug)]
struct Ends<W> {
    source: W,
    reader: Reader,
    /// The runtime's thread goes on from here: the one that pushes leaves the line alone.
    helped: bool,
    /// What the pushing thread met, for the other one to tell.
    failure: Option<io::Error>,
}

impl<W: Wire> Line<W> {
    /// Nothing is handed on before the first [`hand_on`](Self::hand_on).
    pub(crate) fn new(source: W, reader: Reader) -> Self {
        let ends = Ends { source, reader, helped: true, failure: None };
        Self { ends: Mutex::new(Some(ends)), help: Notify::new() }
    }

    /// Hands on what is there; once that was all, the pushing thread does so by itself.
    pub(crate) fn hand_on(&self) -> io::Result<Handed> {
        let mut ends = self.lock();
        let Some(ends) = ends.as_mut() else { return Ok(Handed::Closed) };
        if let Some(failure) = ends.failure.take() {
            return Err(failure);
        }
        let handed = hand_on(&mut ends.source, &mut ends.reader);
        ends.helped = !matches!(handed, Ok(Handed::All));
        handed
    }

    /// Waits until the pushing thread needs help; cancel safe.
    pub(crate) async fn help(&self) {
        self.help.notified().await;
    }

    /// Works on the connection while the pushing thread leaves it alone; nothing once it was closed.
    pub(crate) fn with_source<T>(&self, work: impl FnOnce(&mut W) -> T) -> Option<T> {
        self.lock().as_mut().map(|ends| work(&mut ends.source))
    }

    /// Takes the line from the pushing thread; nothing where that was done before.
    pub(crate) fn close(&self) -> Option<(W, Reader)> {
        self.lock().take().map(|ends| (ends.source, ends.reader))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Ends<W>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Wire> Tap for Line<W> {
    fn pushed(&self) {
        // The station's thread never waits for the other one: that goes on with its work instead.
        let mut ends = match self.ends.try_lock() {
            Ok(ends) => ends,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.help.notify_one(),
        };
        let Some(ends) = ends.as_mut().filter(|ends| !ends.helped) else { return };
        match hand_on(&mut ends.source, &mut ends.reader) {
            Ok(Handed::All) => return,
            Ok(_) => {}
            Err(error) => ends.failure = Some(error),
        }
        ends.helped = true;
        self.help.notify_one();
    }
}

fn hand_on(wire: &mut impl Wire, reader: &mut Reader) -> io::Result<Handed> {
    let mut progress = false;
    loop {
        let mut failure = None;
        let mut shown = 0;
        let read = reader.read(usize::MAX, |bytes| {
            shown = bytes.len();
            wire.try_write(bytes).unwrap_or_else(|error| {
                if error.kind() != ErrorKind::WouldBlock {
                    failure = Some(error);
                }
                0
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        match read {
            Read::Taken(taken) => {
                progress |= taken > 0;
                if taken < shown {
                    return Ok(Handed::Part { progress });
                }
            }
            // TLS may have taken bytes that the socket below has not.
            Read::Empty if wire.flush()? => return Ok(Handed::All),
            Read::Empty => return Ok(Handed::Part { progress: true }),
            Read::Lagged => return Ok(Handed::Overrun),
            Read::Closed => return Ok(Handed::Closed),
        }
    }
}
