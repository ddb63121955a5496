//! The frames of a song as they are played: the edges that hold no sound left out, and those muted
//! whose sound lies in bytes that the file does not hold.
//!
//! **Edges.** What the encoder's tag allows goes ([`Trim`]). So many frames as may go at the end are
//! held back until the file's real end is seen.
//!
//! **Cold frames.** A frame that points back before the file's first frame goes out muted. So does one
//! that points over a place where frames may be missing, because a decoder would take the bytes
//! before that place for those that are lost:
//!
//! - Behind another version, rate or number of channels begins another stream: nothing before it is
//!   its own.
//! - Behind junk, a tag or an Info frame inside the file the same is taken to be so, since any junk
//!   may have been frames, and files are joined at tags. The one exception: a frame whose main data
//!   begins to the byte where that of the frame before ends ([`Extent`]) has lost nothing, and the
//!   bytes between were put there later.

use std::{
    collections::VecDeque,
    io::{Read, Seek},
};

use crate::mpeg::{
    Extent, Format, FrameSource, Header, Tail, Trim, Unplayable, main_data_begin, mute,
};

/// The frames of one file that are played, in order.
#[derive(Debug)]
pub struct SongFrames<R> {
    source: FrameSource<R>,
    trim: Trim,
    /// Frames left out at the start.
    lead: usize,
    /// Frames that were read.
    read: u64,
    /// Those of them that were not given yet; at most one more than may go at an edge.
    held: VecDeque<Held>,
    /// The frame that was given last; its memory is used again.
    given: Held,
    /// How reading ended.
    end: Option<Result<(), Unplayable>>,
    tail: Tail,
    /// Format and end of the frame given last.
    before: Option<(Header, Option<Extent>)>,
}

/// One frame.
#[derive(Debug, Default)]
struct Held {
    header: Option<Header>,
    bytes: Vec<u8>,
    /// Something stood before it in the file.
    seam: bool,
}

impl<R: Read + Seek> SongFrames<R> {
    /// Finds the first frame that is played.
    ///
    /// # Errors
    /// Why nothing in the file can be streamed.
    pub fn open(reader: R) -> Result<Self, Unplayable> {
        let source = FrameSource::open(reader)?;
        let trim = Trim::of(source.first(), source.info());
        let mut frames = Self {
            source,
            trim,
            lead: 0,
            read: 0,
            held: VecDeque::new(),
            given: Held::default(),
            end: None,
            tail: Tail::default(),
            before: None,
        };
        frames.hold(trim.lead_limit() + 1);
        let begins = frames.held.iter().map(|held| main_data_begin(held.header?, &held.bytes));
        frames.lead = trim.lead(begins);
        frames.held.drain(..frames.lead);
        Ok(frames)
    }

    /// The header of the file's first frame.
    #[must_use]
    pub fn first(&self) -> Header {
        self.source.first()
    }

    /// How many frames were left out at the start.
    #[must_use]
    pub fn lead(&self) -> usize {
        self.lead
    }

    /// The last main data before the next frame.
    #[must_use]
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The next frame, whole, or nothing at the song's end.
    ///
    /// # Errors
    /// The rest of the file is damaged. Frames before it were good; the error comes again at every
    /// call.
    pub fn next_frame(&mut self) -> Result<Option<(Header, &[u8])>, Unplayable> {
        self.hold(self.trim.tail_limit() + 1);
        let Some(held) = self.held.pop_front() else {
            return self.end.clone().unwrap_or(Ok(())).map(|()| None);
        };
        self.given = held;
        let Some(header) = self.given.header else { return Ok(None) };
        self.warm(header);
        Ok(Some((header, &self.given.bytes)))
    }

    /// Passes over `n` frames; how many there were, which is less at the song's end.
    ///
    /// # Errors
    /// As [`next_frame`](Self::next_frame).
    pub fn skip_frames(&mut self, n: u64) -> Result<u64, Unplayable> {
        for skipped in 0..n {
            if self.next_frame()?.is_none() {
                return Ok(skipped);
            }
        }
        Ok(n)
    }

    /// Reads until `count` frames are held or the file ends; at its end the last ones go.
    fn hold(&mut self, count: usize) {
        while self.held.len() < count && self.end.is_none() {
            let mut bytes = std::mem::take(&mut self.given.bytes);
            bytes.clear();
            let header = match self.source.next_frame() {
                Ok(Some((header, frame))) => {
                    bytes.extend_from_slice(frame);
                    header
                }
                Ok(None) => {
                    let spare = self.trim.tail(self.read, self.lead);
                    self.held.truncate(self.held.len().saturating_sub(spare));
                    self.end = Some(Ok(()));
                    return;
                }
                Err(reason) => {
                    self.end = Some(Err(reason));
                    return;
                }
            };
            let seam = self.source.is_behind_seam();
            self.read += 1;
            self.held.push_back(Held { header: Some(header), bytes, seam });
        }
    }

    /// Mutes the given frame where its sound lies in bytes that are not there.
    fn warm(&mut self, header: Header) {
        let frame = &mut self.given.bytes;
        if let Some((before, extent)) = self.before {
            let joined = Format::of(before) != Format::of(header);
            let meets = extent.is_some_and(|extent| extent.meets(header, frame));
            if joined || self.given.seam && !meets {
                self.tail.clear();
            }
        }
        let extent = Extent::of(header, frame);
        if self.tail.misses(header, frame) {
            mute(header, frame, self.tail.held());
        }
        self.before = Some((header, extent));
        self.tail.push(header, frame);
    }
}
