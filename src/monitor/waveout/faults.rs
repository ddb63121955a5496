//! The player on a made-up device that fails: what it says, how long that takes, and that memory
//! which the driver has is never freed.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    code::Call,
    fake::{Bench, Failing, Habits},
    left_behind,
    noise::noise,
    shape::Shape,
};
use crate::monitor::{Fault, Sink, pcm::Frame};

const SEED: u64 = 11;
/// The queue and a second.
const PATIENCE: Duration = Duration::from_millis(1_200);
const GIVING_BACK: Duration = Duration::from_millis(500);

fn failing(call: Call, after: usize, code: u32) -> Habits {
    Habits { failing: vec![Failing { call, after, code }], ..Habits::default() }
}

fn a_second() -> Vec<Frame> {
    noise(SEED, 44_100)
}

#[test]
fn a_device_that_cannot_be_opened_is_named_with_the_call_the_code_and_the_remedy() {
    let remedies = [
        (1, "ERROR", "Windows Audio"),
        (2, "BADDEVICEID", "Connect a sound device"),
        (3, "NOTENABLED", "Windows Audio"),
        (4, "ALLOCATED", "Close the program that has it"),
        (6, "NODRIVER", "Install its driver"),
        (7, "NOMEM", "Close other programs"),
        (11, "INVALPARAM", "Windows Audio"),
        (32, "BADFORMAT", "choose another default device"),
        (35, "SYNC", "choose another default device"),
        (4_711, "not in mmsystem.h", "Windows Audio"),
    ];
    for (code, name, remedy) in remedies {
        let bench = Bench::new(failing(Call::Open, 0, code));
        let fault = bench.player(Shape::default()).err().unwrap();
        let said = fault.to_string();
        let begin = format!(
            "the sound device of Windows cannot be {}: waveOutOpen says {code} ({name}): Text {code}. ",
            if [32, 35].contains(&code) { "used" } else { "opened" }
        );
        assert!(said.starts_with(&begin) && said.contains(remedy), "{said}");
        assert_eq!(fault.may_pass(), ![32, 35].contains(&code), "{said}");
        assert!(!bench.device().has_event, "{said}");
    }
}

#[test]
fn a_device_that_cannot_be_paused_at_first_is_closed_again() {
    let bench = Bench::new(failing(Call::Pause, 0, 5));
    let fault = bench.player(Shape::default()).err().unwrap();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault}");
    assert!(fault.to_string().contains("waveOutPause says 5 (INVALHANDLE). "), "{fault}");
    let device = bench.device();
    assert!(!device.is_open && !device.has_event);
}

#[test]
fn a_system_without_an_event_opens_nothing() {
    let bench = Bench::new(Habits { has_no_event: true, ..Habits::default() });
    let fault = bench.player(Shape::default()).err().unwrap();
    assert!(matches!(fault, Fault::Unavailable { .. }), "{fault}");
    assert!(fault.to_string().contains("CreateEventW"), "{fault}");
    assert_eq!(bench.device().count(Call::Open), 0);
}

#[test]
fn any_call_that_fails_while_it_plays_loses_the_device_and_nothing_is_called_again() {
    let calls = [
        (Call::Prepare, 0),
        (Call::Prepare, 6),
        (Call::Write, 0),
        (Call::Write, 6),
        (Call::Unprepare, 2),
        (Call::Restart, 0),
        // The pause before the queue is filled again.
        (Call::Pause, 1),
    ];
    for (call, after) in calls {
        for code in [1, 5, 6, 7, 33, 34] {
            for takes_what_it_refuses in [false, true] {
                let bench =
                    Bench::new(Habits { takes_what_it_refuses, ..failing(call, after, code) });
                let mut player = bench.player(Shape::default()).unwrap();
                let stalled = player.write(&a_second()).and_then(|()| {
                    bench.stall(Duration::from_secs(1));
                    player.write(&a_second())
                });
                let fault = stalled.unwrap_err();
                assert!(matches!(fault, Fault::Lost { .. }), "{fault}");
                let text = if code == 5 { String::new() } else { format!(": Text {code}") };
                let said = fault.to_string();
                assert!(said.contains(&format!("was lost: {call} says {code} (")), "{said}");
                assert!(said.contains(&format!("){text}. Connect it again or ")), "{said}");

                let made = bench.device().count(call);
                for again in [player.write(&a_second()), player.finish()] {
                    let said = again.unwrap_err().to_string();
                    assert!(said.contains("it failed before"), "{said}");
                }
                let more = bench.device().count(call) - made;
                assert!(more == 0 || call == Call::Unprepare, "{call} was called again");
                drop(player);
                let kept = bench.device().holds();
                assert_eq!(kept > 0, call == Call::Unprepare, "{call} {code}: {kept} kept");
            }
        }
    }
}

#[test]
fn a_device_that_says_nothing_is_lost_within_its_queue_and_a_second() {
    let bench = Bench::new(Habits { dies_after: Some(9), ..Habits::default() });
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&noise(SEED, 13 * 2_205)).unwrap();
    let (time, outcome) = bench.time(|| player.write(&noise(SEED, 2_205)));
    let said = outcome.unwrap_err().to_string();
    assert!(said.contains("it has played nothing for 1200 ms"), "{said}");
    assert_eq!(time, PATIENCE);

    let before = left_behind();
    let (time, kept) = bench.time(|| player.shut());
    assert_eq!((time, kept), (GIVING_BACK, 4));
    assert!(left_behind() >= before + 4);
    drop(player);
    let device = bench.device();
    assert_eq!(device.holds(), 4);
    assert_eq!(device.count(Call::Close), 1);
    assert!(device.has_event, "what was not closed may signal it");
}

