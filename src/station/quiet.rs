//! The quiet: silence that matches the sound beside it.

use std::collections::VecDeque;

use crate::{
    mpeg::{Carriers, Format, Header, Silence, Tail},
    relay::{FrameKind, Group},
    song::Song,
};

/// MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, stereo: the silence of a station that knows no song yet.
const UNKNOWN_FORMAT: [u8; 4] = [0xFF, 0xFB, 0x90, 0x00];

/// Forges silent frames in the format of the newest sound.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    silence: Option<Silence>,
    /// Format and mean (bytes, frames) of the song beside which the next silence stands.
    beside: Option<(Header, u64, u64)>,
}

impl Quiet {
    /// The next silence stands beside this frame of this song.
    pub(super) fn beside(&mut self, header: Header, song: &Song) {
        self.beside = Some((header, song.audio_bytes, song.frames));
        self.silence = None;
    }

    /// A format is known.
    pub(super) fn is_known(&self) -> bool {
        self.beside.is_some()
    }

    /// The header that the next silent frame will resemble.
    pub(super) fn header(&mut self) -> Option<Header> {
        Some(self.silence()?.header())
    }

    /// Appends one silent frame.
    pub(super) fn append(&mut self, group: &mut Group) {
        if let Some(silence) = self.silence() {
            group.push_with(FrameKind::Silence, |bytes| silence.append_frame(bytes));
        }
    }

    /// The silent frames that bring to a decoder what this frame of this song points back to.
    pub(super) fn carriers(
        &mut self,
        header: Header,
        frame: &[u8],
        tail: &Tail,
        song: &Song,
    ) -> VecDeque<(Header, Vec<u8>)> {
        let format = self.beside.map(|(header, ..)| Format::of(header));
        if format != Some(Format::of(header)) {
            self.beside(header, song);
        }
        let carriers = self.silence().and_then(|silence| {
            // Nothing is missed: the deck mutes what cannot be carried.
            Carriers::before(header, frame, tail, silence)
        });
        carriers.map_or_else(VecDeque::new, Carriers::into_frames)
    }

    fn silence(&mut self) -> Option<&mut Silence> {
        if self.silence.is_none() {
            let (header, bytes, frames) = match self.beside {
                Some(beside) => beside,
                None => (Header::parse(UNKNOWN_FORMAT).ok()?, 0, 0),
            };
            self.silence = Some(Silence::beside(header, bytes, frames));
        }
        self.silence.as_mut()
    }
}
