//! The ear: hears the relay as any output does, decodes what comes and hands it to the sinks.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{
    hearing::Hearing,
    meter::Meter,
    pcm::{Frame, RATE},
    ring::{Ending, PcmRing},
};
use crate::{
    bell::Bell,
    event::Event,
    mpeg::Header,
    relay::{Read, Reader, Tap},
    status::Level,
    subscribers::Subscribers,
};

/// Bytes that are taken from the ring at once; frames are at most 1,441 bytes long.
const PIECE: usize = 16 * 1024;
/// The level is told with the first group after so many frames: about three times a second.
const LEVEL_EVERY: u64 = RATE as u64 / 4;
/// A wait that nothing but sound or the end shall end.
const LONG: Duration = Duration::from_secs(3600);

/// What the thread and those who ask share.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) is_muted: AtomicBool,
    pub(super) has_to_stop: AtomicBool,
    pub(super) failed: AtomicU64,
    level: Mutex<Level>,
}

impl Heard {
    /// How loud it is.
    pub(super) fn level(&self) -> Level {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rings the thread's bell when the relay has more.
#[derive(Debug)]
pub(super) struct Wake(pub(super) Bell);

impl Tap for Wake {
    fn pushed(&self) {
        self.0.ring();
    }
}

/// All that the thread owns.
pub(super) struct Ear {
    reader: Reader,
    bell: Bell,
    heard: Arc<Heard>,
    rings: Vec<Arc<PcmRing>>,
    subscribers: Subscribers,
    hearing: Hearing,
    meter: Meter,
    /// What came and is no whole frame yet.
    bytes: Vec<u8>,
    frames: Vec<Frame>,
}

impl Ear {
    pub(super) fn new(
        reader: Reader,
        bell: Bell,
        heard: Arc<Heard>,
        rings: Vec<Arc<PcmRing>>,
        subscribers: Subscribers,
    ) -> Self {
        Self {
            reader,
            bell,
            heard,
            rings,
            subscribers,
            hearing: Hearing::default(),
            meter: Meter::default(),
            bytes: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Hears until the relay is closed or somebody wants it to stop.
    pub(super) fn run(mut self) {
        while !self.heard.has_to_stop.load(Relaxed) {
            let bytes = &mut self.bytes;
            let read = self.reader.read(PIECE, |piece| {
                bytes.extend_from_slice(piece);
                piece.len()
            });
            match read {
                Read::Taken(_) => self.decode(),
                Read::Empty => {
                    let _ = self.bell.wait_until(Instant::now() + LONG);
                }
                // What follows begins with another frame.
                Read::Lagged => self.bytes.clear(),
                Read::Closed => break,
            }
        }
        for ring in &self.rings {
            ring.end(Ending::PlayOut);
        }
    }

    fn decode(&mut self) {
        let mut at = 0;
        self.frames.clear();
        while let Some(head) = self.bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            let Ok(header) = Header::parse(*head) else {
                // The station sends frames alone: what is none is passed over to the next byte.
                at += 1;
                continue;
            };
            let Some(frame) = self.bytes.get(at..at + header.frame_len()) else { break };
            self.hearing.hear(header, frame, &mut self.frames);
            at += header.frame_len();
        }
        self.bytes.drain(..at);
        self.heard.failed.store(self.hearing.failed(), Relaxed);
        self.hand_on();
    }

    fn hand_on(&mut self) {
        self.meter.hear(&self.frames);
        if self.meter.frames() >= LEVEL_EVERY {
            let level = self.meter.read();
            *self.heard.level.lock().unwrap_or_else(PoisonError::into_inner) = level;
            self.subscribers.publish(Event::LevelChanged { level });
        }
        if self.heard.is_muted.load(Relaxed) {
            self.frames.fill([0, 0]);
        }
        for ring in &self.rings {
            ring.push(&self.frames);
        }
    }
}
