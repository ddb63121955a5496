//! The intro: an MP3 that each new listener of a mount hears first; read once, shared by all.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::mount::Mount;
use crate::mpeg::{FrameSource, Header, StreamTime, Unplayable, open};

/// Bytes of an intro at most, all of which stay in memory: four minutes at 128 kbit/s.
pub(super) const MAX_INTRO: usize = 4 * 1024 * 1024;

/// The whole frames of one file.
#[derive(Debug)]
pub(super) struct Intro {
    bytes: Arc<[u8]>,
    duration: StreamTime,
    header: Header,
    /// It was told that the mount sounds different.
    is_told: AtomicBool,
}

impl Intro {
    /// Reads the file's frames, and no more of them than [`MAX_INTRO`] bytes.
    ///
    /// # Errors
    /// Nothing in it can be streamed.
    pub(super) fn read(path: &Path) -> Result<Self, Unplayable> {
        let mut frames = FrameSource::open(open(path)?)?;
        let header = frames.first();
        let (mut bytes, mut duration) = (Vec::new(), StreamTime::ZERO);
        loop {
            match frames.next_frame() {
                Ok(Some((header, frame))) if bytes.len() + frame.len() <= MAX_INTRO => {
                    bytes.extend_from_slice(frame);
                    duration += header.duration();
                }
                Ok(Some(_)) => {
                    let file = path.display();
                    tracing::warn!(%file, "an intro is longer than 4 MiB: what is behind them is left out");
                    break;
                }
                Ok(None) => break,
                Err(reason) if bytes.is_empty() => return Err(reason),
                // The frames before the damage are good.
                Err(reason) => {
                    tracing::warn!(file = %path.display(), %reason, "an intro is damaged: what is behind that is left out");
                    break;
                }
            }
        }
        Ok(Self { bytes: bytes.into(), duration, header, is_told: AtomicBool::new(false) })
    }

    /// Its frames, one behind the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How long it sounds.
    pub(super) fn duration(&self) -> StreamTime {
        self.duration
    }

    /// It can stand before this mount's sound: another codec's decoder would fail on it. An MP3 of
    /// another rate or with other channels can, but not every player follows, so that is told once.
    pub(super) fn suits(&self, mount: &Mount) -> bool {
        let differs = if mount.about().content_type == "audio/mpeg" {
            let now = mount.relay().newest_header();
            now.filter(|now| form(*now) != form(self.header)).map(|now| {
                let [own, stream] = [self.header, now].map(form);
                format!(
                    "it has {} Hz and {} channels, the stream {} Hz and {}",
                    own.0, own.1, stream.0, stream.1
                )
            })
        } else {
            Some("it is an MP3 and the stream is none, so it is left out".to_owned())
        };
        if let Some(differs) = &differs
            && !self.is_told.swap(true, Relaxed)
        {
            tracing::warn!(mount = mount.name(), "the intro does not go with its mount: {differs}");
        }
        mount.about().content_type == "audio/mpeg"
    }
}

/// Sample rate and channels.
fn form(header: Header) -> (u32, u8) {
    (header.sample_rate(), header.channels())
}

#[cfg(test)]
impl Intro {
    /// These frames, all of them as `header` says.
    pub(super) fn of(header: Header, frames: &[Vec<u8>]) -> Arc<Self> {
        let mut duration = StreamTime::ZERO;
        frames.iter().for_each(|_| duration += header.duration());
        let bytes = frames.concat().into();
        Arc::new(Self { bytes, duration, header, is_told: AtomicBool::new(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{icy::StreamInfo, relay::Relay, server::mount::About};

    fn frame() -> (Header, Vec<u8>) {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let mut frame = header.to_bytes().to_vec();
        frame.resize(header.frame_len(), 0);
        (header, frame)
    }

    #[test]
    fn only_whole_frames_are_taken_of_a_file_and_not_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("intro.mp3");
        let (header, frame) = frame();
        let tagged = [b"ID3\x04\0\0\0\0\0\x04abcd".to_vec(), frame.repeat(10), vec![0; 9]].concat();
        std::fs::write(&path, tagged).unwrap();
        let intro = Intro::read(&path).unwrap();
        assert_eq!(intro.bytes(), frame.repeat(10));
        assert_eq!(intro.duration(), header.duration().times(10));
        std::fs::write(&path, frame.repeat(MAX_INTRO / frame.len() + 5)).unwrap();
        assert_eq!(
            Intro::read(&path).unwrap().bytes().len(),
            MAX_INTRO / frame.len() * frame.len()
        );
        std::fs::write(&path, "no music").unwrap();
        Intro::read(&path).unwrap_err();
    }

    #[test]
    fn it_stands_before_mp3_alone() {
        let (header, frame) = frame();
        let intro = Intro::of(header, &[frame]);
        let mount = |content_type: &str| {
            let about = About::mp3(StreamInfo::default());
            let content_type = content_type.to_owned();
            Mount::new("/live", Relay::new(), About { content_type, ..about })
        };
        assert!(intro.suits(&mount("audio/mpeg")) && !intro.suits(&mount("audio/ogg")));
    }
}
