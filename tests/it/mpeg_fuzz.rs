//! The frame scanner against bytes of every kind: it ends, it does not panic, it invents nothing.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests may")]

use std::io::Cursor;

use musicdb_stream::mpeg::{Header, MAX_JUNK, Scanner, Step, walk};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::support::mp3::{self, Shape, frames_of};

/// Every step of the scanner, where it is given `chunk` bytes, or what it asks for if that is more.
fn steps(bytes: &[u8], chunk: usize) -> Vec<Step> {
    let mut scanner = Scanner::new(0, bytes.len() as u64);
    let mut steps = Vec::new();
    let mut wanted = chunk;
    loop {
        let at = scanner.at() as usize;
        let end = bytes.len().min(at + wanted.max(chunk));
        match scanner.step(&bytes[at..end]) {
            Step::More(more) => {
                assert!(more > end - at, "it asks for what it has");
                wanted = more;
                continue;
            }
            step @ (Step::End | Step::GiveUp(_)) => {
                steps.push(step);
                return steps;
            }
            step => {
                assert!(scanner.at() as usize > at, "every step passes something: {step:?}");
                steps.push(step);
            }
        }
        wanted = chunk;
    }
}

/// The fuzzer's corpus: what it found worth keeping, and where it began.
fn seeds() -> Vec<Vec<u8>> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus/scan");
    let mut files: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Bytes that look like MP3 in every way but the right one.
