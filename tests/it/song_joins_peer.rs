//! Songs that follow each other: with what their edges hold left out, no sample of sound is lost.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "tests may")]

use std::{fs, io::Cursor, path::Path, process::Command};

use musicdb_stream::{
    deck::SongFrames,
    mpeg::{DECODER_DELAY, FrameSource, Header, InfoFrame, Trim},
};
use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_MP3,
    },
    packet::PacketRef,
    units::{Duration, Timestamp},
};

/// Whole frames with their headers.
type Frames = Vec<(Header, Vec<u8>)>;

/// Rate, channels and how LAME encodes it.
const KINDS: [(u32, usize, &[&str]); 9] = [
    (44_100, 2, &["-b", "320"]),
    (44_100, 2, &["-b", "128"]),
    (44_100, 2, &["-b", "128", "--nores", "-p"]),
    (44_100, 2, &["-V", "2"]),
    (48_000, 2, &["-V", "9"]),
    (32_000, 1, &["-b", "64"]),
    (22_050, 2, &["-b", "64"]),
    (16_000, 1, &["-b", "40"]),
    (8_000, 1, &["-b", "24"]),
];
/// Paddings of MPEG-1 that LAME comes to (of 576 to 1,727) with songs of the right lengths, about the
/// 1,681 from which on a frame holds nothing else; in MPEG-2 all is 576 less.
const PADDINGS: [usize; 7] = [1_727, 1_160, 1_681, 1_680, 1_700, 1_200, 1_690];

/// Loud noise from its first sample to its last.
fn noise(samples: usize, channels: usize, seed: u32) -> Vec<i16> {
    let mut state = seed;
    let mut smooth = 0i32;
    let mut out = Vec::with_capacity(samples * channels);
    for _ in 0..samples {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        smooth = (smooth * 3 + (state >> 17) as i32 - 16_384) / 4;
        (0..channels).for_each(|_| out.push(smooth as i16));
    }
    out
}

fn encode(folder: &Path, pcm: &[i16], (rate, channels, how): (u32, usize, &[&str])) -> Vec<u8> {
    let (raw, mp3) = (folder.join("a.raw"), folder.join("a.mp3"));
    let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    fs::write(&raw, bytes).unwrap();
    let kilohertz = (f64::from(rate) / 1000.0).to_string();
    let mode = if channels == 1 { "m" } else { "j" };
    let output = Command::new("lame")
        .args(["--quiet", "-r", "--signed", "--little-endian", "--bitwidth", "16"])
        .args(["-s", &kilohertz, "-m", mode, "--resample", &kilohertz])
        .args(how)
        .args([&raw, &mp3])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(mp3).unwrap()
}

/// All frames of a file, with its tag.
fn all(mp3: &[u8]) -> (Frames, InfoFrame) {
    let mut source = FrameSource::open(Cursor::new(mp3)).unwrap();
    let info = source.info().unwrap().clone();
    let mut frames = Frames::new();
    while let Some((header, frame)) = source.next_frame().unwrap() {
        frames.push((header, frame.to_vec()));
    }
    (frames, info)
}

/// The frames that are played, and how many were left out before them.
fn played(mp3: &[u8]) -> (Frames, usize) {
    let mut source = SongFrames::open(Cursor::new(mp3)).unwrap();
    let lead = source.lead();
    let mut frames = Frames::new();
    while let Some((header, frame)) = source.next_frame().unwrap() {
        frames.push((header, frame.to_vec()));
    }
    (frames, lead)
}

/// The first channel.
fn decode(frames: &[(Header, Vec<u8>)]) -> Vec<f32> {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    let options = AudioDecoderOptions::default();
    let mut decoder =
        symphonia::default::codecs::MpaDecoder::try_new(&parameters, &options).unwrap();
    let mut out = Vec::new();
    for (header, frame) in frames {
        let duration = Duration::new(u64::from(header.samples()));
        let packet = PacketRef::new(0, Timestamp::new(0), duration, frame);
        let decoded = decoder.decode_ref(&packet).unwrap();
        let mut samples: Vec<f32> = Vec::new();
        decoded.copy_to_vec_interleaved(&mut samples);
        out.extend(samples.into_iter().step_by(usize::from(header.channels())));
    }
    out
}

/// The largest difference of two decodes.
fn differ(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).fold(0.0, |worst: f32, (a, b)| worst.max((a - b).abs()))
}

