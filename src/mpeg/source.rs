//! The frames of one file, in order, with everything that is no audio left out.

use std::io::{self, Read, Seek, SeekFrom};

use super::{
    bounds::Bounds,
    header::Header,
    info::InfoFrame,
    scan::{Scanner, Step},
    tag::Tag,
    unplayable::Unplayable,
    walk::Tally,
};

/// Bytes that are read at a time, and all the memory that a source holds.
const BUFFER: usize = 256 * 1024;

/// A file open for reading frame by frame; nothing is allocated for a frame.
#[derive(Debug)]
pub struct FrameSource<R> {
    feed: Feed<R>,
    first: Header,
    info: Option<InfoFrame>,
    /// The first frame was found by `open` and waits in the buffer.
    waiting: Option<Header>,
    /// The frame that was given last does not stand behind the one before it.
    seam: bool,
}

impl<R: Read + Seek> FrameSource<R> {
    /// Finds the audio, locks on two frames in a row and withholds the Xing, Info or VBRI frame.
    ///
    /// # Errors
    /// Why nothing in the file can be streamed.
    pub fn open(reader: R) -> Result<Self, Unplayable> {
        let mut feed = Feed::open(reader)?;
        let mut info = None;
        loop {
            let (step, bytes) = feed.step()?;
            match step {
                Step::Frame(first) => {
                    feed.unread(first.frame_len());
                    return Ok(Self { feed, first, info, waiting: Some(first), seam: false });
                }
                Step::Info(header) => info = info.or_else(|| InfoFrame::read(header, bytes)),
                Step::End => return Err(Unplayable::NoFrames),
                Step::GiveUp(reason) => return Err(reason),
                _ => {}
            }
        }
    }

    /// The header of the first audio frame.
    #[must_use]
    pub fn first(&self) -> Header {
        self.first
    }

    /// What the withheld Xing, Info or VBRI frame says, if there is one.
    #[must_use]
    pub fn info(&self) -> Option<&InfoFrame> {
        self.info.as_ref()
    }

    /// The next whole frame with its header, or nothing at the end of the file.
    ///
    /// # Errors
    /// Reading failed, or the rest of the file is damaged. Frames before it were good; the error
    /// comes again at every call.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<(Header, &[u8])>, Unplayable> {
        if let Some(header) = self.waiting.take() {
            return Ok(Some((header, self.feed.reread(header.frame_len()))));
        }
        self.seam = false;
        loop {
            match self.feed.advance()? {
                Step::Frame(header) => {
                    return Ok(Some((header, self.feed.last(header.frame_len()))));
                }
                Step::End => return Ok(None),
                Step::GiveUp(reason) => return Err(reason),
                _ => self.seam = true,
            }
        }
    }

    /// Something stood in the file between the frame that was given last and the one before it:
    /// junk, which may have been frames, or a tag or an Info frame, where files were joined.
    #[must_use]
    pub fn is_behind_seam(&self) -> bool {
        self.seam
    }

    /// Passes over `n` frames; how many there were, which is less at the end of the file.
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
}

/// The scanner with its file and its buffer.
#[derive(Debug)]
pub(super) struct Feed<R> {
    reader: R,
    scanner: Scanner,
    tags: Vec<Tag>,
    buffer: Box<[u8]>,
    /// The bytes of the buffer that were not passed yet.
    from: usize,
    to: usize,
    /// It ended before the end that it had when it was opened.
    is_cut: bool,
}

impl<R: Read + Seek> Feed<R> {
    pub(super) fn open(mut reader: R) -> Result<Self, Unplayable> {
        let bounds = Bounds::find(&mut reader)?;
        if bounds.end == 0 && bounds.tags.is_empty() {
            return Err(Unplayable::Empty);
        }
        reader.seek(SeekFrom::Start(bounds.start))?;
        Ok(Self {
            reader,
            scanner: Scanner::new(bounds.start, bounds.end),
            tags: bounds.tags,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            from: 0,
            to: 0,
            is_cut: false,
        })
    }

    pub(super) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Where the next step begins, in bytes from the file's start.
    pub(super) fn at(&self) -> u64 {
        self.scanner.at()
    }

