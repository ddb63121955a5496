//! Bit reservoirs in a recording: whether each frame of a song has the bytes that it points back to.

use std::{collections::HashMap, fs::File, path::PathBuf};

use musicdb_stream::mpeg::{FrameSource, Header, Tail, main_data_begin};

use super::record::Take;

/// For each frame of the songs that points back, the bytes it points to; frames that stand in more
/// places may have more than one.
pub struct Reservoirs(HashMap<Vec<u8>, Vec<Vec<u8>>>);

impl Reservoirs {
    pub fn read(songs: &[PathBuf]) -> Self {
        let mut wanted: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
        for song in songs {
            let mut source = FrameSource::open(File::open(song).unwrap()).unwrap();
            let mut tail = Tail::default();
            while let Some((header, frame)) = source.next_frame().unwrap() {
                if let Some(bytes) = pointed_to(&tail, header, frame) {
                    wanted.entry(frame.to_vec()).or_default().push(bytes.to_vec());
                }
                tail.push(header, frame);
            }
        }
        Self(wanted)
    }

    /// How many of the songs' frames lack bytes that they point back to: a decoder has others there,
    /// or none. `take` is read from its first frame on.
    pub fn damaged(&self, take: &Take) -> usize {
        let mut tail = Tail::default();
        let (mut at, mut damaged) = (first_frame(&take.bytes), 0);
        while let Some((header, frame)) = frame_at(&take.bytes, at) {
            let wanted = self.0.get(frame);
            let held = pointed_to(&tail, header, frame);
            let is_whole = |wanted: &Vec<Vec<u8>>| {
                held.is_some_and(|held| wanted.iter().any(|bytes| bytes == held))
            };
            damaged += usize::from(!wanted.is_none_or(is_whole));
            tail.push(header, frame);
            at += frame.len();
        }
        damaged
    }
}

/// What the frame points back to, where it does and the tail has so much.
fn pointed_to<'a>(tail: &'a Tail, header: Header, frame: &[u8]) -> Option<&'a [u8]> {
    let back = main_data_begin(header, frame).filter(|back| *back > 0)?;
    tail.bytes().get(tail.held().checked_sub(back)?..)
}

/// Where the first of three frames in a row begins: a listener may come in within a frame.
fn first_frame(bytes: &[u8]) -> usize {
    let next = |at: usize| frame_at(bytes, at).map(|(_, frame)| at + frame.len());
    let joined = |at: &usize| next(*at).and_then(next).and_then(next).is_some();
    (0..bytes.len()).find(joined).unwrap_or(bytes.len())
}

fn frame_at(bytes: &[u8], at: usize) -> Option<(Header, &[u8])> {
    let header = Header::parse(*bytes.get(at..)?.first_chunk::<4>()?).ok()?;
    Some((header, bytes.get(at..at + header.frame_len())?))
}
