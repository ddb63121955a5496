//! Why a stream did not start, or did not stop in peace.

use std::io;

use crate::{
    config::{CheckError, DataDirError, SecretError},
    db::DbError,
    keeper::KeeperError,
    server::ServerError,
    station::StationError,
};

/// Why a stream did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data directory cannot be used, or another server uses it.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The password files cannot be read or made.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// Two settings do not go together.
    #[error(transparent)]
    Config(#[from] CheckError),
    /// The port cannot be opened.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The queue's thread did not start.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The streaming thread did not start.
    #[error(transparent)]
    Station(#[from] StationError),
    /// The monitor's threads did not start: end other programs or raise the limit on threads.
    #[error(
        "the threads of the monitor could not be started: {0}; end other programs or raise the limit on threads"
    )]
    Monitor(#[source] io::Error),
    /// The sockets' thread did not start: end other programs or raise the limit on threads.
    #[error(
        "the thread for sockets could not be started: {0}; end other programs or raise the limit on threads"
    )]
    Runtime(#[source] io::Error),
}

/// How a stop went wrong; everything has ended all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// Some listeners did not take the end of the stream in time and were cut off.
    #[error("some connections did not end in time and were cut off")]
    Sockets,
}
