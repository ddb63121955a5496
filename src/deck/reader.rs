//! The reader: the thread that turns one file into chunks of frames.

use std::{path::PathBuf, thread};

use crossbeam_channel::{Sender, bounded};

use super::{Chunk, Item, Opener, SongFrames, Track};
use crate::{
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
#[derive(Debug, Clone, Copy, Default)]
pub struct Deck;

impl Opener for Deck {
    fn open(&mut self, song: &Song, from: u64) -> Track {
        let (sender, arrivals) = bounded(CHUNKS_AHEAD);
        let path = song.path.clone();
        let failed = sender.clone();
        let thread = thread::Builder::new().name("deck".into());
        let spawned = thread.spawn(move || {
            let end = match read(path, from, &sender) {
                Ok(()) => Item::End,
                Err(reason) => Item::Failed(reason),
            };
            // The station may have dropped the track: then nobody waits for its end.
            let _ = sender.send(end);
        });
        if let Err(error) = spawned {
            let _ = failed.try_send(Item::Failed(Unplayable::Io(error.kind())));
        }
        Track::new(arrivals)
    }
}

/// Sends all frames that are played from frame number `from` on, and before them what the first of
/// them points back to; ends early where nobody takes them.
fn read(path: PathBuf, from: u64, sender: &Sender<Item>) -> Result<(), Unplayable> {
    let mut source = SongFrames::open(mpeg::open(&path)?)?;
    source.skip_frames(from)?;
    if from > 0 && sender.send(Item::Lead(Box::new(source.tail().clone()))).is_err() {
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
                    let _ = sender.send(Item::Chunk(chunk));
                }
                return ended.map(|_| ());
            }
        }
        if chunk.duration() >= limit {
            if sender.send(Item::Chunk(std::mem::take(&mut chunk))).is_err() {
                return Ok(());
            }
            limit = chunk_time;
        }
    }
}
