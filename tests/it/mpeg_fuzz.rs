//! The frame scanner against bytes of every kind: it ends, it does not panic, it invents nothing.

use std::io::Cursor;

use musicdb_stream::mpeg::{FrameSource, Header, MAX_JUNK, Scanner, Step, Unplayable, walk};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::support::mp3::{self, Shape};

/// All frames that come out, and the error that ended them.
fn frames_of(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Unplayable>) {
    let mut out = Vec::new();
    let mut source = match FrameSource::open(Cursor::new(bytes)) {
        Ok(source) => source,
        Err(error) => return (out, Some(error)),
    };
    loop {
        match source.next_frame() {
            Ok(Some((header, frame))) => {
                assert_eq!(frame.len(), header.frame_len());
                assert_eq!(frame[..4], header.to_bytes());
                out.push(frame.to_vec());
            }
            Ok(None) => return (out, None),
            Err(error) => return (out, Some(error)),
        }
    }
}

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_without_a_panic(bytes in rubble()) {
        let (frames, error) = frames_of(&bytes);
        let total: usize = frames.iter().map(Vec::len).sum();
        prop_assert!(total <= bytes.len());
        match walk(Cursor::new(&bytes)) {
            Ok(summary) => {
                prop_assert_eq!(summary.frames, frames.len() as u64);
                prop_assert_eq!(summary.audio_bytes, total as u64);
                prop_assert_eq!(error, None);
            }
            Err(reason) => prop_assert_eq!(error, Some(reason)),
        }
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

#[test]
fn too_much_junk_gives_up_and_says_where() {
    let song = mp3::song(Shape::default(), 10);
    let enough = [&song[..], &mp3::junk(MAX_JUNK as usize, 5), &song].concat();
    assert_eq!(frames_of(&enough).0.len(), 20);
    let more = [&song[..], &mp3::junk(MAX_JUNK as usize + 1, 5), &song].concat();
    let (frames, error) = frames_of(&more);
    assert_eq!(frames.len(), 10);
    assert_eq!(error, Some(Unplayable::TooMuchJunk { at: song.len() as u64 }));
    let only = [&mp3::junk(MAX_JUNK as usize + 1, 5)[..], &song].concat();
    assert_eq!(frames_of(&only).1, Some(Unplayable::NoFrames));
}

#[test]
fn info_frames_stay_behind_in_every_stream_with_and_without_crc() {
    for shape in Shape::streams() {
        for (mode, crc) in [(0, false), (0, true), (3, false), (3, true)] {
            let shape = Shape { mode, crc, ..shape };
            let song = mp3::song(shape, 5);
            for info in [
                shape.info_frame(b"Xing", 5, 1),
                shape.info_frame(b"Info", u32::MAX, u32::MAX),
                Shape { crc: false, ..shape }.vbri_frame(5, 1),
            ] {
                let bytes = [info, song.clone()].concat();
                let source = FrameSource::open(Cursor::new(&bytes)).unwrap();
                assert!(source.info().is_some(), "{shape:?}");
                assert_eq!(frames_of(&bytes).0, mp3::frames(shape, 5), "{shape:?}");
            }
        }
    }
}

#[test]
fn an_info_frame_alone_is_no_song() {
    let bytes = Shape::default().info_frame(b"Info", 1, 1);
    assert_eq!(frames_of(&bytes), (vec![], Some(Unplayable::NoFrames)));
}

#[test]
fn a_joined_file_of_another_rate_is_played_too_and_told() {
    let other = Shape { rate_index: 1, ..Shape::default() };
    let bytes = [mp3::song(Shape::default(), 10), mp3::song(other, 10)].concat();
    let summary = walk(Cursor::new(&bytes)).unwrap();
    assert_eq!((summary.frames, summary.formats.len(), summary.splices.len()), (20, 2, 1));
    assert_eq!(summary.splices[0].frame, 10);
    let few = [mp3::song(Shape::default(), 10), mp3::song(other, 3), mp3::junk(9, 1)].concat();
    assert_eq!(walk(Cursor::new(&few)).unwrap().frames, 10, "three frames are no new stream");
}

#[test]
fn a_truncated_last_frame_is_told_and_not_sent() {
    let song = mp3::song(Shape::default(), 10);
    for cut in 1..413 {
        let bytes = &song[..song.len() - cut];
        let summary = walk(Cursor::new(bytes)).unwrap();
        let whole: usize = mp3::frames(Shape::default(), 9).iter().map(Vec::len).sum();
        assert_eq!(summary.frames, 9);
        assert_eq!(summary.truncated_tail, (bytes.len() - whole) as u64);
    }
}

#[test]
fn tags_of_every_kind_at_both_ends_are_known() {
    let song = mp3::song(Shape::default(), 10);
    let mut lying = mp3::id3v2(300, 1, false);
    lying[6..10].copy_from_slice(&[0, 0, 1, 44]);
    let heads = [vec![], mp3::id3v2(3000, 0xFF, true), mp3::ape(90, true), lying];
    let tails = [
        vec![],
        mp3::ape(100, true),
        mp3::ape(100, false),
        mp3::lyrics1(500),
        mp3::id3v2(200, 0xFF, true),
        [mp3::ape(100, true), mp3::lyrics2(700), mp3::id3v1()].concat(),
        [mp3::id3v1_enhanced(), mp3::id3v1()].concat(),
    ];
    for head in &heads {
        for tail in &tails {
            let bytes = [&head[..], &mp3::id3v2(20, 0, false), &[0; 70_000], &song, tail].concat();
            let summary = walk(Cursor::new(&bytes)).unwrap();
            assert_eq!((summary.frames, summary.junk_bytes, summary.truncated_tail), (10, 0, 0));
            assert_eq!(frames_of(&bytes).0, mp3::frames(Shape::default(), 10));
        }
    }
}

#[test]
fn a_tag_that_claims_more_than_the_file_hides_nothing() {
    let song = mp3::song(Shape::default(), 10);
    let head = b"ID3\x03\x00\x00\x7F\x7F\x7F\x7F".to_vec();
    let tail = [&b"APETAGEX\xD0\x07\x00\x00\xFF\xFF\xFF\x7F"[..], &[0; 16]].concat();
    let bytes = [&head[..], &mp3::junk(900, 3), &song, &tail].concat();
    assert_eq!(frames_of(&bytes).0, mp3::frames(Shape::default(), 10));
}

#[test]
fn layers_one_and_two_and_free_format_are_named() {
    let frame = |bytes: [u8; 4], len: usize| {
        let mut frame = bytes.to_vec();
        frame.extend(mp3::junk(len - 4, len as u32));
        frame
    };
    for (bytes, len, reason) in [
        ([0xFF, 0xFF, 0xC8, 0x04], 576, Unplayable::LayerOne),
        ([0xFF, 0xFD, 0xA8, 0x00], 864, Unplayable::LayerTwo),
        ([0xFF, 0xFB, 0x00, 0x00], 391, Unplayable::FreeFormat),
    ] {
        let file = frame(bytes, len).repeat(20);
        assert_eq!(frames_of(&file).1, Some(reason.clone()));
        let tagged = [mp3::id3v2(100, 0, false), mp3::junk(333, 1), file].concat();
        assert_eq!(frames_of(&tagged).1, Some(reason.clone()));
        let alone = [frame(bytes, len), mp3::junk(2000, 4)].concat();
        assert_eq!(frames_of(&alone).1, Some(Unplayable::NoFrames), "once is chance");
        let mixed = [frame(bytes, len).repeat(4), mp3::song(Shape::default(), 5)].concat();
        assert_eq!(frames_of(&mixed).0.len(), 5, "{reason}");
    }
}

#[test]
fn a_file_of_one_frame_is_played() {
    for shape in Shape::streams() {
        assert_eq!(frames_of(&shape.frame(7)).0, [shape.frame(7)]);
        let tagged = [mp3::id3v2(50, 0, false), shape.frame(7), mp3::id3v1()].concat();
        assert_eq!(frames_of(&tagged).0, [shape.frame(7)]);
        let behind = [shape.frame(7), vec![1]].concat();
        assert_eq!(frames_of(&behind).1, Some(Unplayable::NoFrames));
    }
}

#[test]
fn skipping_frames_stands_before_the_next_one() {
    let bytes = mp3::song(Shape::default(), 10);
    let mut source = FrameSource::open(Cursor::new(&bytes)).unwrap();
    assert_eq!(source.skip_frames(7), Ok(7));
    let (_, frame) = source.next_frame().unwrap().unwrap();
    assert_eq!(frame, mp3::frames(Shape::default(), 10)[7]);
    assert_eq!(source.skip_frames(7), Ok(2));
    assert_eq!(source.next_frame(), Ok(None));
}
