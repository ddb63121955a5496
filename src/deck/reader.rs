//! The reader: the thread that turns one file into chunks of frames.

use std::{path::PathBuf, thread};

use crossbeam_channel::{SendError, Sender, bounded};

use super::{Chunk, Hunger, Item, Opener, SongFrames, Track};
use crate::{
    bell::Bell,
    mpeg::{self, StreamTime, Unplayable},
    song::Song,
};

/// Chunks that wait for the station: with [`CHUNK_SECONDS`] about ten seconds.
const CHUNKS_AHEAD: usize = 5;
/// Length of a chunk but the first: one disk access each.
const CHUNK_SECONDS: u64 = 2;
/// Frames of the first chunk: few, so that a song can begin at once.
const FIRST_CHUNK_FRAMES: u64 = 16;

/// Opens files.
#[derive(Debug, Clone)]
pub struct Deck {
    bell: Bell,
}

/// The way to a track.
#[derive(Clone)]
struct Feed {
    items: Sender<Item>,
    hunger: Hunger,
    bell: Bell,
}

impl Deck {
    /// A deck that rings `bell` when something arrives that is waited for.
    #[must_use]
    pub fn new(bell: Bell) -> Self {
        Self { bell }
    }
}

impl Feed {
    /// Waits for room; an error where the track was dropped.
    fn send(&self, item: Item) -> Result<(), SendError<Item>> {
        self.items.send(item)?;
        if self.hunger.take() {
            self.bell.ring();
        }
        Ok(())
    }
}

impl Opener for Deck {
    fn open(&mut self, song: &Song, from: u64) -> Track {
        let (items, arrivals) = bounded(CHUNKS_AHEAD);
        let feed = Feed { items, hunger: Hunger::default(), bell: self.bell.clone() };
        let path = song.path.clone();
        let (failed, hunger) = (feed.items.clone(), feed.hunger.clone());
        let thread = thread::Builder::new().name("deck".into());
        let spawned = thread.spawn(move || {
            let end = match read(path, from, &feed) {
                Ok(()) => Item::End,
                Err(reason) => Item::Failed(reason),
            };
            // The station may have dropped the track: then nobody waits for its end.
            let _ = feed.send(end);
        });
        if let Err(error) = spawned {
            let _ = failed.try_send(Item::Failed(Unplayable::from(error)));
        }
        Track::fed(arrivals, hunger)
    }
}

/// Sends all frames that are played from frame number `from` on, and before them what the first of
/// them points back to; ends early where nobody takes them.
fn read(path: PathBuf, from: u64, feed: &Feed) -> Result<(), Unplayable> {
    let mut source = SongFrames::open(mpeg::open(&path)?)?;
    source.skip_frames(from)?;
    if from > 0 && feed.send(Item::Lead(Box::new(source.tail().clone()))).is_err() {
        return Ok(());
    }
    let chunk_time = StreamTime::from_units(mpeg::time::UNITS_PER_SECOND * CHUNK_SECONDS);
    let mut limit = source.first().duration().times(FIRST_CHUNK_FRAMES);
    let mut chunk = Chunk::new();
    loop {
        match source.next_frame() {
            Ok(Some((header, frame))) => chunk.push(header, frame),
            ended => {
                if !chunk.is_empty() {
                    let _ = feed.send(Item::Chunk(chunk));
                }
                return ended.map(|_| ());
            }
        }
        if chunk.duration() >= limit {
            if feed.send(Item::Chunk(std::mem::take(&mut chunk))).is_err() {
                return Ok(());
            }
            limit = chunk_time;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::deck::Next;

    #[test]
    fn who_waits_for_a_frame_is_rung_for_and_nobody_else() {
        let (items, arrivals) = bounded(CHUNKS_AHEAD);
        let feed = Feed { items, hunger: Hunger::default(), bell: Bell::new() };
        let mut track = Track::fed(arrivals, feed.hunger.clone());
        let is_rung = |feed: &Feed| feed.bell.wait_until(Instant::now());
        feed.send(Item::Chunk(Chunk::new())).unwrap();
        assert!(!is_rung(&feed), "nobody has looked yet");
        assert_eq!(track.peek(), Next::Pending);
        feed.send(Item::Chunk(Chunk::new())).unwrap();
        assert!(is_rung(&feed));
        feed.send(Item::End).unwrap();
        assert!(!is_rung(&feed), "what was waited for is there");
        assert_eq!(track.peek(), Next::End);
        drop(track);
        assert!(feed.send(Item::End).is_err());
    }
}
