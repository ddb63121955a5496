//! Joining in the middle: every reader's first frame finds what it points back to.

#![allow(clippy::cast_possible_truncation, reason = "tests may")]

use std::time::Instant;

use musicdb_stream::{
    mpeg::{Header, StreamTime, is_silent_forgery, main_data_begin, reservoir::main_data},
    relay::{FrameKind, Group, Read, Reader, Relay},
};

/// 32 kbit/s at 44.1 kHz, mono: 83 bytes of main data a frame, so that six or seven are needed.
const LEAN: [u8; 4] = [0xFF, 0xFB, 0x10, 0xC4];
/// 128 kbit/s at 44.1 kHz, joint stereo: two frames.
const RICH: [u8; 4] = [0xFF, 0xFB, 0x90, 0x64];
const BACK: usize = 500;

/// A frame that points back by 500 bytes, or by as many as there are, and whose main data counts on
/// from frame to frame.
fn frame(bytes: [u8; 4], n: usize) -> (Header, Vec<u8>) {
    let header = Header::parse(bytes).unwrap();
    let area = header.frame_len() - 4 - header.side_info_len();
    let back = BACK.min(n * area);
    let mut frame = bytes.to_vec();
    frame.extend(u16::try_from(back << 7).unwrap().to_be_bytes());
    frame.resize(header.frame_len() - area, 0x55);
    frame.extend((n * area..(n + 1) * area).map(|at| (at % 251) as u8));
    (header, frame)
}

fn relay(bytes: [u8; 4], frames: usize) -> Relay {
    let relay = Relay::new();
    push(&relay, bytes, 0..frames);
    relay
}

fn push(relay: &Relay, bytes: [u8; 4], numbers: std::ops::Range<usize>) {
    for start in numbers.clone().step_by(50) {
        let mut group = Group::new();
        for n in start..numbers.end.min(start + 50) {
            let (header, frame) = frame(bytes, n);
            group.push(header, &frame, FrameKind::Song);
        }
        relay.push(&group, Instant::now());
    }
}

