//! What hearing costs beside Symphonia's decoder alone, on the same frames in the same run.
//!
//! `cargo bench --bench monitor -- --rounds 15 FILE...` prints Markdown. It hears as the station's
//! monitor does: decode, bring to 44.1 kHz, round to 16 bits, measure the level.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod figures;

use std::{fs, hint::black_box, path::PathBuf, time::Instant};

use musicdb_stream::{
    monitor::{Hearing, Meter},
    mpeg::{Header, Sieve},
};
use symphonia::{
    core::{
        codecs::audio::{
            AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known::CODEC_ID_MP3,
        },
        packet::PacketRef,
        units::{Duration, Timestamp},
    },
    default::codecs::MpaDecoder,
};

use figures::{argument, percentile};

type Frames = Vec<(Header, Vec<u8>)>;

fn frames(path: &PathBuf) -> Frames {
    let (mut sieve, mut frames) = (Sieve::default(), Vec::new());
    let bytes = fs::read(path).unwrap();
    sieve.take(&bytes, |header, frame| frames.push((header, frame.to_vec()))).unwrap();
    frames
}

/// Seconds that Symphonia's decoder takes, whose samples nobody looks at.
fn alone(frames: &Frames) -> f64 {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_MP3);
    let mut decoder = MpaDecoder::try_new(&parameters, &AudioDecoderOptions::default()).unwrap();
    let begun = Instant::now();
    for (header, frame) in frames {
        let duration = Duration::new(u64::from(header.samples()));
        let packet = PacketRef::new(0, Timestamp::new(0), duration, frame);
        let _ = black_box(decoder.decode_ref(&packet));
    }
    begun.elapsed().as_secs_f64()
}

/// Seconds that the monitor's way takes.
fn heard(frames: &Frames) -> f64 {
    let (mut hearing, mut meter, mut pcm) = (Hearing::default(), Meter::default(), Vec::new());
    let begun = Instant::now();
    for group in frames.chunks(4) {
        pcm.clear();
        for (header, frame) in group {
            hearing.hear(*header, frame, &mut pcm);
        }
        meter.hear(&pcm);
        black_box(&pcm);
    }
    black_box(meter.read());
    begun.elapsed().as_secs_f64()
}

fn main() {
    let rounds: usize = argument("--rounds").map_or(15, |text| text.parse().unwrap());
    let files: Vec<PathBuf> =
        std::env::args().skip(1).filter(|text| text.ends_with(".mp3")).map(PathBuf::from).collect();
    println!(
        "| song | sounds for | Symphonia's decoder alone | heard by the monitor | of it alone |"
    );
    println!("|---|---|---|---|---|");
    let mut is_met = true;
    for path in &files {
        let frames = frames(path);
        let seconds: f64 =
            frames.iter().map(|(header, _)| header.duration().as_duration().as_secs_f64()).sum();
        let (mut one, mut other, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (a, b) = (alone(&frames), heard(&frames));
            one.push(a);
            other.push(b);
            ratios.push(b / a);
        }
        let [one, other, ratio] = [one, other, ratios].map(|values| percentile(&values, 50));
        is_met &= ratio <= 1.2;
        println!(
            "| {} | {seconds:.1} s | {:.2} ms a second | {:.2} ms a second | {ratio:.2} |",
            path.file_name().unwrap().display(),
            one / seconds * 1e3,
            other / seconds * 1e3,
        );
    }
    println!();
    println!("wanted figures {}", if is_met { "met" } else { "missed" });
}
