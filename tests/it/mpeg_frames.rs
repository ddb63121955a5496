//! Frames and what stands around them, case by case.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests may")]

use std::io::Cursor;

use musicdb_stream::mpeg::{FrameSource, MAX_JUNK, SpliceKind, TagKind, Unplayable, walk};

use crate::support::mp3::{self, Shape, frames_of};

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
    let tags = [mp3::junk(9000, 5), mp3::id3v2(200_000, 0xFF, false)].concat();
    assert_eq!(frames_of(&[tags.repeat(7), song.clone()].concat()).0.len(), 10, "63,000 bytes");
    assert_eq!(frames_of(&[tags.repeat(8), song].concat()).1, Some(Unplayable::NoFrames));
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
fn the_letters_tag_in_an_ape_tags_mark_are_no_id3v1_tag() {
    let song = mp3::song(Shape::default(), 4);
    // Its mark begins 131 bytes before the end, and so its letters TAG stand where ID3v1 has them.
    let alone = [&song[..], &mp3::ape(67, true)].concat();
    assert_eq!(frames_of(&alone), (frames_of(&song).0, None));
    let kinds: Vec<_> = walk(Cursor::new(&alone)).unwrap().tags.iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TagKind::Ape]);
    let small = mp3::song(Shape { version: 2, bitrate_index: 1, ..Shape::default() }, 2);
    let between =
        [&small[..], &mp3::ape(0, true), &small, &mp3::junk(99 - small.len(), 1)].concat();
    assert_eq!(frames_of(&between).0.len(), 4);
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

#[test]
fn an_info_frame_between_joined_songs_stays_behind_and_is_told() {
    let shape = Shape::default();
    let info = shape.info_frame(b"Xing", 10, 9);
    let bytes = [mp3::song(shape, 10), info, mp3::song(shape, 10)].concat();
    assert_eq!(frames_of(&bytes).0, [mp3::frames(shape, 10), mp3::frames(shape, 10)].concat());
    let summary = walk(Cursor::new(&bytes)).unwrap();
    assert_eq!((summary.frames, summary.info, summary.info_frames), (20, None, 1));
    assert_eq!((summary.splices[0].kind, summary.splices[0].frame), (SpliceKind::Info, 10));
}

#[test]
fn frames_inside_a_frame_are_payload_where_a_tag_or_the_end_follows() {
    let inner = mp3::song(Shape { bitrate_index: 1, mode: 3, ..Shape::default() }, 3);
    let mut frame = Shape::default().frame(1);
    frame[50..50 + inner.len()].copy_from_slice(&inner);
    let frames = [Shape::default().frame(0), frame];
    assert_eq!(frames_of(&frames.concat()).0, frames);
    let tagged = [frames.concat(), mp3::id3v2(9, 0, false), frames.concat()].concat();
    assert_eq!(frames_of(&tagged).0, [frames.clone(), frames].concat());
}

#[test]
fn the_tags_of_both_ends_are_listed_in_the_order_of_the_file() {
    let parts = [
        mp3::id3v2(20, 0, true),
        mp3::song(Shape::default(), 4),
        mp3::id3v2(30, 0, true),
        mp3::ape(40, true),
        mp3::lyrics2(50),
        mp3::id3v1_enhanced(),
        mp3::id3v1(),
    ];
    let summary = walk(Cursor::new(parts.concat())).unwrap();
    let kinds = [
        TagKind::Id3v2,
        TagKind::Id3v2,
        TagKind::Ape,
        TagKind::Lyrics3,
        TagKind::Id3v1Enhanced,
        TagKind::Id3v1,
    ];
    assert_eq!(summary.tags.iter().map(|tag| tag.kind).collect::<Vec<_>>(), kinds);
    let lens: Vec<u64> = parts.iter().map(|part| part.len() as u64).collect();
    assert_eq!(summary.tags[0].len, lens[0]);
    assert!(summary.tags[1..].iter().map(|tag| tag.len).eq(lens[2..].iter().copied()));
}