    /// The next step with its bytes, as far as they are a frame.
    pub(super) fn step(&mut self) -> Result<(Step, &[u8]), Unplayable> {
        let step = self.advance()?;
        let bytes = match step {
            Step::Frame(header) | Step::Info(header) => self.last(header.frame_len()),
            _ => &[],
        };
        Ok((step, bytes))
    }

    /// The next step, never [`Step::More`]; what it passes is passed in the buffer and the file.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<Step, Unplayable> {
        loop {
            let window = self.buffer.get(self.from..self.to).unwrap_or_default();
            let step = self.scanner.step(window);
            match step {
                Step::Frame(header) | Step::Info(header) => self.from += header.frame_len(),
                Step::More(wanted) => {
                    self.fill(wanted)?;
                    continue;
                }
                Step::Tag(_, len) | Step::Padding(len) | Step::Junk(len) | Step::Truncated(len) => {
                    self.pass(len)?;
                }
                Step::End if self.is_cut => return Err(Unplayable::CutShort),
                Step::End | Step::GiveUp(_) => {}
            }
            return Ok(step);
        }
    }

    /// Passes over all plain frames that are at hand.
    pub(super) fn hop(&mut self, tally: &mut Tally) {
        let window = self.buffer.get(self.from..self.to).unwrap_or_default();
        self.from += self.scanner.hop(window, tally);
    }

    /// The `len` bytes that were passed last.
    #[inline]
    fn last(&self, len: usize) -> &[u8] {
        self.buffer.get(self.from.saturating_sub(len)..self.from).unwrap_or_default()
    }

    fn unread(&mut self, len: usize) {
        self.from = self.from.saturating_sub(len);
    }

    fn reread(&mut self, len: usize) -> &[u8] {
        self.from += len;
        self.last(len)
    }

    fn pass(&mut self, len: u64) -> io::Result<()> {
        let held = self.to - self.from;
        match usize::try_from(len).ok().filter(|&len| len <= held) {
            Some(len) => self.from += len,
            None => {
                self.reader.seek(SeekFrom::Start(self.scanner.at()))?;
                (self.from, self.to) = (0, 0);
            }
        }
        Ok(())
    }

    /// Reads until `wanted` bytes are at hand. A file that is shorter than it was is scanned to its end.
    fn fill(&mut self, wanted: usize) -> Result<(), Unplayable> {
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        while self.to < wanted {
            let free = self.buffer.get_mut(self.to..).unwrap_or_default();
            match self.reader.read(free) {
                Ok(0) => {
                    self.is_cut = true;
                    self.scanner.ends_early(self.to as u64);
                }
                Ok(read) => self.to += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            if self.scanner.rest() <= self.to as u64 {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io::Cursor, rc::Rc};

    use super::*;

    /// A file that somebody else can cut short.
    struct Shrinking {
        bytes: Cursor<Vec<u8>>,
        len: Rc<Cell<u64>>,
    }

    impl Read for Shrinking {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = self.len.get().saturating_sub(self.bytes.position());
            let most = buffer.len().min(usize::try_from(left).unwrap());
            self.bytes.read(&mut buffer[..most])
        }
    }

    impl Seek for Shrinking {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            match to {
                SeekFrom::End(back) => {
                    self.bytes.seek(SeekFrom::Start(self.len.get().saturating_add_signed(back)))
                }
                to => self.bytes.seek(to),
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_short_while_it_is_read_has_not_ended_well() {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x00]).unwrap();
        let mut frame = header.to_bytes().to_vec();
        frame.resize(header.frame_len(), 0);
        let bytes = frame.repeat(2000);
        let whole = bytes.len() as u64;
        for (len, end) in [(whole, Ok(2000)), (whole / 2 + 7, Err(Unplayable::CutShort))] {
            let left = Rc::new(Cell::new(whole));
            let file = Shrinking { bytes: Cursor::new(bytes.clone()), len: Rc::clone(&left) };
            let mut frames = FrameSource::open(file).unwrap();
            left.set(len);
            let (mut count, mut ended) = (0, Ok(()));
            loop {
                match frames.next_frame() {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break,
                    Err(reason) => {
                        ended = Err(reason);
                        break;
                    }
                }
            }
            assert_eq!(ended.map(|()| count), end);
        }
    }
}
