//! The splice: where silence ends and a song goes on behind it.
//!
//! A song's frame points back into the frames before it. Where silence stands there, carriers bring
//! what the frame needs ([`Carriers`]); they are the last frames of the silence.

use std::collections::VecDeque;

use super::quiet::Quiet;
use crate::{deck::Track, mpeg::Header, song::Song};

/// What stands between the frame that left last and a song's next one.
#[derive(Debug, Default)]
pub(super) enum Splice {
    /// Something else than the song's own frame left last, or nothing of the song has left yet.
    #[default]
    Open,
    /// These carriers, as many as have not left, come first.
    Carrying(VecDeque<(Header, Vec<u8>)>),
    /// The song's own frame left last.
    Closed,
}

impl Splice {
    /// Silence left: what was being carried is lost with it.
    pub(super) fn open(&mut self) {
        *self = Self::Open;
    }

    /// The song's own frame left.
    pub(super) fn close(&mut self) {
        *self = Self::Closed;
    }

    /// Carriers wait, or the frame that they were for.
    pub(super) fn is_carrying(&self) -> bool {
        matches!(self, Self::Carrying(_))
    }

    /// The carrier that leaves before the next frame of `track`; nothing where that may leave.
    pub(super) fn next_carrier(
        &mut self,
        track: &Track,
        song: &Song,
        quiet: &mut Quiet,
    ) -> Option<(Header, Vec<u8>)> {
        if let Self::Open = self {
            let (header, frame) = track.upcoming()?;
            let carriers = quiet.carriers(header, frame, track.tail(), song);
            *self = Self::Carrying(carriers);
        }
        match self {
            Self::Carrying(carriers) => carriers.pop_front(),
            _ => None,
        }
    }
}
