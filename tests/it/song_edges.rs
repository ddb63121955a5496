//! A song's edges: what of a file is played, what is left out, and what goes out muted.

#![allow(clippy::cast_possible_truncation, reason = "tests may")]

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    cli::check::check_all,
    deck::{Deck, Next, Opener, SongFrames},
    ids::SongId,
    mpeg::{Header, Tail, main_data_begin},
    song::Song,
};

use crate::support::mp3::{self, Shape};

/// Longest wait for a disk.
const SOON: Duration = Duration::from_secs(10);

/// A frame of 128 kbit/s whose main data begins `back` bytes before its area and has `len` bytes.
fn coded(back: usize, len: usize, fill: u8) -> Vec<u8> {
    let mut frame = Shape::default().silent_frame();
    frame[36..].fill(fill);
    frame[4..6].copy_from_slice(&((back << 7) as u16).to_be_bytes());
    let bits = len * 8;
    frame[6] |= (bits >> 8) as u8;
    frame[7] = bits as u8;
    frame
}

/// A contiguous song in which frame `n` points back 10 bytes for each frame before it.
fn lean(count: usize) -> Vec<Vec<u8>> {
    let area = coded(0, 0, 0).len() - 36;
    (0..count).map(|n| coded(10 * n, area - 10, n as u8 + 1)).collect()
}

/// What is played of a file.
fn played(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = SongFrames::open(Cursor::new(bytes)).unwrap();
    let mut out = Vec::new();
    while let Some((_, frame)) = frames.next_frame().unwrap() {
        out.push(frame.to_vec());
    }
    out
}

/// The frame has no sound, and the main data that it had.
fn is_muted(frame: &[u8], of: &[u8]) -> bool {
    frame[6..36].iter().all(|&byte| byte == 0) && frame[36..] == of[36..]
}

/// An Info frame that claims `count` frames with this delay and padding.
fn info(count: u32, delay: u32, padding: u32) -> Vec<u8> {
    let mut info = Shape::default().info_frame(b"Info", count, 0);
    let at = info.windows(9).position(|nine| nine == b"LAME3.100").unwrap() + 21;
    info[at..at + 3].copy_from_slice(&(delay << 12 | padding).to_be_bytes()[1..]);
    info
}

#[test]
fn frames_of_padding_alone_stay_behind_where_the_file_ends_as_its_tag_says() {
    let song = mp3::song(Shape::default(), 20);
    let all = mp3::frames(Shape::default(), 20);
    for (claim, padding, gone) in
        [(20, 1680, 0), (20, 1681, 1), (20, 4095, 3), (19, 4095, 0), (21, 4095, 0)]
    {
        let bytes = [info(claim, 576, padding), song.clone()].concat();
        assert_eq!(played(&bytes), all[..20 - gone], "{claim} {padding}");
    }
    let cut = [info(20, 576, 4095), song[..song.len() - 100].to_vec()].concat();
    assert_eq!(played(&cut), all[..19], "a last frame that is cut short: padding is not its end");
    let junk = [info(20, 576, 4095), song.clone(), mp3::junk(70_000, 3)].concat();
    let mut frames = SongFrames::open(Cursor::new(&junk)).unwrap();
    assert_eq!((0..20).filter(|_| frames.next_frame().is_ok()).count(), 20);
    assert!(frames.next_frame().is_err() && frames.next_frame().is_err(), "for ever");
}

#[test]
fn a_tag_with_more_delay_and_padding_than_samples_takes_nothing_away() {
    for (count, gone) in [(1, 0), (2, 0), (3, 0), (4, 0), (5, 3)] {
        let song = mp3::frames(Shape::default(), count);
        let bytes = [info(count, 576, 4095), song.concat()].concat();
        assert_eq!(played(&bytes), song[..song.len() - gone], "{count}");
        let bytes = [info(count, 4095, 577), song.concat()].concat();
        assert_eq!(played(&bytes), song[gone..], "{count}");
    }
}

#[test]
fn first_frames_without_sound_stay_behind_where_the_next_points_to_nothing() {
    let song = mp3::frames(Shape::default(), 20);
    assert_eq!(played(&[info(20, 576, 0), song.concat()].concat()), song);
    let bytes = [info(20, 4095, 0), song.concat()].concat();
    assert_eq!(played(&bytes), song[3..]);
    let mut frames = SongFrames::open(Cursor::new(&bytes)).unwrap();
    assert_eq!((frames.lead(), frames.skip_frames(4)), (3, Ok(4)));
    assert_eq!(frames.next_frame().unwrap().unwrap().1, song[7]);
    let lean = [info(20, 4095, 0), lean(20).concat()].concat();
    assert_eq!(played(&lean).len(), 20, "every one points back");
}

