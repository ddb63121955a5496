//! A song as it is sent, plain and with pauses in it, and the decoded silence cut out again.

use std::{fs::File, path::Path};

use musicdb_stream::mpeg::{
    Carriers, FrameSource, Header, Silence, Tail, main_data_begin, mute, walk,
};

/// The frames of one file of one format, muted where they point back to before it.
pub struct Song {
    pub frames: Vec<(Header, Vec<u8>)>,
}

/// Silence that stands before a frame of the song.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    /// The number of the frame behind it.
    pub before: usize,
    /// Silent frames, the carriers with them.
    pub frames: usize,
    /// Bytes that the frame behind it claims.
    pub back: usize,
}

/// A song with pauses.
pub struct Spliced {
    pub bytes: Vec<u8>,
    pub pauses: Vec<Pause>,
    /// The most carriers before one frame.
    pub most_carriers: usize,
}

/// A small generator, so that a seed makes the same pauses everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

impl Song {
    /// Reads a file; nothing where its frames are of several formats, or none.
    pub fn read(path: &Path) -> Option<Self> {
        let summary = walk(File::open(path).unwrap()).ok().filter(|s| s.formats.len() == 1)?;
        let mut source = FrameSource::open(File::open(path).unwrap()).unwrap();
        let mut frames = Vec::with_capacity(usize::try_from(summary.frames).unwrap());
        let mut tail = Tail::default();
        while let Some((header, frame)) = source.next_frame().unwrap() {
            let mut frame = frame.to_vec();
            if tail.misses(header, &frame) {
                mute(header, &mut frame, tail.held());
            }
            tail.push(header, &frame);
            frames.push((header, frame));
        }
        Some(Self { frames })
    }

    pub fn header(&self) -> Header {
        self.frames[0].0
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.frames.iter().flat_map(|(_, frame)| frame).copied().collect()
    }

    /// How many pauses fit where each has `apart` frames behind it.
    pub fn room(&self, apart: usize) -> usize {
        (self.frames.len() - 1) / apart
    }

    /// `count` numbers of frames, in order, with at least `apart` frames from one to the next and
    /// to the end.
    pub fn places(&self, count: usize, apart: usize, dice: &mut Dice) -> Vec<usize> {
        let count = count.min(self.room(apart));
        let free = self.frames.len() - 1 - count * apart;
        let mut offsets: Vec<usize> = (0..count).map(|_| dice.roll(free + 1)).collect();
        offsets.sort_unstable();
        offsets.iter().enumerate().map(|(n, offset)| 1 + n * apart + offset).collect()
    }

    /// The whole song behind so many silent frames.
    pub fn behind_silence(&self, frames: usize) -> Vec<u8> {
        let (mut bytes, mut silence) = (Vec::new(), self.silence());
        (0..frames).for_each(|_| _ = silence.append_frame(&mut bytes));
        bytes.extend(self.bytes());
        bytes
    }

    fn silence(&self) -> Silence {
        let audio_bytes = self.frames.iter().map(|(_, frame)| frame.len() as u64).sum();
        Silence::beside(self.header(), audio_bytes, self.frames.len() as u64)
    }

    /// The song with a pause before each of these frames: a few silent frames, and carriers where
    /// `carried`.
    pub fn with_pauses(&self, places: &[usize], carried: bool, dice: &mut Dice) -> Spliced {
        let mut silence = self.silence();
        let mut tail = Tail::default();
        let mut places = places.iter().copied().peekable();
        let mut spliced = Spliced { bytes: Vec::new(), pauses: Vec::new(), most_carriers: 0 };
        for (before, (header, frame)) in self.frames.iter().enumerate() {
            if places.next_if_eq(&before).is_some() {
                let back = main_data_begin(*header, frame).unwrap_or(0);
                // Carriers last: how many they are is known from silence that has not gone out.
                let carriers = carried.then(|| {
                    Carriers::before(*header, frame, &tail, &mut silence)
                        .expect("a song whose cold frames are muted misses nothing")
                });
                let carriers = carriers.unwrap_or_default();
                spliced.most_carriers = spliced.most_carriers.max(carriers.len());
                let frames = carriers.len() + dice.roll(4);
                let frames = frames.max(1);
                for _ in carriers.len()..frames {
                    silence.append_frame(&mut spliced.bytes);
                }
                carriers.frames().for_each(|(_, f)| spliced.bytes.extend_from_slice(f));
                spliced.pauses.push(Pause { before, frames, back });
            }
            tail.push(*header, frame);
            spliced.bytes.extend_from_slice(frame);
        }
        spliced
    }
}

impl Spliced {
    /// For each pause, how long behind it the decoded sound still differs from the plain song's;
    /// nothing else may differ. Both are in bytes, `frame_len` to a decoded frame. `plain` is asked
    /// for the song as it sounds behind so many frames of silence.
    pub fn behind_pauses<'a, T>(
        &self,
        plain: impl Fn(usize) -> &'a [u8],
        paused: &[u8],
        frame_len: usize,
        mut differs: impl FnMut(&[u8], &[u8]) -> T,
    ) -> Vec<T> {
        let len = plain(0).len();
        assert_eq!(len + self.silent_frames() * frame_len, paused.len(), "decoded lengths");
        let mut behind = 0;
        let ends = self.pauses.iter().skip(1).map(|next| next.before * frame_len);
        let pauses = self.pauses.iter().zip(ends.chain([len]));
        pauses
            .map(|(pause, end)| {
                behind += pause.frames;
                let (from, cut) = (pause.before * frame_len, behind * frame_len);
                differs(&plain(behind)[from..end], &paused[from + cut..end + cut])
            })
            .collect()
    }

    /// Frames of all pauses.
    pub fn silent_frames(&self) -> usize {
        self.pauses.iter().map(|pause| pause.frames).sum()
    }

    /// The first frame behind a pause.
    pub fn first(&self) -> usize {
        self.pauses.first().map_or(0, |pause| pause.before)
    }
}
