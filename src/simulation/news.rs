//! The news: what the station is told in one turn, in the order in which it hears it.

use std::{sync::Arc, time::Instant};

use crate::{command::Command, keeper::Snapshot};

/// The main output, the queue, commands.
#[derive(Debug)]
pub(super) struct News {
    pub(super) now: Instant,
    pub(super) link: Option<(bool, u64)>,
    pub(super) snapshot: Option<Arc<Snapshot>>,
    pub(super) commands: Vec<Command>,
}
