//! A track: one open song as the station sees it, frame by frame.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crossbeam_channel::{Receiver, TryRecvError};

use super::Chunk;
use crate::mpeg::{Header, Tail, Unplayable};

/// What a track's reader sends.
#[derive(Debug)]
pub enum Item {
    /// The last main data before the first frame, where that is not the song's first.
    Lead(Box<Tail>),
    /// The next frames.
    Chunk(Chunk),
    /// The song ended as it should.
    End,
    /// The file could not be opened, or could not be read on.
    Failed(Unplayable),
}

/// What comes next in a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A frame with this header.
    Frame(Header),
    /// The disk has not delivered it yet; the reader is told that it is waited for.
    Pending,
    /// Nothing: the song is over.
    End,
    /// Nothing: the file is unplayable from here on.
    Failed(Unplayable),
}

/// Whether a track's frames are waited for, so that its reader need not wake anyone otherwise.
/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Hunger(Arc<AtomicBool>);

impl Hunger {
    fn feel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// The track found nothing since this was last asked; for its reader, after it has sent.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// An open song. Dropping it closes the file.
#[derive(Debug)]
pub struct Track {
    arrivals: Receiver<Item>,
    hunger: Hunger,
    tail: Tail,
    chunk: Chunk,
    index: usize,
    at: usize,
    ended: Option<Next>,
}

impl Track {
    /// The track that `arrivals` feeds.
    #[must_use]
    pub fn new(arrivals: Receiver<Item>) -> Self {
        Self::fed(arrivals, Hunger::default())
    }

    /// The track that `arrivals` feeds by a reader that asks after its `hunger`.
    #[must_use]
    pub fn fed(arrivals: Receiver<Item>, hunger: Hunger) -> Self {
        let (tail, chunk) = (Tail::default(), Chunk::new());
        Self { arrivals, hunger, tail, chunk, index: 0, at: 0, ended: None }
    }

    /// What comes next, without taking it. Never waits.
    pub fn peek(&mut self) -> Next {
        loop {
            if let Some((header, _)) = self.chunk.frame(self.index, self.at) {
                return Next::Frame(header);
            }
            if let Some(ended) = &self.ended {
                return ended.clone();
            }
            match self.receive() {
                Ok(Item::Chunk(chunk)) => {
                    self.chunk = chunk;
                    self.index = 0;
                    self.at = 0;
                }
                Ok(Item::Lead(tail)) => self.tail = *tail,
                Ok(Item::End) => self.ended = Some(Next::End),
                Ok(Item::Failed(reason)) => self.ended = Some(Next::Failed(reason)),
                Err(TryRecvError::Empty) => return Next::Pending,
                Err(TryRecvError::Disconnected) => {
                    let died = Unplayable::from(std::io::ErrorKind::BrokenPipe);
                    self.ended = Some(Next::Failed(died));
                }
            }
        }
    }

    /// Takes the frame that [`peek`](Self::peek) showed.
    pub fn take(&mut self) -> Option<(Header, &[u8])> {
        let (header, frame) = self.chunk.frame(self.index, self.at)?;
        self.tail.push(header, frame);
        self.index += 1;
        self.at += frame.len();
        Some((header, frame))
    }

    /// The frame that [`peek`](Self::peek) showed, without taking it.
    #[must_use]
    pub fn upcoming(&self) -> Option<(Header, &[u8])> {
        self.chunk.frame(self.index, self.at)
    }

    /// The last main data before the next frame: what that may point back to. In a song that was
    /// opened in its middle it is known once [`peek`](Self::peek) has shown the first frame.
    #[must_use]
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// The disk has delivered something that was not looked at yet.
    #[must_use]
    pub fn has_arrivals(&self) -> bool {
        self.ended.is_none() && !self.arrivals.is_empty()
    }

    fn receive(&self) -> Result<Item, TryRecvError> {
        match self.arrivals.try_recv() {
            Err(TryRecvError::Empty) => {
                self.hunger.feel();
                // What was sent before the reader could see the hunger is here by now.
                self.arrivals.try_recv()
            }
            received => received,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_track_that_found_nothing_is_hungry() {
        let (items, arrivals) = crossbeam_channel::bounded(2);
        let hunger = Hunger::default();
        let mut track = Track::fed(arrivals, hunger.clone());
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x00]).unwrap();
        let mut chunk = Chunk::new();
        chunk.push(header, &vec![0; header.frame_len()]);
        items.send(Item::Chunk(chunk)).unwrap();
        assert_eq!(track.peek(), Next::Frame(header));
        assert!(!hunger.take() && !track.has_arrivals());
        track.take();
        assert_eq!(track.peek(), Next::Pending);
        assert!(hunger.take() && !hunger.take());
        items.send(Item::End).unwrap();
        assert!(track.has_arrivals());
        assert_eq!(track.peek(), Next::End);
        assert!(!track.has_arrivals() && !hunger.take());
    }
}
