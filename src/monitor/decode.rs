//! The decoder: frames as they were sent, to samples; the one file that names Symphonia's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::{
    core::{
        audio::{Audio, GenericAudioBufferRef},
        codecs::audio::{
            AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_MP3,
        },
        packet::PacketRef,
        units::{Duration, Timestamp},
    },
    default::codecs::MpaDecoder,
};

use crate::mpeg::{Header, Version};

/// Samples of two channels; full scale is 1. A single channel stands in both.
#[derive(Debug, Default)]
pub(super) struct Sound {
    pub(super) channels: [Vec<f32>; 2],
}

impl Sound {
    /// Samples of each channel.
    pub(super) fn len(&self) -> usize {
        self.channels[0].len()
    }

    pub(super) fn clear(&mut self) {
        self.channels.iter_mut().for_each(Vec::clear);
    }

    /// Appends silence.
    pub(super) fn add_silence(&mut self, samples: usize) {
        for channel in &mut self.channels {
            channel.resize(channel.len() + samples, 0.0);
        }
    }
}

/// What a decoder is made for: between frames of one kind it keeps its memory, whatever song they are
/// of, so that joins sound as listeners hear them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    version: Version,
    rate: u32,
    channels: u8,
}

/// Decodes frames in their order.
#[derive(Default)]
pub(super) struct Decoder {
    inner: Option<(Kind, MpaDecoder)>,
    failed: u64,
}

impl Decoder {
    /// Appends what `frame` sounds like, or as much silence where it cannot be decoded.
    pub(super) fn decode(&mut self, header: Header, frame: &[u8], sound: &mut Sound) {
        let samples = usize::from(header.samples());
        let whole = sound.len() + samples;
        let decoded = self.try_decode(header, frame, sound).is_some() && sound.len() == whole;
        if !decoded {
            self.failed += 1;
            for channel in &mut sound.channels {
                channel.resize(whole, 0.0);
            }
        }
    }

    /// Frames that could not be decoded.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    fn try_decode(&mut self, header: Header, frame: &[u8], sound: &mut Sound) -> Option<()> {
        let kind = Kind {
            version: header.version(),
            rate: header.sample_rate(),
            channels: header.channels(),
        };
        if self.inner.as_ref().is_none_or(|(made_for, _)| *made_for != kind) {
            self.inner = Some((kind, fresh()?));
        }
        let (_, decoder) = self.inner.as_mut()?;
        let duration = Duration::new(u64::from(header.samples()));
        let packet = PacketRef::new(0, Timestamp::new(0), duration, frame);
        // A decoder that panics costs a frame and its memory, and not the monitor.
        let decoding = AssertUnwindSafe(|| append(decoder.decode_ref(&packet).ok()?, sound));
        match catch_unwind(decoding) {
            Ok(done) => done,
            Err(_) => {
                self.inner = None;
                None
            }
        }
    }
}

fn fresh() -> Option<MpaDecoder> {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default()).ok()
}

fn append(decoded: GenericAudioBufferRef<'_>, sound: &mut Sound) -> Option<()> {
    // Its MP3 decoder gives no other form.
    let GenericAudioBufferRef::F32(decoded) = decoded else { return None };
    let left = decoded.plane(0)?;
    let right = decoded.plane(1).unwrap_or(left);
    for (channel, plane) in sound.channels.iter_mut().zip([left, right]) {
        channel.extend_from_slice(plane);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpeg::Silence;

    /// 128 kbit/s, 44.1 kHz, stereo.
    const STEREO: [u8; 4] = [0xFF, 0xFB, 0x90, 0x04];
    /// The same in mono.
    const MONO: [u8; 4] = [0xFF, 0xFB, 0x90, 0xC4];
    /// MPEG-2, 64 kbit/s, 22.05 kHz.
    const HALF: [u8; 4] = [0xFF, 0xF3, 0x80, 0x04];

    fn silence(header: [u8; 4]) -> (Header, Vec<u8>) {
        let header = Header::parse(header).unwrap();
        let mut silence = Silence::beside(header, 0, 0);
        let mut frame = Vec::new();
        let header = silence.append_frame(&mut frame);
        (header, frame)
    }

    #[test]
    fn every_format_gives_two_channels_and_as_many_samples_as_its_header_says() {
        let (mut decoder, mut sound) = (Decoder::default(), Sound::default());
        let mut expected = 0;
        for header in [STEREO, MONO, HALF, STEREO] {
            let (header, frame) = silence(header);
            decoder.decode(header, &frame, &mut sound);
            expected += usize::from(header.samples());
            assert_eq!(sound.channels.each_ref().map(Vec::len), [expected; 2]);
        }
        assert_eq!(decoder.failed(), 0);
    }

    #[test]
    fn a_frame_that_fails_is_one_frame_of_silence_and_the_next_one_plays() {
        let (mut decoder, mut sound) = (Decoder::default(), Sound::default());
        let (header, good) = silence(STEREO);
        let mut bad = good.clone();
        bad[4..36].fill(0xFF);
        for frame in [&good, &bad, &good] {
            decoder.decode(header, frame, &mut sound);
        }
        assert_eq!((decoder.failed(), sound.len()), (1, 3 * 1152));
        assert!(sound.channels.iter().flatten().all(|sample| *sample == 0.0));
    }
}