/// What the reader gets, `limit` bytes at a time.
fn read(reader: &mut Reader, limit: usize) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    while let Read::Taken(1..) = reader.read(limit, |bytes| {
        heard.extend_from_slice(bytes);
        bytes.len()
    }) {}
    let (mut rest, mut frames) = (heard.as_slice(), Vec::new());
    while let Some(head) = rest.first_chunk() {
        let (frame, after) = rest.split_at(Header::parse(*head).unwrap().frame_len());
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

/// Holds each frame against a decoder that keeps what is claimed; how many are silent.
fn assert_decodes(frames: &[Vec<u8>]) -> usize {
    let (mut held, mut silent) = (Vec::<u8>::new(), 0);
    for frame in frames {
        let header = Header::parse(*frame.first_chunk().unwrap()).unwrap();
        let back = main_data_begin(header, frame).unwrap();
        assert!(back <= held.len(), "a frame misses {} bytes", back - held.len());
        held.drain(..held.len() - back);
        if is_silent_forgery(frame) {
            silent += 1;
        } else {
            let next = usize::from(main_data(header, frame)[0]);
            let begins = (next + 251 * 3 - back) % 251;
            assert!(held.iter().enumerate().all(|(n, &b)| usize::from(b) == (begins + n) % 251));
        }
        held.extend_from_slice(main_data(header, frame));
    }
    silent
}

#[test]
fn a_burst_begins_with_what_its_first_frame_points_back_to() {
    for (bytes, carriers) in [(LEAN, 6), (RICH, 2)] {
        let relay = relay(bytes, 400);
        for seconds in 1..8 {
            for limit in [usize::MAX, 100, 7] {
                let mut reader = relay.burst(StreamTime::of_seconds(f64::from(seconds)));
                let frames = read(&mut reader, limit);
                assert_eq!(assert_decodes(&frames), carriers);
                assert!(frames.len() > carriers);
            }
        }
    }
}

#[test]
fn who_joins_live_gets_it_with_the_frame_that_comes_next() {
    let relay = relay(LEAN, 100);
    let mut reader = relay.live();
    assert!(read(&mut reader, usize::MAX).is_empty());
    push(&relay, LEAN, 100..104);
    let frames = read(&mut reader, usize::MAX);
    assert_eq!((assert_decodes(&frames), frames.len()), (6, 10));
    push(&relay, LEAN, 104..108);
    assert_eq!(read(&mut reader, usize::MAX).len(), 4);
}

#[test]
fn where_the_past_was_overwritten_the_first_frame_that_has_its_own_comes_first() {
    let relay = relay(RICH, 4000);
    let mut reader = relay.burst(StreamTime::of_seconds(1000.0));
    let oldest = reader.frame();
    let frames = read(&mut reader, usize::MAX);
    assert_eq!(assert_decodes(&frames), 2);
    let heard = frames.len() as u64 - 2;
    assert_eq!(oldest + heard + 2, 4000, "two frames before it hold its 500 bytes");
}

#[test]
fn who_was_outrun_is_led_in_again() {
    let relay = relay(RICH, 10);
    let mut reader = relay.live();
    push(&relay, RICH, 10..14);
    assert_eq!(assert_decodes(&read(&mut reader, usize::MAX)), 2);
    push(&relay, RICH, 14..4000);
    assert_eq!(reader.read(usize::MAX, <[u8]>::len), Read::Lagged);
    assert_eq!(assert_decodes(&read(&mut reader, usize::MAX)), 2);
}

#[test]
fn edges_and_the_first_missing_frame_are_right_within_the_lead_in() {
    let relay = relay(RICH, 100);
    let mut reader = relay.live();
    push(&relay, RICH, 100..101);
    assert_eq!((reader.first_missing(), reader.to_frame_edge()), (100, 0));
    let _ = reader.read(10, <[u8]>::len);
    // Both carriers are padded, the frame is not.
    assert_eq!((reader.first_missing(), reader.to_frame_edge()), (100, 418 - 10));
    assert_eq!(reader.backlog(), 418 + 418 + 417 - 10);
    let _ = reader.read(408, <[u8]>::len);
    assert_eq!((reader.first_missing(), reader.to_frame_edge()), (100, 0));
    let _ = reader.read(418, <[u8]>::len);
    assert_eq!((reader.first_missing(), reader.to_frame_edge()), (100, 0));
    let _ = reader.read(1, <[u8]>::len);
    assert_eq!((reader.first_missing(), reader.to_frame_edge()), (100, 416));
}

#[test]
fn who_was_outrun_still_names_the_frame_that_it_was_in() {
    let relay = relay(RICH, 10);
    for (taken, missing) in [(0, 10), (417, 11), (417 + 200, 11)] {
        let mut reader = relay.live();
        let first = relay.next_frame();
        let last = first as usize + 4;
        push(&relay, RICH, first as usize..last);
        let carriers = 2 * 418;
        let mut left = carriers + taken;
        while left > 0 {
            let Read::Taken(got) = reader.read(left, <[u8]>::len) else { panic!("nothing") };
            left -= got;
        }
        push(&relay, RICH, last..last + 4000);
        let missing = first + missing - 10;
        assert_eq!(reader.first_missing(), missing, "{taken}: before it has looked");
        assert_eq!(reader.read(usize::MAX, <[u8]>::len), Read::Lagged);
        assert_eq!(reader.first_missing(), missing, "{taken}");
        let _ = reader.read(1, <[u8]>::len);
        assert!(reader.first_missing() > last as u64, "{taken}: it goes on");
    }
}

#[test]
fn a_frame_that_points_back_to_nothing_needs_none() {
    let relay = relay(RICH, 1);
    let mut reader = relay.burst(StreamTime::of_seconds(1.0));
    assert_eq!(read(&mut reader, usize::MAX).len(), 1);
}
