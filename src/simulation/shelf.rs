//! The shelf: songs whose frames tell which song and which frame they are.

use std::{path::PathBuf, time::Duration};

use super::dice::Dice;
use crate::{
    deck::Item,
    ids::SongId,
    library::{Album, Audio, Batch, FoundSong, Tags},
    mpeg::{Header, StreamTime, Tail, Version, crc, reservoir::MAX_BACK},
};

/// Songs in a library.
const SONGS: u64 = 40;
/// Formats in use, the cheapest first: most songs have the first ones, so that a day is short.
const FORMATS: [[u8; 4]; 6] = [
    [0xFF, 0xE3, 0x18, 0xC0], // MPEG-2.5, 8 kbit/s, 8 kHz, mono
    [0xFF, 0xE3, 0x28, 0x40], // MPEG-2.5, 16 kbit/s, 8 kHz, joint stereo
    [0xFF, 0xE3, 0x34, 0xC0], // MPEG-2.5, 24 kbit/s, 12 kHz, mono
    [0xFF, 0xF3, 0x48, 0xC0], // MPEG-2, 32 kbit/s, 16 kHz, mono
    [0xFF, 0xFB, 0x90, 0x64], // MPEG-1, 128 kbit/s, 44.1 kHz, joint stereo
    [0xFF, 0xFA, 0x54, 0xC4], // MPEG-1, 64 kbit/s, 48 kHz, mono, with CRC
];
/// What stands in the side info of a song's frame, so that none looks silent.
const SOUND: u8 = 0x5A;
/// What a song's main data begin with.
const TAG: u8 = 0xA5;
/// Every so many frames one points back to nothing, as after a silent spot.
const CHAIN: u64 = 8;

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    Missing,
    DamagedAfter(u64),
    /// The disk takes so long to begin.
    Late(Duration),
}

/// One song.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) id: SongId,
    pub(super) frames: u64,
    pub(super) fault: Fault,
    header: Header,
    points_back: bool,
}

/// All songs; song n stands at n - 1.
#[derive(Debug)]
pub(super) struct Shelf(Vec<Piece>);

impl Shelf {
    /// A library; `bad_percent` of its songs are faulty. `points_back`: frames use a reservoir.
    pub(super) fn new(dice: &mut Dice, bad_percent: u64, points_back: bool) -> Self {
        let piece = |n: u64| {
            let format = if dice.percent(88) { dice.index(2) } else { dice.index(FORMATS.len()) };
            let header = Header::parse(FORMATS[format]).unwrap();
            let seconds = if dice.percent(5) { dice.below(12) } else { 90 + dice.below(420) };
            let per_second = u64::from(header.sample_rate()) / u64::from(header.samples());
            let frames = 1 + dice.below(20) + seconds * per_second;
            let fault = match dice.below(4) {
                _ if !dice.percent(bad_percent) => Fault::Nothing,
                0 => Fault::Missing,
                1 => Fault::DamagedAfter(dice.below(frames)),
                2 => Fault::DamagedAfter(dice.below(5)),
                _ => Fault::Late(Duration::from_millis(dice.below(4000))),
            };
            let id = SongId(i64::try_from(n).unwrap());
            Piece { id, frames, fault, header, points_back: points_back && dice.percent(70) }
        };
        Self((1..=SONGS).map(piece).collect())
    }

    pub(super) fn piece(&self, song: SongId) -> &Piece {
        &self.0[usize::try_from(song.0 - 1).unwrap()]
    }

    pub(super) fn any(&self, dice: &mut Dice) -> SongId {
        self.0[dice.index(self.0.len())].id
    }

    /// What a scan of it finds.
    pub(super) fn scanned(&self) -> Batch {
        Batch { found: self.0.iter().map(Piece::found).collect(), ..Batch::default() }
    }
}

impl Piece {
    pub(super) fn path(id: SongId) -> PathBuf {
        PathBuf::from(format!("/music/{id}.mp3"))
    }

    /// How long one frame sounds.
    pub(super) fn frame_time(&self) -> StreamTime {
        self.header.duration()
    }

    /// Frames that can be read.
    pub(super) fn readable(&self) -> u64 {
        match self.fault {
            Fault::DamagedAfter(frames) => frames,
            Fault::Missing => 0,
            Fault::Nothing | Fault::Late(_) => self.frames,
        }
    }

    /// What a reader that begins at frame `from` tells first.
    pub(super) fn lead(&self, from: u64) -> Option<Item> {
        let mut tail = Tail::default();
        // As far back as decoders keep anything, and further: a frame brings at least a byte.
        for index in from.saturating_sub(MAX_BACK as u64)..from {
            let mut frame = Vec::new();
            let header = self.append(index, &mut frame);
            tail.push(header, &frame);
        }
        (from > 0).then(|| Item::Lead(Box::new(tail)))
    }