fn rubble() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..300),
        (any_shape(), any::<u32>()).prop_map(|(shape, n)| shape.frame(n)),
        (any_shape(), 1u32..12).prop_map(|(shape, count)| mp3::song(shape, count)),
        any_shape().prop_map(|shape| shape.info_frame(b"Xing", u32::MAX, 7)),
        (0usize..400, any::<u8>(), any::<bool>())
            .prop_map(|(len, f, foot)| mp3::id3v2(len, f, foot)),
        (0usize..200, any::<bool>()).prop_map(|(len, head)| mp3::ape(len, head)),
        Just(mp3::id3v1()),
        Just(mp3::id3v1_enhanced()),
        (0usize..200).prop_map(mp3::lyrics1),
        (0usize..200).prop_map(mp3::lyrics2),
        (0usize..600).prop_map(|len| vec![0; len]),
        Just(vec![0xFF; 40]),
        proptest::sample::select(seeds()),
        Just(b"ID3\x04\x00\x00\x7F\x7F\x7F\x7F".to_vec()),
        Just(
            b"APETAGEX\xD0\x07\x00\x00\xFF\xFF\xFF\xFF\0\0\0\0\0\0\0\xA0\0\0\0\0\0\0\0\0".to_vec()
        ),
        Just(b"999999LYRICS200".to_vec()),
        vec(
            (0xE0u8..=0xFF, any::<u8>(), any::<u8>()).prop_map(|(a, b, c)| vec![0xFF, a, b, c]),
            1..40
        )
        .prop_map(|headers| headers.concat()),
    ];
    (vec(piece, 0..12), vec((any::<Index>(), any::<u8>()), 0..6)).prop_map(|(pieces, damage)| {
        let mut bytes = pieces.concat();
        for (place, byte) in damage {
            if !bytes.is_empty() {
                let at = place.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

fn any_shape() -> impl Strategy<Value = Shape> {
    (0usize..9, 1u8..=14, 0u8..4, any::<bool>(), any::<bool>()).prop_map(
        |(stream, bitrate_index, mode, crc, padded)| Shape {
            bitrate_index,
            mode,
            crc,
            padded,
            ..Shape::streams().nth(stream).unwrap()
        },
    )
}

/// What stands between two runs of frames.
#[derive(Debug, Clone)]
enum Between {
    Junk(usize, u32),
    Tag(Vec<u8>),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        (1usize..MAX_JUNK as usize / 4, any::<u32>())
            .prop_map(|(len, seed)| Between::Junk(len, seed)),
        (1usize..50, any::<u32>()).prop_map(|(len, seed)| Between::Junk(len, seed)),
        (0usize..200_000, any::<u8>(), any::<bool>())
            .prop_map(|(len, fill, footer)| Between::Tag(mp3::id3v2(len, fill, footer))),
        (0usize..3000).prop_map(|len| Between::Tag(mp3::ape(len, true))),
    ]
}

/// The walk and the source end, and say the same.
fn ends_and_agrees(bytes: &[u8]) {
    let (frames, error) = frames_of(bytes);
    let total: usize = frames.iter().map(Vec::len).sum();
    assert!(total <= bytes.len());
    match walk(Cursor::new(bytes)) {
        Ok(summary) => {
            assert_eq!(summary.frames, frames.len() as u64);
            assert_eq!(summary.audio_bytes, total as u64);
            assert_eq!(error, None);
        }
        Err(reason) => assert_eq!(error, Some(reason)),
    }
}

#[test]
fn the_fuzz_corpus_ends_without_a_panic_at_every_length() {
    for seed in seeds() {
        for len in 0..=seed.len() {
            ends_and_agrees(&seed[..len]);
            ends_and_agrees(&seed[seed.len() - len..]);
        }
        assert_eq!(steps(&seed, 1), steps(&seed, seed.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_without_a_panic(bytes in rubble()) {
        ends_and_agrees(&bytes);
    }

    #[test]
    fn the_size_of_the_window_changes_nothing(bytes in rubble(), chunk in 1usize..5000) {
        prop_assert_eq!(steps(&bytes, chunk), steps(&bytes, bytes.len()));
    }

    #[test]
    fn every_byte_is_told(bytes in rubble()) {
        let told: u64 = steps(&bytes, 4096).iter().map(|step| match step {
            Step::Frame(header) | Step::Info(header) => header.frame_len() as u64,
            Step::Tag(_, n) | Step::Padding(n) | Step::Junk(n) | Step::Truncated(n) => *n,
            _ => 0,
        }).sum();
        let gave_up = matches!(steps(&bytes, 4096).last(), Some(Step::GiveUp(_)));
        prop_assert!(told == bytes.len() as u64 || gave_up);
    }

    /// Guaranteed where every run of frames has two at least, or stands between tags or the ends
    /// of the file, and where no junk holds a header or the mark of a tag.
    #[test]
    fn frames_come_out_byte_for_byte_whatever_stands_between(
        shape in any_shape(),
        runs in vec((2u32..9, between()), 1..8),
        lead in proptest::option::of(between()),
        info in any::<bool>(),
        joined_info in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        let mut put_in = Vec::new();
        let add = |bytes: &mut Vec<u8>, between: &Between| match between {
            Between::Junk(len, seed) => bytes.extend(mp3::junk(*len, *seed)),
            Between::Tag(tag) => bytes.extend(tag),
        };
        if let Some(lead) = &lead {
            add(&mut bytes, lead);
        }
        if info {
            bytes.extend(shape.info_frame(b"Info", 9, 9));
        }
        for (count, between) in &runs {
            for frame in mp3::frames(shape, *count) {
                let number = put_in.len() as u32;
                let padded = frame.len() > Shape { padded: false, ..shape }.header().frame_len();
                let frame = Shape { padded, ..shape }.frame(number);
                bytes.extend(&frame);
                put_in.push(frame);
            }
            if joined_info {
                bytes.extend(Shape { crc: false, ..shape }.info_frame(b"Xing", 9, 9));
            }
            add(&mut bytes, between);
        }
        let (frames, error) = frames_of(&bytes);
        prop_assert_eq!(error, None);
        prop_assert!(frames == put_in, "{} came out of {}", frames.len(), put_in.len());
    }

    /// One frame alone is enough between tags and the ends of the file.
    #[test]
    fn single_frames_between_tags_come_out(
        shape in any_shape(), tags in vec(0usize..3000, 1..6),
    ) {
        let mut bytes = Vec::new();
        let mut put_in = Vec::new();
        for (n, len) in (0u32..).zip(&tags) {
            bytes.extend(shape.frame(n));
            put_in.push(shape.frame(n));
            bytes.extend(mp3::id3v2(*len, 0xFF, false));
        }
        prop_assert_eq!(frames_of(&bytes).0, put_in);
    }

    /// A cut inside one frame costs that frame and no other, and nothing that is no frame comes
    /// out: the frame behind it shows that it was cut.
    #[test]
    fn a_cut_inside_a_frame_costs_that_frame(
        shape in any_shape(), count in 4u32..30, at in any::<Index>(), len in 1usize..1500,
    ) {
        let put_in = mp3::frames(shape, count);
        // Frame 0 alone before the damage would be one header without a second.
        let victim = match at.index(put_in.len() - 1) { 0 => 0, n => n + 1 };
        let frame = &put_in[victim];
        let from = at.index(frame.len());
        let to = frame.len().min(from + len);
        let mut damaged = put_in.clone();
        damaged[victim].drain(from..to);
        let mut expected = put_in.clone();
        expected.remove(victim);
        prop_assert_eq!(frames_of(&damaged.concat()).0, expected);
    }

    /// Bytes lost or doubled across frames: at most the frame at the damage comes out mixed, which
    /// no header can show, and it begins with a header that was put in. All others were put in.
    #[test]
    fn lost_or_doubled_bytes_mix_one_frame_at_most(
        shape in any_shape(), count in 12u32..40, at in any::<Index>(), len in 1usize..5000,
        double in any::<bool>(),
    ) {
        let put_in = mp3::frames(shape, count);
        let mut bytes = put_in.concat();
        let from = at.index(bytes.len());
        let to = bytes.len().min(from + len);
        if double {
            let again = bytes[from..to].to_vec();
            bytes.splice(to..to, again);
        } else {
            bytes.drain(from..to);
        }
        let (frames, _) = frames_of(&bytes);
        let mixed: Vec<_> = frames.iter().filter(|frame| !put_in.contains(frame)).collect();
        prop_assert!(mixed.len() <= 1, "{} mixed", mixed.len());
        for frame in mixed {
            prop_assert!(put_in.iter().any(|put_in| put_in[..4] == frame[..4]));
        }
    }

    /// Payload full of false headers: undamaged streams come out exactly, damaged ones only in
    /// frames of the stream that was put in.
    #[test]
    fn hostile_payload_does_not_lead_astray(
        shape in any_shape(), count in 3usize..20, payload in vec(any::<u8>(), 2000),
        at in any::<Index>(), cut in 0usize..40,
    ) {
        let false_header = shape.header().to_bytes();
        let frame: Vec<u8> = false_header.iter().copied()
            .chain(payload.iter().enumerate().map(|(n, byte)| match n % 97 {
                90..94 => false_header[n % 97 - 90],
                94 => 0xFF,
                _ => *byte | 1,
            }))
            .take(shape.header().frame_len()).collect();
        let mut bytes = frame.repeat(count);
        prop_assert_eq!(frames_of(&bytes).0, vec![frame.clone(); count]);
        let from = at.index(bytes.len());
        bytes.drain(from..(from + cut).min(frame.len() * count));
        for out in frames_of(&bytes).0 {
            let header = Header::parse([out[0], out[1], out[2], out[3]]).unwrap();
            prop_assert_eq!(header.frame_len(), out.len());
        }
    }
}