#[test]
fn a_nervous_event_does_not_keep_a_dead_device_alive() {
    let nervous = Some(Duration::from_millis(30));
    let bench = Bench::new(Habits { dies_after: Some(0), nervous, ..Habits::default() });
    let mut player = bench.player(Shape::default()).unwrap();
    let (time, outcome) = bench.time(|| player.write(&a_second()));
    assert!(outcome.is_err());
    assert!(time <= PATIENCE, "{time:?}");
    let (time, kept) = bench.time(|| player.shut());
    assert!(time <= GIVING_BACK && kept == 4, "{time:?}");
}

#[test]
fn the_end_of_a_dead_device_is_bounded_too() {
    let bench = Bench::new(Habits { dies_after: Some(17), ..Habits::default() });
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&a_second()).unwrap();
    let (time, outcome) = bench.time(|| player.finish());
    assert!(outcome.is_err());
    assert!(time <= 2 * PATIENCE + GIVING_BACK, "{time:?}");
    assert_eq!(bench.device().holds(), 4);
}

#[test]
fn a_pause_in_the_writing_is_no_silence_of_the_device() {
    let bench = Bench::new(Habits::default());
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&a_second()).unwrap();
    bench.stall(Duration::from_secs(3_600));
    player.write(&a_second()).unwrap();
    assert_eq!(player.underruns(), 1);
    player.finish().unwrap();
}

#[test]
fn an_event_that_breaks_loses_the_device() {
    let bench = Bench::new(Habits { event_breaks_after: Some(10), ..Habits::default() });
    let mut player = bench.player(Shape::default()).unwrap();
    let said = player.write(&a_second()).unwrap_err().to_string();
    assert!(said.contains("WaitForSingleObject"), "{said}");
    // The reset gives everything back without a wait.
    assert_eq!(player.shut(), 0);
}

#[test]
fn closing_goes_on_where_reset_or_unprepare_or_close_fails() {
    for (call, code, kept) in [
        (Call::Unprepare, 33, 4),
        (Call::Unprepare, 6, 4),
        (Call::Reset, 1, 0),
        (Call::Reset, 5, 0),
        (Call::Close, 33, 0),
    ] {
        let bench = Bench::new(failing(call, 0, code));
        let mut player = bench.player(Shape::default()).unwrap();
        player.write(&noise(SEED, 8_820)).unwrap();
        let (time, left) = bench.time(|| player.shut());
        drop(player);
        assert_eq!(left, kept, "{call} {code}");
        assert!(time <= GIVING_BACK, "{call} {code}: {time:?}");
        let device = bench.device();
        assert_eq!(device.holds(), kept, "{call} {code}");
        assert_eq!(device.has_event, call == Call::Close, "{call} {code}");
    }
}

#[test]
fn a_device_that_plays_on_through_a_failed_reset_gives_its_blocks_back_in_time() {
    let bench = Bench::new(failing(Call::Reset, 0, 1));
    let mut player = bench.player(Shape::default()).unwrap();
    player.write(&noise(SEED, 8_820)).unwrap();
    let (time, kept) = bench.time(|| player.shut());
    assert_eq!((time, kept), (Duration::from_millis(200), 0));
}

/// What happens to a player.
#[derive(Debug, Clone)]
enum Step {
    Write(usize),
    Stall(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![(0_usize..12_000).prop_map(Step::Write), (0_u64..400).prop_map(Step::Stall),]
}

fn call() -> impl Strategy<Value = Call> {
    prop::sample::select(vec![
        Call::Prepare,
        Call::Write,
        Call::Unprepare,
        Call::Pause,
        Call::Restart,
        Call::Reset,
        Call::Close,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_whenever_what_is_heard_is_in_order_and_nothing_is_freed_too_early(
        steps in prop::collection::vec(step(), 1..30),
        failing in prop::collection::vec((call(), 0_usize..20, 1_u32..36), 0..3),
        (grain, nervous) in (0_u64..120, prop::option::of(1_u64..50)),
        dies_after in prop::option::of(0_usize..30),
        takes_what_it_refuses in any::<bool>(),
        blocks in 2_usize..9,
        is_finished in any::<bool>(),
    ) {
        let failing = failing.into_iter().map(|(call, after, code)| Failing { call, after, code });
        let bench = Bench::new(Habits {
            failing: failing.collect(),
            grain: Duration::from_millis(grain),
            nervous: nervous.map(Duration::from_millis),
            dies_after,
            takes_what_it_refuses,
            ..Habits::default()
        });
        let sound = noise(SEED, 30 * 12_000);
        let (mut rest, mut kept) = (&sound[..], 0);
        if let Ok(mut player) = bench.player(Shape::new(blocks, 441)) {
            for step in steps {
                match step {
                    Step::Stall(millis) => bench.stall(Duration::from_millis(millis)),
                    Step::Write(len) => {
                        let (frames, behind) = rest.split_at(len);
                        if player.write(frames).is_err() {
                            break;
                        }
                        rest = behind;
                    }
                }
            }
            if is_finished {
                let _ = player.finish();
            }
            kept = player.shut();
        }
        let device = bench.device();
        prop_assert!(is_finished || device.holds() == kept);
        prop_assert!(kept <= blocks + 1);
        let heard = device.heard.iter().zip(&sound).take_while(|(heard, sent)| heard == sent).count();
        prop_assert!(device.heard[heard..].iter().all(|frame| *frame == [0, 0]));
    }
}
