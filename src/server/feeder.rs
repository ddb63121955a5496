//! The feeder: the source client that feeds a mount, as others see it.

use std::{net::IpAddr, sync::Arc};

use tokio::sync::Notify;

/// A source client that is connected.
#[derive(Debug)]
pub(super) struct Feeder {
    pub(super) address: IpAddr,
    /// The name that it has logged in with.
    pub(super) user: String,
    pub(super) user_agent: String,
    /// Its `ice-audio-info`, as it came; empty where it said none.
    pub(super) audio_info: String,
    /// Tells its connection that it is to end.
    pub(super) end: Arc<Notify>,
}