    /// The header of frame `index`: in MPEG-1 every other frame is padded.
    pub(super) fn header(&self, index: u64) -> Header {
        if self.header.version() != Version::Mpeg1 || index.is_multiple_of(2) {
            return self.header;
        }
        let mut bytes = self.header.to_bytes();
        bytes[2] |= 2;
        Header::parse(bytes).unwrap()
    }

    /// How far frame `index` points back: within what the frames before it of its chain hold, as
    /// an encoder's would, even where a decoder keeps no more than the next frame claims.
    pub(super) fn back(&self, index: u64) -> usize {
        let most = if self.header.version() == Version::Mpeg1 { 511 } else { 255 };
        let held = (index % CHAIN) * self.main_data_len(0) as u64;
        if self.points_back { usize::try_from(held / 2).unwrap().min(most) } else { 0 }
    }

    /// Appends frame `index`, and returns its header.
    pub(super) fn append(&self, index: u64, out: &mut Vec<u8>) -> Header {
        let (start, header) = (out.len(), self.header(index));
        out.extend_from_slice(&header.to_bytes());
        let side_at = side_info_at(header);
        out.resize(start + side_at, 0);
        out.resize(start + side_at + header.side_info_len(), SOUND);
        let bits = match header.version() {
            Version::Mpeg1 => self.back(index) << 7,
            _ => self.back(index) << 8,
        };
        let bits = u16::try_from(bits).unwrap().to_be_bytes();
        out[start + side_at..start + side_at + 2].copy_from_slice(&bits);
        let song = u16::try_from(self.id.0).unwrap().to_be_bytes();
        let number = u32::try_from(index).unwrap().to_be_bytes();
        out.push(TAG);
        out.extend_from_slice(&song);
        out.extend_from_slice(&number);
        // Never zero: no piece of a song looks like a frame that carries nothing.
        let fill = song[1].wrapping_mul(31) ^ number[3].wrapping_mul(7) | 1;
        out.resize(start + header.frame_len(), fill);
        if header.has_crc() {
            let crc = crc(header, &out[start..]).unwrap().to_be_bytes();
            out[start + 4..start + 6].copy_from_slice(&crc);
        }
        header
    }

    /// The last `len` bytes of main data before frame `index`.
    pub(super) fn before(&self, index: u64, len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut from = index;
        while bytes.len() < len && from > 0 {
            from -= 1;
            let mut frame = Vec::new();
            let header = self.append(from, &mut frame);
            frame.drain(..main_data_at(header));
            frame.append(&mut bytes);
            bytes = frame;
        }
        bytes.split_off(bytes.len().saturating_sub(len))
    }

    fn main_data_len(&self, index: u64) -> usize {
        let header = self.header(index);
        header.frame_len() - main_data_at(header)
    }

    fn found(&self) -> FoundSong {
        let bytes: usize = (0..2).map(|index| self.header(index).frame_len()).sum();
        let audio = Audio {
            duration: self.frame_time().times(self.frames),
            frames: self.frames,
            audio_bytes: self.frames * bytes as u64 / 2,
            sample_rate: self.header.sample_rate(),
            channels: self.header.channels(),
            bitrate: u32::from(self.header.bitrate()),
        };
        let tags = Tags {
            title: format!("Song {}", self.id),
            artist: "Band".into(),
            album: Album { name: "Album".into(), key: b"album".into() },
            ..Tags::default()
        };
        FoundSong { path: Self::path(self.id), size: 1, mtime_ns: 1, tags, audio: Ok(audio) }
    }
}

/// Where the side info of a frame begins; the simulation's own reading of the standard.
pub(super) fn side_info_at(header: Header) -> usize {
    if header.has_crc() { 6 } else { 4 }
}

/// Where the main data area of a frame begins.
pub(super) fn main_data_at(header: Header) -> usize {
    side_info_at(header) + header.side_info_len()
}

/// How far a frame points back.
pub(super) fn points_back(header: Header, frame: &[u8]) -> usize {
    let at = side_info_at(header);
    let bits = usize::from(u16::from_be_bytes([frame[at], frame[at + 1]]));
    if header.version() == Version::Mpeg1 { bits >> 7 } else { bits >> 8 }
}

/// A frame without sound, with or without main data for the frames behind it.
pub(super) fn is_silent(header: Header, frame: &[u8]) -> bool {
    let side = &frame[side_info_at(header)..main_data_at(header)];
    let rest = if header.version() == Version::Mpeg1 { side[1] & 0x7F } else { side[1] };
    rest == 0 && side[2..].iter().all(|byte| *byte == 0)
}
