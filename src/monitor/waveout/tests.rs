//! The player on a made-up device: what is heard, and when.

use std::time::Duration;

use super::{
    code::Call,
    fake::{Bench, Habits},
    noise::{noise, sounding},
    shape::Shape,
};
use crate::monitor::{Pace, Sink};

const SEED: u64 = 7;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Plays `seconds` of noise in pieces of `piece` frames, and finishes; how many headers were used.
fn plays_exactly(shape: Shape, seconds: usize, piece: usize, habits: Habits) -> usize {
    let sound = noise(SEED, seconds * 44_100 + 77);
    let bench = Bench::new(habits);
    let mut player = bench.player(shape).unwrap();
    for frames in sound.chunks(piece) {
        player.write(frames).unwrap();
    }
    player.finish().unwrap();
    assert_eq!(player.underruns(), 0);
    drop(player);
    let device = bench.device();
    assert!(sounding(&device.heard) == sound, "the sound differs");
    assert!(device.heard.len() - sound.len() >= 4_410, "100 ms of silence follow");
    assert!(device.heard.len().is_multiple_of(shape.frames()));
    assert_eq!(device.gaps.len(), 0);
    assert_eq!((device.holds(), device.is_open, device.has_event), (0, false, false));
    device.count(Call::Prepare)
}

#[test]
fn every_frame_is_played_once_and_in_order_whatever_the_pieces() {
    for (blocks, frames) in [(2, 4_410), (4, 2_205), (8, 256), (2, 1)] {
        let seconds = if frames == 1 { 0 } else { 1 };
        for piece in [1, 441, 2_205, 1_152, 100_000] {
            plays_exactly(Shape::new(blocks, frames), seconds, piece, Habits::default());
        }
    }
}

#[test]
fn events_without_a_block_and_blocks_without_an_event_change_nothing() {
    // It looks every 70 ms: one or two blocks at a time.
    let coarse = Habits { grain: ms(70), ..Habits::default() };
    plays_exactly(Shape::default(), 1, 1_152, coarse);
    // And so rarely that all four are done at once, which would be heard; the order holds.
    let sound = noise(SEED, 44_100);
    let bench = Bench::new(Habits { grain: ms(210), ..Habits::default() });
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&sound).unwrap();
    player.finish().unwrap();
    assert!(player.underruns() > 0);
    assert!(sounding(&bench.device().heard) == sound);

    let nervous = Habits { nervous: Some(ms(3)), ..Habits::default() };
    plays_exactly(Shape::default(), 1, 1_152, nervous);
    let both = Habits { grain: ms(70), nervous: Some(ms(3)), ..Habits::default() };
    plays_exactly(Shape::new(8, 2_205), 1, 1_152, both);
}

#[test]
fn nothing_is_heard_before_the_queue_is_full() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    assert_eq!(player.pace(), Pace::Device { block: 2_205, queue: 8_820 });
    player.write(&noise(SEED, 8_819)).unwrap();
    bench.stall(ms(1_300));
    assert_eq!(bench.device().heard.len(), 0);
    assert_eq!(bench.device().count(Call::Restart), 0);
    player.write(&noise(SEED, 1)).unwrap();
    bench.stall(ms(50));
    assert_eq!(bench.device().heard.len(), 2_205);
    assert_eq!(bench.device().begun_with, [4]);
    assert_eq!(player.underruns(), 0);
}

#[test]
fn a_writer_that_is_late_by_less_than_the_queue_is_not_noticed() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    let sound = noise(SEED, 44_100);
    for frames in sound.chunks(8_820) {
        player.write(frames).unwrap();
        bench.stall(ms(199));
    }
    assert_eq!(player.underruns(), 0);
    assert_eq!(bench.device().gaps.len(), 0);
}

#[test]
fn a_stall_is_one_underrun_and_one_gap_and_the_queue_is_filled_again() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    let sound = noise(SEED, 88_200);
    let (before, behind) = sound.split_at(44_100);
    player.write(before).unwrap();
    bench.stall(ms(700));
    player.write(behind).unwrap();
    assert_eq!(player.underruns(), 1);
    player.finish().unwrap();
    assert_eq!(player.underruns(), 1);
    let device = bench.device();
    assert_eq!(device.gaps, [ms(500)], "the stall without the queue");
    assert_eq!(device.begun_with, [4, 4]);
    assert!(sounding(&device.heard) == sound);
}

#[test]
fn each_stall_counts_and_the_silence_at_the_end_is_never_late() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    let sound = noise(SEED, 5 * 8_820);
    for frames in sound.chunks(8_820) {
        player.write(frames).unwrap();
        bench.stall(ms(300));
    }
    assert_eq!(player.underruns(), 4);
    player.finish().unwrap();
    assert_eq!(player.underruns(), 4);
    assert!(sounding(&bench.device().heard) == sound);
}

#[test]
fn what_is_too_short_for_the_queue_is_heard_at_the_end() {
    for len in [1, 2_205, 5_000] {
        let bench = Bench::new(Habits::default());
        let mut player = bench.player(Shape::default()).unwrap();
        let sound = noise(SEED, len);
        player.write(&sound).unwrap();
        let (time, outcome) = bench.time(|| player.finish());
        outcome.unwrap();
        assert!(time <= ms(300), "{time:?}");
        assert!(sounding(&bench.device().heard) == sound);
    }
}

#[test]
fn a_player_that_got_nothing_plays_nothing() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&[]).unwrap();
    let (time, outcome) = bench.time(|| player.finish());
    outcome.unwrap();
    assert_eq!(time, ms(0));
    assert_eq!(bench.device().count(Call::Write), 0);
    assert!(!bench.device().is_open);
}

#[test]
fn a_player_that_is_dropped_ends_at_once_and_gives_everything_back() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&noise(SEED, 44_100)).unwrap();
    let (time, kept) = bench.time(|| player.shut());
    drop(player);
    assert_eq!((time, kept), (ms(0), 0));
    let device = bench.device();
    assert_eq!((device.holds(), device.is_open, device.has_event), (0, false, false));
    assert_eq!(device.count(Call::Close), 1);
}

#[test]
fn a_closed_player_takes_nothing_and_can_be_finished_again() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&noise(SEED, 10_000)).unwrap();
    player.finish().unwrap();
    let calls = bench.device().count(Call::Write);
    let fault = player.write(&noise(SEED, 10_000)).unwrap_err();
    assert!(fault.to_string().contains("it was closed"), "{fault}");
    player.finish().unwrap();
    drop(player);
    assert_eq!(bench.device().count(Call::Write), calls);
    assert_eq!(bench.device().count(Call::Close), 1);
}

#[test]
fn a_player_can_go_to_another_thread() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    let sound = noise(SEED, 20_000);
    player.write(&sound[..7_000]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            player.write(&sound[7_000..]).unwrap();
            player.finish().unwrap();
        });
    });
    assert!(sounding(&bench.device().heard) == sound);
}
