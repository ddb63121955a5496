//! The mount's format: fixed by the first song that is played; what comes of a song of another one.
//!
//! With `mixed = "play"` such a song plays, and the change is told before its first frame leaves; it
//! is the mount's format from then on. With `mixed = "skip"` it is passed over as unplayable, with
//! this reason: its entry leaves the queue and it does not count as played. It is none of the
//! unplayable songs in a row after which the station rests, since the next song may fit. After
//! [`MISFITS_LIMIT`] of them in a row the mount takes the format of the next one: what the queue
//! holds is of that format, and silence for ever is worse.

use crate::{
    config::Mixed,
    event::Event,
    mpeg::{Format, Header},
};

/// Songs of another format in a row after which the mount takes theirs.
pub(super) const MISFITS_LIMIT: u8 = 20;

/// The format of what leaves.
#[derive(Debug)]
pub(super) struct MountFormat {
    mixed: Mixed,
    /// The newest song frame's; nothing before the first song.
    newest: Option<Header>,
    misfits: u8,
    change: Option<(Format, Format)>,
}

impl MountFormat {
    pub(super) fn new(mixed: Mixed) -> Self {
        Self { mixed, newest: None, misfits: 0, change: None }
    }

    /// Why a song whose next frame has this header is to be passed over. `begins`: it is the first
    /// one since the song was opened; inside a song version and rate alone tell another stream.
    pub(super) fn refuse(&mut self, header: Header, begins: bool) -> Option<String> {
        let before = self.newest.filter(|_| self.mixed == Mixed::Skip)?;
        if self.misfits >= MISFITS_LIMIT || !differs(before, header, begins) {
            return None;
        }
        self.misfits += 1;
        let (from, to) = (Format::of(before), Format::of(header));
        Some(format!("it is {to} and the stream is {from}; stream.mixed = \"play\" lets it play"))
    }

    /// A song's frame leaves.
    pub(super) fn play(&mut self, header: Header, begins: bool) {
        self.misfits = 0;
        let Some(before) = self.newest.replace(header) else { return };
        if differs(before, header, begins) {
            self.change = Some((Format::of(before), Format::of(header)));
        }
    }

    /// What is to be told of a change since this was last asked.
    pub(super) fn take_change(&mut self) -> Option<Event> {
        let (from, to) = self.change.take()?;
        tracing::warn!(
            %from,
            %to,
            "the stream's format changes with this song; players that do not follow are to be \
             reconnected, and stream.mixed = \"skip\" passes such songs over"
        );
        let Format { version, sample_rate, channels } = to;
        let version = version.name().to_owned();
        Some(Event::FormatChanged { version, sample_rate, channels })
    }
}

fn differs(before: Header, header: Header, begins: bool) -> bool {
    if begins { Format::of(before) != Format::of(header) } else { !header.continues(before) }
}
