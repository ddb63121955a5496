//! The ring: the newest bytes of the stream with an index of frames and titles.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::Group;
use crate::mpeg::{Header, StreamTime};

/// Bytes that the ring holds: 26 s at 320 kbit/s, 65 s at 128.
pub const RING_BYTES: usize = 1 << 20;

/// What stands where nothing was written yet. Not zero: the system would hand out memory that is not
/// there before its first use, and the station would grow, page by page, for its first minute on air.
const UNWRITTEN: u8 = 0xFF;

/// Where a frame begins, in bytes and in time since the ring was made.
#[derive(Debug, Clone, Copy)]
struct Mark {
    offset: u64,
    time: StreamTime,
    /// Nothing for a page or a frame of a codec that is passed through.
    header: Option<Header>,
}

/// Offsets count bytes ever written; those before `start` have been overwritten.
#[derive(Debug)]
pub(super) struct Ring {
    bytes: Box<[u8]>,
    end: u64,
    end_time: StreamTime,
    frames: VecDeque<Mark>,
    next_frame: u64,
    /// Offset from which each title holds; the last one before the oldest frame is kept.
    titles: VecDeque<(u64, Arc<str>)>,
    /// Where each heading begins and what it is; the last one before the oldest frame is kept.
    headings: VecDeque<(u64, Arc<[u8]>)>,
    last_push: Option<Instant>,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![UNWRITTEN; RING_BYTES].into_boxed_slice(),
            end: 0,
            end_time: StreamTime::ZERO,
            frames: VecDeque::new(),
            next_frame: 0,
            titles: VecDeque::from([(0, Arc::from(""))]),
            headings: VecDeque::new(),
            last_push: None,
        }
    }

    pub(super) fn append(&mut self, group: &Group, now: Instant) {
        self.make_room(group.bytes().len() as u64);
        let mut titles = group.titles().peekable();
        for (index, (header, len, _)) in group.frames().enumerate() {
            while let Some((_, title)) = titles.next_if(|title| title.0 <= index) {
                self.set_title(title);
            }
            self.mark(Some(header), u64::from(len), header.duration());
        }
        for (_, title) in titles {
            self.set_title(title);
        }
        self.copy_in(group.bytes());
        self.last_push = Some(now);
    }

    /// Appends one piece of a codec that is passed through: it is never cut, and counts as a frame.
    pub(super) fn append_piece(&mut self, piece: &[u8], duration: StreamTime, now: Instant) {
        self.make_room(piece.len() as u64);
        self.mark(None, piece.len() as u64, duration);
        self.copy_in(piece);
        self.last_push = Some(now);
    }

    /// Appends what a decoder must have before anything that follows.
    pub(super) fn append_heading(&mut self, heading: Arc<[u8]>, now: Instant) {
        self.headings.push_back((self.end, Arc::clone(&heading)));
        self.append_piece(&heading, StreamTime::ZERO, now);
    }

    /// The heading that holds at `offset`, with the offset at which it stands itself.
    pub(super) fn heading_at(&self, offset: u64) -> Option<(u64, &Arc<[u8]>)> {
        let after = self.headings.partition_point(|heading| heading.0 <= offset);
        let heading = self.headings.get(after.checked_sub(1)?)?;
        Some((heading.0, &heading.1))
    }

    fn mark(&mut self, header: Option<Header>, len: u64, duration: StreamTime) {
        self.frames.push_back(Mark { offset: self.end, time: self.end_time, header });
        self.end += len;
        self.end_time += duration;
        self.next_frame += 1;
    }

    pub(super) fn set_title(&mut self, title: &str) {
        if let Some(last) = self.titles.back_mut()
            && last.0 == self.end
        {
            last.1 = Arc::from(title);
        } else if self.newest_title().as_ref() != title {
            self.titles.push_back((self.end, Arc::from(title)));
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn next_frame(&self) -> u64 {
        self.next_frame
    }

    pub(super) fn newest_header(&self) -> Option<Header> {
        self.frames.back().and_then(|mark| mark.header)
    }

    pub(super) fn newest_title(&self) -> Arc<str> {
        self.titles.back().map_or_else(|| Arc::from(""), |title| Arc::clone(&title.1))
    }

    pub(super) fn last_push(&self) -> Option<Instant> {
        self.last_push
    }

    /// The title that holds at `offset`.
    pub(super) fn title_at(&self, offset: u64) -> Arc<str> {
        let after = self.titles.partition_point(|title| title.0 <= offset);
        let title = self.titles.get(after.saturating_sub(1));
        title.map_or_else(|| Arc::from(""), |title| Arc::clone(&title.1))
    }

    /// The offset behind `offset` at which another title begins.
    pub(super) fn next_title(&self, offset: u64) -> Option<u64> {
        // Nearly everyone hears the newest title: no search for them.
        if self.titles.back().is_none_or(|newest| newest.0 <= offset) {
            return None;
        }
        let after = self.titles.partition_point(|title| title.0 <= offset);
        self.titles.get(after).map(|title| title.0)
    }

    /// The edge of the oldest frame that begins no earlier than `burst` before the end.
    pub(super) fn edge_before_end(&self, burst: StreamTime) -> u64 {
        let from = self.end_time.saturating_sub(burst);
        let index = self.frames.partition_point(|mark| mark.time < from);
        self.frames.get(index).map_or(self.end, |mark| mark.offset)
    }

    /// The number of the first frame that begins at or after `offset`.
    pub(super) fn frame_at(&self, offset: u64) -> u64 {
        let index = self.frames.partition_point(|mark| mark.offset < offset);
        self.next_frame - (self.frames.len() - index) as u64
    }

    /// The offset at or after `offset` where a frame begins.
    pub(super) fn edge_at(&self, offset: u64) -> u64 {
        if offset == self.end {
            return offset;
        }
        let index = self.frames.partition_point(|mark| mark.offset < offset);
        self.frames.get(index).map_or(self.end, |mark| mark.offset).max(offset)
    }

    /// The number of the first frame that does not end by `offset`, which lies in the ring.
    pub(super) fn first_missing(&self, offset: u64) -> u64 {
        let is_cut = self.edge_at(offset) > offset;
        self.frame_at(offset).saturating_sub(u64::from(is_cut))
    }

    /// Offset and header of each frame from `offset` on.
    pub(super) fn headers_from(
        &self,
        offset: u64,
    ) -> impl Iterator<Item = (u64, Option<Header>)> + '_ {
        let index = self.frames.partition_point(|mark| mark.offset < offset);
        self.frames.range(index..).map(|mark| (mark.offset, mark.header))
    }

    /// Offset and header of each frame before `offset`, the newest first.
    pub(super) fn headers_before(&self, offset: u64) -> impl Iterator<Item = (u64, Header)> + '_ {
        let index = self.frames.partition_point(|mark| mark.offset < offset);
        self.frames.range(..index).rev().map_while(|mark| Some((mark.offset, mark.header?)))
    }

    /// So many bytes from `offset` on; nothing where the ring has fewer.
    pub(super) fn copy(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let first = self.from(offset);
        let first = first.get(..len.min(first.len()))?;
        let second = self.from(offset + first.len() as u64).get(..len - first.len())?;
        Some([first, second].concat())
    }

    /// The offset of the oldest frame that is still whole.
    pub(super) fn start(&self) -> u64 {
        self.frames.front().map_or(self.end, |mark| mark.offset)
    }

    /// The contiguous bytes from `offset` on: all there is, or as far as the ring's seam.
    pub(super) fn from(&self, offset: u64) -> &[u8] {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(0);
        let at = Self::index(offset);
        self.bytes.get(at..(at + left).min(RING_BYTES)).unwrap_or(&[])
    }

    fn make_room(&mut self, coming: u64) {
        let keep_from = (self.end + coming).saturating_sub(RING_BYTES as u64);
        while self.frames.front().is_some_and(|mark| mark.offset < keep_from) {
            self.frames.pop_front();
        }
        let start = self.start();
        while self.titles.get(1).is_some_and(|title| title.0 <= start) {
            self.titles.pop_front();
        }
        while self.headings.get(1).is_some_and(|heading| heading.0 <= start) {
            self.headings.pop_front();
        }
    }

    fn copy_in(&mut self, bytes: &[u8]) {
        let at = Self::index(self.end - bytes.len() as u64);
        let before_seam = bytes.len().min(RING_BYTES - at);
        let (first, second) = bytes.split_at(before_seam);
        for (into, from) in [(at, first), (0, second)] {
            if let Some(slot) = self.bytes.get_mut(into..into + from.len()) {
                slot.copy_from_slice(from);
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than the ring's size")]
    fn index(offset: u64) -> usize {
        (offset % RING_BYTES as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::FrameKind;

    #[test]
    fn the_index_ends_where_the_bytes_do() {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x00]).unwrap();
        let (mut ring, now) = (Ring::new(), Instant::now());
        let frames = RING_BYTES / header.frame_len();
        for n in 0..3 * frames {
            let mut group = Group::new();
            group.mark_title(&n.to_string());
            group.push(header, &vec![0; header.frame_len()], FrameKind::Song);
            ring.append(&group, now);
            assert!(ring.frames.len() <= frames, "{} frames", ring.frames.len());
            assert!(ring.titles.len() <= frames + 1, "{} titles", ring.titles.len());
        }
        let oldest = ring.frame_at(ring.start());
        assert_eq!(ring.title_at(ring.start()).as_ref(), oldest.to_string());
        assert!(ring.start() + RING_BYTES as u64 >= ring.end());
    }
}