#[test]
fn a_file_cut_out_of_another_begins_muted_until_all_is_there() {
    let song = lean(40);
    let cut = &song[30..];
    let out = played(&cut.concat());
    assert!(is_muted(&out[0], &cut[0]) && out[1..] == cut[1..], "300 of 381 bytes");
    let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
    assert_eq!(main_data_begin(header, &out[0]), Some(0));
    let cut = &song[39..];
    let far = [cut[0].clone(), coded(500, 9, 7), coded(500, 9, 8)];
    let out = played(&far.concat());
    assert!(is_muted(&out[0], &far[0]) && is_muted(&out[1], &far[1]) && out[2] == far[2]);
    assert_eq!(main_data_begin(header, &out[1]), Some(381), "it claims what is there");
}

#[test]
fn frames_that_point_over_a_hole_go_out_muted() {
    let song = lean(30);
    let mut lost = song.clone();
    lost[20] = mp3::junk(417, 5);
    let out = played(&lost.concat());
    let kept = [&song[..20], &song[21..]].concat();
    assert_eq!(out.len(), 29);
    assert!(is_muted(&out[20], &song[21]), "210 bytes, which the junk was");
    assert_eq!((&out[..20], &out[21..]), (&kept[..20], &kept[21..]));
    // The same where nothing but the head of the frame was lost, and where half of it is.
    let mut cut = song.clone();
    cut[20].drain(..200);
    assert_eq!(played(&cut.concat()), out);
}

#[test]
fn what_was_put_between_frames_that_miss_nothing_mutes_none() {
    let song = lean(30);
    for between in [mp3::junk(300, 4), mp3::id3v2(60, 1, false)] {
        let bytes = [song[..20].concat(), between, song[20..].concat()].concat();
        assert_eq!(played(&bytes), song);
    }
}

#[test]
fn a_joined_file_does_not_lend_its_main_data_to_the_next() {
    let (first, second) = (lean(20), lean(40));
    let tag = mp3::id3v2(60, 1, false);
    let bytes = [first.concat(), tag, second[25..].concat()].concat();
    let out = played(&bytes);
    assert!(is_muted(&out[20], &second[25]) && out[21..] == second[26..]);
    // Another number of channels: another stream, though nothing stands between.
    let mut mono = second[10..].to_vec();
    mono.iter_mut().for_each(|frame| frame[3] |= 0xC0);
    let out = played(&[first.concat(), mono.concat()].concat());
    assert_eq!(out[20][6..21], [0; 15]);
    assert_eq!(out[21..], mono[1..]);
}

#[test]
fn a_track_begun_in_the_middle_tells_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lean.mp3");
    let song = lean(40);
    std::fs::write(&path, song.concat()).unwrap();
    let row = Song {
        id: SongId(1),
        path,
        title: String::new(),
        artist: String::new(),
        album: String::new(),
        duration_seconds: 1.0,
        frames: 40,
        audio_bytes: 1,
        playable: true,
    };
    for from in [0, 1, 25] {
        let bell = Bell::new();
        let mut track = Deck::new(bell.clone()).open(&row, from as u64);
        let header = loop {
            match track.peek() {
                Next::Frame(header) => break header,
                Next::Pending => assert!(bell.wait_until(Instant::now() + SOON)),
                other => panic!("{other:?}"),
            }
        };
        let mut tail = Tail::default();
        song[..from].iter().for_each(|frame| tail.push(header, frame));
        assert_eq!(track.tail().bytes(), tail.bytes(), "{from}");
        assert_eq!(track.take().unwrap().1, song[from]);
    }
}

#[test]
fn check_tells_the_gap_that_is_left_and_files_of_another_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let song = mp3::song(Shape::default(), 20);
    let files = [
        file("a.mp3", [info(20, 576, 1681 + 143), song.clone()].concat()),
        file("b.mp3", [info(19, 4095, 700), song.clone()].concat()),
        file("c.mp3", song),
        file("d.mp3", mp3::song(Shape { rate_index: 1, ..Shape::default() }, 20)),
        file("e.mp3", b"fLaC and so on".to_vec()),
    ];
    let told: Vec<String> = check_all(&files).iter().map(ToString::to_string).collect();
    for (text, line) in told.iter().zip([
        "\ngap         1105 samples before, 143 behind the sound",
        "\ngap         1168 samples before the sound, unknown behind it",
        "\ngap         unknown, no tag tells",
        "\nnote        another format than the first file's",
        "\ncannot be streamed: it is FLAC, whatever its name says, and not yet playable",
    ]) {
        assert!(text.contains(line), "{line:?} is not in:\n{text}");
    }
    assert_eq!(told.iter().filter(|text| text.contains("\nnote")).count(), 1);
}
