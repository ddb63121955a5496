//! A track: one open song as the station sees it, frame by frame.

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
    /// The disk has not delivered it yet; [`Track::arrivals`] tells when it has.
    Pending,
    /// Nothing: the song is over.
    End,
    /// Nothing: the file is unplayable from here on.
    Failed(Unplayable),
}

/// An open song. Dropping it closes the file.
#[derive(Debug)]
pub struct Track {
    arrivals: Receiver<Item>,
    lead: Tail,
    chunk: Chunk,
    index: usize,
    at: usize,
    ended: Option<Next>,
}

impl Track {
    /// The track that `arrivals` feeds.
    #[must_use]
    pub fn new(arrivals: Receiver<Item>) -> Self {
        Self { arrivals, lead: Tail::default(), chunk: Chunk::new(), index: 0, at: 0, ended: None }
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
            match self.arrivals.try_recv() {
                Ok(Item::Chunk(chunk)) => {
                    self.chunk = chunk;
                    self.index = 0;
                    self.at = 0;
                }
                Ok(Item::Lead(tail)) => self.lead = *tail,
                Ok(Item::End) => self.ended = Some(Next::End),
                Ok(Item::Failed(reason)) => self.ended = Some(Next::Failed(reason)),
                Err(TryRecvError::Empty) => return Next::Pending,
                Err(TryRecvError::Disconnected) => {
                    let died = Unplayable::Io(std::io::ErrorKind::BrokenPipe);
                    self.ended = Some(Next::Failed(died));
                }
            }
        }
    }

    /// Takes the frame that [`peek`](Self::peek) showed.
    pub fn take(&mut self) -> Option<(Header, &[u8])> {
        let (header, frame) = self.chunk.frame(self.index, self.at)?;
        self.index += 1;
        self.at += frame.len();
        Some((header, frame))
    }

    /// The last main data before the first frame: what that points back to where the song was opened
    /// in the middle, else nothing. Known when [`peek`](Self::peek) has shown the first frame.
    #[must_use]
    pub fn lead(&self) -> &Tail {
        &self.lead
    }

    /// Becomes ready when the disk has delivered more; nothing once the song has ended.
    #[must_use]
    pub fn arrivals(&self) -> Option<&Receiver<Item>> {
        self.ended.is_none().then_some(&self.arrivals)
    }
}
