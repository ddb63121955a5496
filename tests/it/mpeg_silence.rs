//! Forged silence: zeros in every decoder, and as many bytes as the song beside it.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests may")]

use std::{fs, process::Command};

use musicdb_stream::mpeg::{Header, Silence, is_silent_forgery, walk};
use proptest::prelude::*;
use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_MP3,
    },
    packet::PacketRef,
    units::{Duration, Timestamp},
};

use crate::support::mp3::Shape;

/// Every version, rate, bitrate and channel mode: 504 headers.
fn every_header() -> impl Iterator<Item = Header> {
    Shape::streams().flat_map(|shape| {
        (1..=14).flat_map(move |bitrate_index| {
            (0..4).map(move |mode| Shape { bitrate_index, mode, ..shape }.header())
        })
    })
}

/// Eight silent frames one behind the other.
fn silence(header: Header) -> (Vec<u8>, Vec<Header>) {
    let mut out = Vec::new();
    let mut silence = Silence::beside(header, 0, 0);
    let headers = (0..8).map(|_| silence.append_frame(&mut out)).collect();
    (out, headers)
}

#[test]
fn silence_decodes_to_exact_zeros_in_every_format() {
    for header in every_header() {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(CODEC_ID_MP3);
        let mut decoder = symphonia::default::codecs::MpaDecoder::try_new(
            &parameters,
            &AudioDecoderOptions::default(),
        )
        .unwrap();
        let (bytes, headers) = silence(header);
        let mut rest = &bytes[..];
        for header in headers {
            let (frame, behind) = rest.split_at(header.frame_len());
            rest = behind;
            assert!(is_silent_forgery(frame));
            let duration = Duration::new(u64::from(header.samples()));
            let packet = PacketRef::new(0, Timestamp::new(0), duration, frame);
            let decoded = decoder.decode_ref(&packet).unwrap_or_else(|e| panic!("{header:?}: {e}"));
            let mut samples: Vec<f32> = Vec::new();
            decoded.copy_to_vec_interleaved(&mut samples);
            assert_eq!(
                samples.len(),
                usize::from(header.samples()) * usize::from(header.channels())
            );
            assert!(samples.iter().all(|&sample| sample == 0.0), "{header:?}");
        }
        assert!(rest.is_empty());
    }
}

#[test]
#[ignore = "needs mpg123 and ffmpeg"]
fn silence_decodes_to_exact_zeros_in_other_decoders() {
    let dir = tempfile::tempdir().unwrap();
    for (number, header) in every_header().enumerate() {
        let path = dir.path().join(format!("{number}.mp3"));
        fs::write(&path, silence(header).0).unwrap();
        let ffmpeg = ["-v", "error", "-xerror", "-i"];
        let pcm = ["-f", "s16le", "-"];
        let outputs = [
            Command::new("ffmpeg").args(ffmpeg).arg(&path).args(pcm).output().unwrap(),
            Command::new("mpg123").args(["-q", "-s", "--no-gapless"]).arg(&path).output().unwrap(),
        ];
        for output in outputs {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{header:?}: {said}");
            assert!(output.stdout.len() >= 7 * 576 * 2, "{header:?}: {}", output.stdout.len());
            assert!(output.stdout.iter().all(|&byte| byte == 0), "{header:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any two seconds hold the song's bytes within 1 %, or within one step between neighbouring
    /// bitrates where a frame is so long that one step is more than that.
    #[test]
    fn two_seconds_of_silence_have_the_bytes_of_two_seconds_of_the_song(
        number in 0usize..504, kbit in 8.0f64..320.0, frames in 1u64..20_000, from in 0usize..500,
    ) {
        let header = every_header().nth(number).unwrap();
        let (low, high) = (header.reshaped(1, false), header.reshaped(14, false));
        let kbit = kbit.clamp(low.bitrate().into(), high.bitrate().into());
        let seconds = f64::from(header.samples()) / f64::from(header.sample_rate());
        let bytes = (kbit * 125.0 * seconds * frames as f64) as u64;
        let mut silence = Silence::beside(header, bytes, frames);
        let mut out = Vec::new();
        let span = (2.0 / seconds) as usize;
        let lens: Vec<usize> =
            (0..from + span).map(|_| silence.append_frame(&mut out).frame_len()).collect();
        let told: usize = lens[from..].iter().sum();
        let mean = (bytes as f64 / frames as f64).max(low.frame_len() as f64);
        let exact = mean * span as f64;
        let lower = (1..=14).rev().map(|n| header.reshaped(n, false).frame_len())
            .find(|&len| len as f64 <= mean).unwrap_or(0);
        let upper = (1..=14).map(|n| header.reshaped(n, false).frame_len())
            .find(|&len| len as f64 > mean).unwrap_or(lower + 1);
        let step = (upper - lower) as f64;
        let constant = mean <= lower as f64 + 1.0;
        let allowed = if constant { 1.5 } else { (exact / 100.0).max(step) };
        prop_assert!((told as f64 - exact).abs() <= allowed, "{told} are not {exact} in {header:?}");
        if kbit >= 32.0 {
            prop_assert!((told as f64 - exact).abs() <= exact / 100.0, "{told}, {exact}, {header:?}");
        }
    }

    /// Over any length the bytes stay beside the song's: nothing adds up.
    #[test]
    fn silence_never_drifts(number in 0usize..504, bytes in 1u64..1_500_000, frames in 1u64..2000) {
        let header = every_header().nth(number).unwrap();
        let (low, high) = (header.reshaped(1, false).frame_len(), header.reshaped(14, true).frame_len());
        let mut silence = Silence::beside(header, bytes, frames);
        let mut out = Vec::new();
        for _ in 0..3000 {
            silence.append_frame(&mut out);
        }
        let mean = (bytes as f64 / frames as f64).clamp(low as f64, high as f64);
        prop_assert!((out.len() as f64 - mean * 3000.0).abs() <= 300.0);
    }
}

#[test]
fn silence_is_walked_like_music_and_keeps_the_format() {
    for header in every_header() {
        let (bytes, headers) = silence(header);
        let summary = walk(std::io::Cursor::new(&bytes)).unwrap();
        assert_eq!(summary.frames, 8);
        assert_eq!(summary.formats.len(), 1);
        for made in headers {
            assert!(made.continues(header) && made.mode() == header.mode());
            assert_eq!(made.bitrate(), header.bitrate());
        }
    }
}
