//! What can go wrong with the keeper and with an edit of the queue.

use crate::db::DbError;

/// Why the keeper could not be started.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The database cannot be used: the message says why and what helps.
    #[error(transparent)]
    Db(#[from] DbError),
    /// No thread could be started: the system is short of memory or threads.
    #[error("the keeper's thread cannot be started: {0}; close other programs and try again")]
    Thread(std::io::Error),
}

/// Why the queue was not edited: it is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The library has no such song: search for it again.
    #[error("there is no such song in the library")]
    UnknownSong,
    /// The song is known to be unplayable: mend its file and scan it again, or choose another.
    #[error(
        "this song cannot be played: {reason}; mend its file and scan it again, or choose another"
    )]
    Unplayable {
        /// What the last scan found.
        reason: String,
    },
    /// The queue has no such entry, or no more: read it again.
    #[error("there is no such entry in the queue")]
    UnknownEntry,
    /// The current song can be neither removed nor moved: skip it.
    #[error("the current song can be neither removed nor moved; skip it with `next`")]
    CurrentSong,
    /// An entry cannot come after itself: name another one.
    #[error("an entry cannot be moved behind itself; name another entry")]
    BehindItself,
    /// The queue has changed since the revision that was named: read it again.
    #[error("the queue has changed meanwhile, it is at revision {revision} now; read it again")]
    Stale {
        /// Its revision now.
        revision: u64,
    },
    /// No song of that album can be played, or there is no such album: name another one.
    #[error(
        "the library has no album {album} with a song that could be played; name another album"
    )]
    NothingOfAlbum {
        /// Which one was named.
        album: i64,
    },
    /// No song can be played: add some to the library.
    #[error("there is no song that could be played; add music to the library and scan it")]
    NothingToPlay,
    /// The keeper has ended: start the stream again.
    #[error("the stream is not running; start it again")]
    NotRunning,
    /// Too many edits wait already: try again in a moment.
    #[error("too many edits of the queue are waiting; try again in a moment")]
    Busy,
    /// No answer came in time. The edit may still be made if the disk was only slow: read the queue.
    #[error("the queue did not answer in time; read it to see whether the change was made")]
    Timeout,
    /// The edit failed with a fault of this program, which was logged: report it.
    #[error("the edit failed with a fault of this program; see the log and report it")]
    Fault,
    /// The database refused it: the message names the reason and the remedy.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl QueueError {
    /// No room is left for the edit: it can be made once there is some.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Db(DbError::DiskFull { .. }))
    }
}

/// What stops an operation inside its transaction.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A rule of the queue.
    Rule(QueueError),
    /// The database.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        Self::Rule(error)
    }
}
