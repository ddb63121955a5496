//! The mount: which format the stream has, and what becomes of a song of another one.

use crate::mpeg::Header;

/// How it is told that a song is of another format.
const MISFIT: &str = "lets it play";
/// Songs of another format in a row after which the stream takes theirs.
const MISFITS_LIMIT: u32 = 20;

/// Version, samples a second, channels.
pub(super) type Format = (&'static str, u32, u8);

/// The format of what is heard, since the program started.
#[derive(Debug)]
pub(super) struct Mount {
    /// `mixed = "skip"`: a song of another format is passed over.
    skips: bool,
    newest: Option<Format>,
    misfits: u32,
    changes: Vec<Format>,
}

fn format(header: Header) -> Format {
    (header.version().name(), header.sample_rate(), header.channels())
}

impl Mount {
    pub(super) fn new(skips: bool) -> Self {
        Self { skips, newest: None, misfits: 0, changes: Vec::new() }
    }

    /// The program starts anew and knows no format.
    pub(super) fn begin(&mut self) {
        *self = Self::new(self.skips);
    }

    /// A song was left for that reason.
    pub(super) fn is_misfit(reason: &str) -> bool {
        reason.contains(MISFIT)
    }

    /// A song of another format was left before a frame of it.
    pub(super) fn pass_over(&mut self, header: Header) {
        assert!(self.refuses(header), "{:?} was refused beside {self:?}", format(header));
        self.misfits += 1;
    }

    /// A song's frame leaves.
    pub(super) fn sound(&mut self, header: Header) {
        assert!(!self.refuses(header), "{:?} sounds on {self:?}", format(header));
        self.misfits = 0;
        let format = format(header);
        if self.newest.replace(format).is_some_and(|newest| newest != format) {
            self.changes.push(format);
        }
    }

    /// The changes that are to be told since this was last asked.
    pub(super) fn take_changes(&mut self) -> Vec<Format> {
        std::mem::take(&mut self.changes)
    }

    fn refuses(&self, header: Header) -> bool {
        let differs = self.newest.is_some_and(|newest| newest != format(header));
        self.skips && differs && self.misfits < MISFITS_LIMIT
    }
}