/// How far the decode is from the sound, where it is moved by `lag` samples.
fn far(sound: &[i16], decoded: &[f32], lag: isize) -> f32 {
    let range = 8..sound.len() - 8;
    let error = |at: usize| {
        let decoded = decoded[at.checked_add_signed(lag).unwrap()];
        (f32::from(sound[at]) / 32_768.0 - decoded).powi(2)
    };
    range.map(error).sum()
}

#[test]
#[ignore = "needs lame"]
fn joined_songs_lose_no_sample_of_sound() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        let (mut gone, mut before): (usize, Option<Vec<u8>>) = (0, None);
        let samples = if kind.0 >= 32_000 { 1152 } else { 576 };
        for (number, padding) in PADDINGS.into_iter().enumerate() {
            let length = 12 * 1152 - 576 - (padding + samples - 1152);
            let pcm = noise(length, kind.1, number as u32 + 1);
            let mp3 = encode(folder.path(), &pcm, kind);
            let (frames, info) = all(&mp3);
            assert_eq!(info.padding.map(usize::from), Some(padding + samples - 1152), "{kind:?}");
            let begin = usize::from(info.delay.unwrap()) + DECODER_DELAY as usize;
            let end = frames.len() * samples - usize::from(info.padding.unwrap())
                + DECODER_DELAY as usize;
            assert_eq!(end - begin, length, "{kind:?}: the tag tells where the sound lies");
            let plain = decode(&frames);
            if kind.2 == ["-b", "320"] {
                // It lies there indeed, not a sample beside.
                let sound: Vec<i16> = pcm.iter().step_by(kind.1).copied().collect();
                let lags = -3..=3;
                let best = lags.min_by(|a, b| {
                    let far = |lag| far(&sound, &plain[begin..end], lag);
                    far(*a).total_cmp(&far(*b))
                });
                assert_eq!(best, Some(0));
            }
            let (kept, lead) = played(&mp3);
            gone += frames.len() - kept.len();
            assert!(frames.len() - kept.len() <= 1 && lead == 0, "{kind:?}");
            if let Some(mp3) = before.replace(mp3) {
                let (first, _) = played(&mp3);
                let (first_all, first_info) = all(&mp3);
                let first_end = first_all.len() * samples
                    - usize::from(first_info.padding.unwrap())
                    + DECODER_DELAY as usize;
                let second_at = first.len() * samples;
                let joined = decode(&[first, kept].concat());
                let sound = begin..first_end;
                let worst = differ(&joined[sound.clone()], &decode(&first_all)[sound]);
                assert!(worst < 1e-6, "{kind:?}, the first song: {worst}");
                let worst = differ(&joined[second_at..][begin..end], &plain[begin..end]);
                assert!(worst < 1e-6, "{kind:?}, the second song: {worst}");
            }
        }
        println!("{kind:?}: {gone} frames of {} songs stay behind", PADDINGS.len());
        assert_eq!(gone, 4, "{kind:?}");
    }
}

#[test]
#[ignore = "needs lame"]
fn frames_before_a_late_sound_stay_behind_and_one_more_would_be_missed() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, samples) in [(KINDS[2], 1152), ((22_050, 2, &["-b", "64", "--nores"][..]), 576)] {
        let mp3 = encode(folder.path(), &noise(20_000, 2, 5), kind);
        let (frames, info) = all(&mp3);
        let before = encode(folder.path(), &noise(9_000, 2, 9), kind);
        for delay in (576..4096).step_by(53) {
            // The same file whose tag says that the sound begins later.
            let late = InfoFrame { delay: Some(delay), ..info.clone() };
            let trim = Trim::of(frames[0].0, Some(&late));
            let lead = trim.lead_limit();
            let begin = usize::from(delay) + DECODER_DELAY as usize;
            let plain = decode(&frames);
            let loss = |lead: usize| {
                let (mut joined, _) = played(&before);
                let at = joined.len() * samples;
                joined.extend_from_slice(&frames[lead..]);
                differ(&decode(&joined)[at + begin - lead * samples..], &plain[begin..])
            };
            assert!(loss(lead) < 1e-6, "{delay}: {lead} are too many");
            // What is lost fades out over the last slots of the 1,056 samples; before, it is plain.
            let margin = begin.checked_sub((lead + 1) * samples).filter(|margin| *margin < 700);
            assert!(margin.is_none() || loss(lead + 1) > 1e-6, "{delay}: one more");
        }
    }
}
