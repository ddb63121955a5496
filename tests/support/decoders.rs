//! Three decoders that know nothing of each other, asked for every sample as it is.

use std::{
    path::Path,
    process::{Command, Output},
};

use musicdb_stream::mpeg::Header;
use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_MP3,
    },
    packet::PacketRef,
    units::{Duration, Timestamp},
};

/// Bytes of one decoded sample: all three give 32-bit floating point, which no dither touches.
pub const SAMPLE_LEN: usize = 4;

/// Samples after which mpg123 adds a filter bank's products up in the same order again.
///
/// It turns the order by one place of 16 for each 32 samples, and floating point rounds each order
/// otherwise: its last bits depend on how many frames it has decoded before, in any stream.
const TURN_SAMPLES: usize = 16 * 32;

/// A decoder of its own make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    Mpg123,
    Ffmpeg,
    Symphonia,
}

/// What a decoder made of a stream.
pub struct Decoded {
    /// Samples of all channels in turn, every frame's from the first on: nothing is trimmed.
    pub pcm: Vec<u8>,
    /// What it complained of, a line each.
    pub complaints: Vec<String>,
}

impl Decoded {
    /// The loudest sample, of full scale.
    pub fn peak(&self) -> f32 {
        let samples = self.pcm.chunks_exact(SAMPLE_LEN);
        samples
            .map(|bytes| f32::from_le_bytes(*bytes.first_chunk().unwrap()).abs())
            .fold(0.0, f32::max)
    }
}

impl Decoder {
    pub const ALL: [Self; 3] = [Self::Mpg123, Self::Ffmpeg, Self::Symphonia];

    /// After so many frames of `samples` samples it rounds as it did before them.
    pub fn turn(self, samples: usize) -> usize {
        let frames = 1..=TURN_SAMPLES;
        let turned = |frames: &usize| (frames * samples).is_multiple_of(TURN_SAMPLES);
        if self == Self::Mpg123 { frames.into_iter().find(turned).unwrap() } else { 1 }
    }

    /// Decodes a file of whole frames without tag and Info frame.
    pub fn decode(self, path: &Path) -> Decoded {
        match self {
            // Without --no-gapless it would take the decoder's delay off; -q would hide errors.
            Self::Mpg123 => {
                let args = ["-e", "f32", "-s", "--no-gapless"];
                let output = Command::new("mpg123").args(args).arg(path).output().unwrap();
                decoded(output, |line| {
                    let line = line.to_ascii_lowercase();
                    let words =
                        ["error", "warning", "missing", "illegal", "resync", "skip", "note:"];
                    line != "note: forcing output encoding f32"
                        && words.iter().any(|word| line.contains(word))
                })
            }
            Self::Ffmpeg => {
                let input = ["-v", "warning", "-nostdin", "-f", "mp3", "-i"];
                let format = ["-f", "f32le", "-"];
                let output =
                    Command::new("ffmpeg").args(input).arg(path).args(format).output().unwrap();
                decoded(output, |line| {
                    !line.contains("Estimating duration from bitrate") && !line.trim().is_empty()
                })
            }
            Self::Symphonia => symphonia(&std::fs::read(path).unwrap()),
        }
    }
}

fn decoded(output: Output, complains: impl Fn(&str) -> bool) -> Decoded {
    let said = String::from_utf8_lossy(&output.stderr);
    let mut complaints: Vec<String> =
        said.lines().filter(|line| complains(line)).map(str::to_owned).collect();
    if !output.status.success() {
        complaints.push(format!("ended with {}", output.status));
    }
    Decoded { pcm: output.stdout, complaints }
}

/// Symphonia is given frame after frame: its own way of finding them is not asked.
fn symphonia(mut rest: &[u8]) -> Decoded {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    let options = AudioDecoderOptions::default();
    let mut decoder =
        symphonia::default::codecs::MpaDecoder::try_new(&parameters, &options).unwrap();
    let mut decoded = Decoded { pcm: Vec::new(), complaints: Vec::new() };
    let mut samples: Vec<f32> = Vec::new();
    while let Some(head) = rest.first_chunk() {
        let header = Header::parse(*head).unwrap();
        let (frame, behind) = rest.split_at(header.frame_len());
        rest = behind;
        let duration = Duration::new(u64::from(header.samples()));
        match decoder.decode_ref(&PacketRef::new(0, Timestamp::new(0), duration, frame)) {
            Ok(sound) => sound.copy_to_vec_interleaved(&mut samples),
            Err(error) => {
                decoded.complaints.push(error.to_string());
                samples.clear();
                samples.resize(usize::from(header.samples()) * usize::from(header.channels()), 0.0);
            }
        }
        decoded.pcm.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    decoded
}

/// How two decoded sounds differ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Difference {
    /// So many samples from the start on hold all that differs.
    pub samples: usize,
    /// The same after rounding to 16 bits, as mpg123 and ffmpeg do it where they are asked to.
    pub in_16_bits: usize,
    /// So many samples from the start on hold all that differs by more than `coarse` of full scale.
    pub coarse: usize,
    /// The largest difference from sample `late` on, of full scale.
    pub late_peak: f32,
}

impl Difference {
    /// Compares sounds of `step` bytes for all channels at one time.
    pub fn of(one: &[u8], other: &[u8], step: usize, late: usize, coarse: f32) -> Self {
        const BLOCK: usize = 256;
        let mut difference = Self::default();
        let blocks = one.chunks(step * BLOCK).zip(other.chunks(step * BLOCK));
        for (number, (one, other)) in blocks.enumerate().filter(|(_, (one, other))| one != other) {
            let moments = one.chunks_exact(step).zip(other.chunks_exact(step));
            for (at, (one, other)) in moments.enumerate().filter(|(_, (one, other))| one != other) {
                difference.moment(number * BLOCK + at, one, other, late, coarse);
            }
        }
        difference
    }

    fn moment(&mut self, at: usize, one: &[u8], other: &[u8], late: usize, coarse: f32) {
        let sample = |bytes: &[u8]| f32::from_le_bytes(*bytes.first_chunk().unwrap());
        let short = |sample: f32| (sample * 32_768.0).round_ties_even().clamp(-32_768.0, 32_767.0);
        for (one, other) in one.chunks_exact(SAMPLE_LEN).zip(other.chunks_exact(SAMPLE_LEN)) {
            let (one, other) = (sample(one), sample(other));
            let apart = (one - other).abs();
            if apart == 0.0 {
                continue;
            }
            self.samples = at + 1;
            if short(one).to_bits() != short(other).to_bits() {
                self.in_16_bits = at + 1;
            }
            if apart > coarse {
                self.coarse = at + 1;
            }
            if at >= late {
                self.late_peak = self.late_peak.max(apart);
            }
        }
    }
}
