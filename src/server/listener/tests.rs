//! Tests of a listener without its socket: whatever that takes, frames stay whole.

use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::{
    icy::StreamInfo,
    mpeg::Header,
    relay::{FrameKind, Group, Relay},
    server::{intro::Intro, mount::About, tick::Epoch},
};

const HEAD: &[u8] = b"head";
const METAINT: usize = 700;

/// Frames of 320 kbit/s, each with its number; `from` is the next one's.
fn push(relay: &Relay, from: &mut u32, frames: u32) {
    let header = Header::parse([0xFF, 0xFB, 0xE0, 0x64]).unwrap();
    let mut group = Group::new();
    for _ in 0..frames {
        let mut frame = header.to_bytes().to_vec();
        frame.extend_from_slice(&from.to_be_bytes());
        frame.resize(header.frame_len(), 0x55);
        group.push(header, &frame, FrameKind::Song);
        *from += 1;
    }
    relay.push(&group, Instant::now());
}

fn mount(relay: &Relay) -> Arc<Mount> {
    Mount::new("/stream", relay.clone(), About::mp3(StreamInfo::default()))
}

fn tick(after: Duration) -> Tick {
    let begun = Instant::now();
    Epoch::new(begun).tick(begun + after)
}

fn audio_of(body: &[u8], titles: bool) -> Vec<u8> {
    let Some(mut rest) = titles.then_some(body) else { return body.to_vec() };
    let mut audio = Vec::new();
    while rest.len() > METAINT {
        audio.extend_from_slice(&rest[..METAINT]);
        rest = &rest[METAINT + 1 + 16 * usize::from(rest[METAINT])..];
    }
    [audio, rest.to_vec()].concat()
}

fn numbers(audio: &[u8]) -> Vec<u32> {
    let len = Header::parse([0xFF, 0xFB, 0xE0, 0x64]).unwrap().frame_len();
    let frames = audio.chunks(len).inspect(|frame| {
        assert_eq!((frame.len(), &frame[..2]), (len, &[0xFF, 0xFB][..]), "no whole frame");
    });
    frames.map(|frame| u32::from_be_bytes(frame[4..8].try_into().unwrap())).collect()
}

proptest! {
    #[test]
    fn whatever_the_socket_takes_the_client_gets_whole_frames(
        titles in any::<bool>(),
        steps in prop::collection::vec((0_u32..500, prop::collection::vec(0_usize..70_000, 0..12)), 1..25),
    ) {
        let (relay, mut from) = (Relay::new(), 0);
        push(&relay, &mut from, 100);
        let now = tick(Duration::ZERO);
        let burst = Burst::of(Duration::from_secs(1));
        let metaint = titles.then_some(METAINT);
        let mut listener = Listener::new(&mount(&relay), HEAD.to_vec(), metaint, burst, now);
        let (mut body, mut stage, mut is_too_slow) = (Vec::new(), Vec::new(), false);
        for (frames, takes) in steps {
            push(&relay, &mut from, frames);
            let mut takes = takes.into_iter();
            let flushed = listener.flush(now, &mut stage, |bytes| {
                let Some(most) = takes.next() else { return Err(io::ErrorKind::WouldBlock.into()) };
                body.extend_from_slice(&bytes[..bytes.len().min(most)]);
                Ok(bytes.len().min(most))
            });
            is_too_slow |= flushed.unwrap() == Flushed::TooSlow;
            if is_too_slow {
                break;
            }
        }
        if !is_too_slow {
            relay.close();
            let flushed = listener.flush(now, &mut stage, |bytes| {
                body.extend_from_slice(bytes);
                Ok(bytes.len())
            });
            is_too_slow = flushed.unwrap() == Flushed::TooSlow;
        }
        prop_assert_eq!(listener.sent(), body.len() as u64);
        // One who is dropped for being slow may have been in the middle of anything.
        if !is_too_slow {
            let numbers = numbers(&audio_of(&body[HEAD.len()..], titles));
            let jumps = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
            prop_assert_eq!(jumps, listener.moves() as usize);
            prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(numbers.last(), Some(&(from - 1)));
        }
    }
}

#[test]
fn one_that_took_enough_is_moved_and_one_that_took_nothing_is_dropped() {
    for (takes, expected) in [(0, Flushed::TooSlow), (200, Flushed::All)] {
        let (relay, mut from) = (Relay::new(), 0);
        push(&relay, &mut from, 300);
        let burst = Burst::of(Duration::from_secs(10));
        let now = tick(Duration::ZERO);
        let mut listener = Listener::new(&mount(&relay), Vec::new(), None, burst, now);
        let mut flush = |most: usize| {
            let mut room = most;
            let flushed = listener.flush(now, &mut Vec::new(), |bytes| {
                let len = bytes.len().min(room);
                room -= len;
                Ok(len)
            });
            flushed.unwrap()
        };
        assert_eq!(flush(takes * 1044), Flushed::Short);
        push(&relay, &mut from, 1100);
        assert_eq!(flush(usize::MAX), expected);
        if expected == Flushed::All {
            // What it had, then as much as a new listener gets, and not the whole ring.
            let least = (takes * 1044) as u64;
            assert!((least..least + 383 * 1044).contains(&listener.sent()));
        }
    }
}

#[test]
fn a_full_socket_stalls_from_the_last_byte_that_it_took() {
    let (relay, mut from) = (Relay::new(), 0);
    push(&relay, &mut from, 10);
    let burst = Burst::of(Duration::from_secs(1));
    let begun = tick(Duration::ZERO);
    let mut listener = Listener::new(&mount(&relay), Vec::new(), None, burst, begun);
    let second = Duration::from_secs(1);
    for (after, takes, stalled) in [(1, 100, 1), (2, 0, 1), (3, 1, 3), (4, 0, 3)] {
        let mut takes = takes;
        let flushed = listener
            .flush(tick(second * after), &mut Vec::new(), |_| Ok(std::mem::take(&mut takes)));
        assert_eq!(flushed.unwrap(), Flushed::Short);
        let stalled_at = second * stalled + STALL_LIMIT;
        assert!(listener.has_stalled(tick(stalled_at)));
        assert!(!listener.has_stalled(tick(stalled_at - Duration::from_millis(1))));
    }
}

/// What a listener gets of a stream of `frames` frames that has an intro of `intro` frames, on a socket
/// that takes `most` bytes at a time and is full every other time.
fn heard(frames: u32, intro: u32, titles: bool, most: usize) -> (Vec<u8>, Listener) {
    let (relay, mut from) = (Relay::new(), 1000);
    push(&relay, &mut from, frames);
    let header = Header::parse([0xFF, 0xFB, 0xE0, 0x64]).unwrap();
    let of_intro = (0..intro).map(|number| {
        let mut frame = header.to_bytes().to_vec();
        frame.extend_from_slice(&number.to_be_bytes());
        frame.resize(header.frame_len(), 0x11);
        frame
    });
    let intro = Intro::of(header, &of_intro.collect::<Vec<_>>());
    let now = tick(Duration::ZERO);
    let (burst, metaint) = (Burst::of(Duration::from_secs(4)), titles.then_some(METAINT));
    let mut listener = Listener::new(&mount(&relay), HEAD.to_vec(), metaint, burst, now);
    listener.hear_first(&intro);
    relay.close();
    let (mut body, mut stage, mut turns) = (Vec::new(), Vec::new(), 0);
    loop {
        let flushed = listener.flush(now, &mut stage, |bytes| {
            turns += 1;
            let taken = if turns % 2 == 0 { 0 } else { bytes.len().min(most) };
            body.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        });
        if flushed.unwrap() == Flushed::Ended {
            return (body, listener);
        }
    }
}

proptest! {
    #[test]
    fn the_intro_is_heard_whole_and_in_place_of_as_much_of_the_burst(
        intro in 1_u32..300,
        titles in any::<bool>(),
        most in 1000_usize..40_000,
    ) {
        let (body, listener) = heard(300, intro, titles, most);
        prop_assert_eq!(listener.sent(), body.len() as u64);
        let numbers = numbers(&audio_of(&body[HEAD.len()..], titles));
        let intro_part: Vec<u32> = (0..intro).collect();
        // Four seconds are 153 frames and a little.
        let of_stream = 153_u32.saturating_sub(intro);
        let stream_part: Vec<u32> = (1300 - of_stream..1300).collect();
        prop_assert_eq!(numbers, [intro_part, stream_part].concat());
    }
}

#[test]
fn whoever_takes_its_time_for_the_intro_begins_with_what_is_new_then() {
    let (relay, mut from) = (Relay::new(), 0);
    push(&relay, &mut from, 200);
    let header = Header::parse([0xFF, 0xFB, 0xE0, 0x64]).unwrap();
    let mut frame = header.to_bytes().to_vec();
    frame.resize(header.frame_len(), 0x11);
    let intro = Intro::of(header, &vec![frame; 100]);
    let now = tick(Duration::ZERO);
    let burst = Burst::of(Duration::from_secs(4));
    let mut listener = Listener::new(&mount(&relay), HEAD.to_vec(), None, burst, now);
    listener.hear_first(&intro);
    assert!(listener.hears_nothing_yet());
    let mut room = HEAD.len() + 5000;
    let mut flush = |listener: &mut Listener, more: usize| {
        room += more;
        let flushed = listener.flush(now, &mut Vec::new(), |bytes| {
            let taken = bytes.len().min(room);
            room -= taken;
            Ok(taken)
        });
        flushed.unwrap()
    };
    assert_eq!(flush(&mut listener, 0), Flushed::Short);
    assert!(!listener.hears_nothing_yet());
    // The ring comes round twice.
    (0..22).for_each(|_| push(&relay, &mut from, 100));
    assert_eq!(flush(&mut listener, usize::MAX / 2), Flushed::All);
    assert_eq!(listener.moves(), 0);
    assert_eq!(listener.sent(), (HEAD.len() + (100 + 53) * 1044) as u64);
}

#[test]
fn a_listener_without_an_intro_is_no_larger_for_it() {
    assert!(size_of::<Listener>() <= 104, "{} bytes", size_of::<Listener>());
}
