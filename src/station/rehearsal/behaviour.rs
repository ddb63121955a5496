//! What the station does, on a clock of the test's own.

use std::time::Duration;

use super::{File::*, *};

const SECOND: Duration = Duration::from_secs(1);
const ZERO: Duration = Duration::ZERO;

fn frames(song: i64, range: std::ops::Range<u64>) -> Vec<(i64, u64)> {
    range.map(|index| (song, index)).collect()
}

#[test]
fn item_01_paused_at_start_sends_silence_and_time_stays_zero() {
    let mut r = Rehearsal::new(options(), false, &[Whole(1000), Whole(1000)]);
    r.pass(3 * SECOND);
    let heard = r.heard();
    assert!(heard.len() >= 3 * 38 && heard.iter().all(|h| *h == Heard::Silence));
    let times: Vec<f64> = r
        .events()
        .into_iter()
        .filter_map(|e| if let Event::TimeChanged { seconds } = e { Some(seconds) } else { None })
        .collect();
    assert!((3..=5).contains(&times.len()), "{times:?}");
    assert!(times.iter().all(|seconds| *seconds == 0.0));
}

#[test]
fn item_02_play_sends_the_frames_in_order_in_real_time() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    r.pass(10 * SECOND);
    let sounded = r.sounded();
    assert_eq!(sounded, frames(1, 0..sounded.len() as u64));
    // 10 s are 382.8 frames; the group that is due at the end has left already.
    assert!((382..=388).contains(&sounded.len()), "{}", sounded.len());
}

#[test]
fn item_03_pause_and_resume_lose_and_repeat_nothing() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    let mut sounded = Vec::new();
    for step in 1..20_u32 {
        let ack = r.command(Command::Play(step % 2 == 0));
        r.pass(Duration::from_millis(u64::from(step) * 37));
        assert!(ack.wait(ZERO).is_ok());
        sounded.extend(r.sounded());
    }
    assert!(sounded.len() > 100);
    assert_eq!(sounded, frames(1, 0..sounded.len() as u64));
    assert!(r.positions.windows(2).all(|pair| pair[0].frame <= pair[1].frame));
}

#[test]
fn a_position_counts_every_frame_that_left_and_is_never_a_second_old() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    let (mut left, mut told) = (0, 0);
    for _ in 0..300 {
        r.pass(Duration::from_millis(52));
        let is_group = r.sounded().into_iter().map(|_| left += 1).count() == 4;
        if r.positions.len() > told && is_group {
            assert_eq!(r.positions.last().unwrap().frame, left);
        }
        told = r.positions.len();
        assert!(left - r.positions.last().unwrap().frame < 39, "{:?}", r.positions);
    }
    assert!((15..=18).contains(&told), "{told} in 15.6 s");
}

#[test]
fn item_04_skip_while_paused_selects_the_next_and_stays_paused() {
    let mut r = Rehearsal::new(options(), false, &[Whole(1000), Whole(1000), Whole(1000)]);
    r.pass(SECOND);
    let ack = r.command(Command::PlayNextSong);
    r.pass(SECOND);
    assert!(ack.wait(ZERO).unwrap().is_some());
    assert_eq!(r.sounded(), []);
    assert_eq!(r.outcomes(), [Outcome::Skipped]);
    assert_eq!(r.advanced[0].to, Some(entry(2).entry_id));
    assert_eq!(r.relay.newest_title().as_ref(), "Band - Song 2");
    r.command(Command::Play(true));
    r.pass(SECOND);
    assert_eq!(r.sounded()[0], (2, 0));
}

#[test]
fn item_05_a_natural_end_is_reported_once_and_the_join_has_no_gap() {
    let mut r = Rehearsal::new(options(), true, &[Whole(10), Whole(10), Whole(1000)]);
    r.pass(2 * SECOND);
    let heard = r.heard();
    let mut expected = frames(1, 0..10);
    expected.extend(frames(2, 0..10));
    expected.extend(frames(3, 0..heard.len() as u64 - 20));
    let heard: Vec<_> = heard
        .into_iter()
        .map(|h| if let Heard::Frame(s, i) = h { (s, i) } else { (0, 0) })
        .collect();
    assert_eq!(heard, expected);
    assert_eq!(r.outcomes(), [Outcome::Played, Outcome::Played]);
}

#[test]
fn item_06_a_lost_icecast_holds_song_and_frame_and_is_told_once() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    r.pass(5 * SECOND);
    let before = r.sounded();
    r.events();
    r.link(false);
    r.pass(20 * SECOND);
    assert_eq!(r.statuses(), [(false, false)]);
    assert_eq!(r.sounded(), []);
    r.link(true);
    r.pass(SECOND);
    assert_eq!(r.statuses(), [(true, true)]);
    assert_eq!(r.sounded()[0], (1, before.len() as u64));
    assert_eq!(r.outcomes(), []);
}

#[test]
fn item_06_after_reconnect_pause_begins_the_song_again_paused() {
    let options = PlayerOptions { after_reconnect: AfterReconnect::Pause, ..options() };
    let mut r = Rehearsal::new(options, true, &[Whole(2000), Whole(1000)]);
    r.pass(5 * SECOND);
    r.sounded();
    r.link(false);
    r.link(true);
    r.pass(SECOND);
    assert_eq!(r.sounded(), []);
    assert_eq!(r.wanted, [false]);
    r.command(Command::Play(true));
    r.pass(SECOND);
    assert_eq!(r.sounded()[0], (1, 0));
}

#[test]
fn on_loss_continue_plays_on_without_icecast() {
    let options = PlayerOptions { on_loss: OnLoss::Continue, ..options() };
    let mut r = Rehearsal::disconnected(options, true, &[Whole(2000), Whole(1000)]);
    r.pass(SECOND);
    assert!(r.sounded().len() > 30);
    assert_eq!(r.statuses(), [(false, true)]);
}

#[test]
fn item_07_commands_while_disconnected_are_not_replayed() {
    let files = [Whole(1000); 7];
    let mut r = Rehearsal::disconnected(options(), false, &files);
    r.pass(SECOND);
    for _ in 0..5 {
        let ack = r.command(Command::PlayNextSong);
        assert_eq!(ack.wait(ZERO), Ok(None));
        r.keep();
    }
    let ack = r.command(Command::Play(true));
    assert_eq!(ack.wait(ZERO), Ok(None));
    r.pass(SECOND);
    assert_eq!(r.outcomes().len(), 5);
    r.link(true);
    r.pass(SECOND);
    assert_eq!(r.outcomes().len(), 5);
    assert_eq!(r.sounded()[0], (6, 0));
}

#[test]
fn item_16_missing_damaged_and_deleted_songs_are_passed_over_and_not_played() {
    let files = [Missing, DamagedAfter(20), Whole(30), Whole(1000)];
    let mut r = Rehearsal::new(options(), true, &files);
    r.edit(|queue| {
        let mut deleted = entry(77);
        deleted.song = None;
        queue.insert(1, deleted);
    });
    r.pass(4 * SECOND);
    let outcomes = r.outcomes();
    assert_eq!(outcomes.len(), 4, "{outcomes:?}");
    assert!(outcomes[..3].iter().all(|o| matches!(o, Outcome::Unplayable(_))));
    assert_eq!(outcomes[3], Outcome::Played);
    let mut expected = frames(2, 0..20);
    expected.extend(frames(3, 0..30));
    let sounded = r.sounded();
    assert_eq!(sounded[..50], expected);
}

#[test]
fn item_16_five_unplayable_in_a_row_rest_until_the_queue_changes() {
    let mut r = Rehearsal::new(options(), true, &[Missing; 12]);
    r.pass(10 * SECOND);
    assert_eq!(r.outcomes().len(), 5);
    assert!(r.heard().len() > 300, "silence goes on");
    r.edit(|queue| queue.truncate(4));
    r.pass(10 * SECOND);
    assert_eq!(r.outcomes().len(), 9);
}

#[test]
fn item_16_without_a_change_of_the_queue_the_rest_ends_after_30_seconds() {
    let mut r = Rehearsal::new(options(), true, &[Missing; 12]);
    r.pass(29 * SECOND);
    assert_eq!(r.outcomes().len(), 5);
    r.pass(4 * SECOND);
    assert_eq!(r.outcomes().len(), 10);
}

#[test]
fn while_something_else_is_heard_the_song_is_held_and_goes_on_at_once_behind_it() {
    let pausing = AfterReconnect::Pause;
    let options = PlayerOptions { after_reconnect: pausing, ..options() };
    let mut r = Rehearsal::new(options, true, &[Whole(2000), Whole(1000)]);
    r.pass(SECOND);
    let before = r.sounded().len() as u64;
    r.statuses();
    r.lend(true);
    assert_eq!(r.statuses(), [(true, false)]);
    r.heard();
    r.pass(5 * SECOND);
    assert!(r.heard().iter().all(|heard| *heard == Heard::Silence));
    assert_eq!(r.positions.last().unwrap().frame, before);
    r.lend(false);
    r.pass(ZERO);
    assert_eq!(r.sounded()[0], (1, before));
    assert_eq!(r.statuses(), [(true, true)]);
}

#[test]
fn item_18_the_last_word_is_disconnected_and_not_playing() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000), Whole(1000)]);
    r.pass(SECOND);
    r.events();
    r.player.stop();
    assert_eq!(r.statuses(), [(false, false)]);
}

#[test]
fn item_20_disabled_sends_no_frame_and_tells_zero_once_a_second() {
    let options = PlayerOptions { disabled: true, ..options() };
    let mut r = Rehearsal::disconnected(options, true, &[Whole(1000), Whole(1000)]);
    r.pass(Duration::from_millis(9500));
    assert_eq!(r.heard(), []);
    let events = r.events();
    let times = events.iter().filter(|e| **e == Event::TimeChanged { seconds: 0.0 }).count();
    assert_eq!(times, 10);
    assert_eq!(events.len(), 11, "one StatusChanged beside them: {events:?}");
}

#[test]
fn a_command_is_heard_at_once_and_told_with_its_frame() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    r.pass(Duration::from_millis(1030));
    let before = r.heard().len() as u64;
    let ack = r.command(Command::PlayNextSong);
    r.pass(ZERO);
    let effect = ack.wait(ZERO).unwrap().unwrap();
    assert_eq!((effect.frame, effect.in_ms), (before, 0));
    assert_eq!(r.heard()[0], Heard::Frame(2, 0));
}

#[test]
fn a_slow_disk_gives_silence_and_the_song_begins_when_it_delivers() {
    let mut r = Rehearsal::new(options(), true, &[Slow, Whole(1000)]);
    r.pass(5 * SECOND);
    assert_eq!(r.sounded(), []);
    assert!(r.statuses().iter().all(|status| !status.1));
    r.deliver(SongId(1), 50);
    r.pass(ZERO);
    assert_eq!(r.sounded(), frames(1, 0..4));
    assert_eq!(r.statuses(), [(true, true)]);
}

#[test]
fn skips_while_the_keeper_is_busy_are_carried_out_once_it_answers() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000); 5]);
    r.pass(SECOND);
    r.sounded();
    r.keeper_is_busy = true;
    for _ in 0..3 {
        r.command(Command::PlayNextSong);
        r.pass(Duration::from_millis(10));
    }
    r.keeper_is_busy = false;
    r.pass(SECOND);
    assert_eq!(r.outcomes(), [const { Outcome::Skipped }; 3]);
    assert_eq!(r.sounded().last().unwrap().0, 4);
}

#[test]
fn a_rest_waits_for_no_disk() {
    let mut r = Rehearsal::new(options(), true, &[Missing; 12]);
    r.pass(SECOND);
    assert_eq!(r.outcomes().len(), 5);
    assert!(!r.player.has_arrivals(), "what has arrived already would hurry it for ever");
}

#[test]
fn a_skip_on_an_empty_queue_is_not_kept_for_what_comes_later() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000), Whole(1000)]);
    r.edit(|queue| queue.truncate(1));
    r.pass(SECOND);
    r.sounded();
    r.keeper_is_busy = true;
    for _ in 0..2 {
        r.command(Command::PlayNextSong);
        r.keep();
    }
    r.keeper_is_busy = false;
    r.publish();
    r.pass(SECOND);
    r.edit(|queue| queue.push(entry(2)));
    r.pass(SECOND);
    assert_eq!(r.sounded()[0], (2, 0));
    assert_eq!(r.outcomes(), [Outcome::Skipped]);
}

#[test]
fn songs_that_sounded_are_not_unplayable_in_a_row() {
    let mut r = Rehearsal::new(options(), true, &[DamagedAfter(60); 12]);
    r.pass(11 * SECOND);
    assert!(r.outcomes().len() >= 6, "{:?}", r.outcomes().len());
}

#[test]
fn between_two_songs_neither_status_nor_title_flickers() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000); 4]);
    r.pass(SECOND);
    r.events();
    r.keeper_is_busy = true;
    for _ in 0..2 {
        r.command(Command::PlayNextSong);
    }
    r.pass(Duration::from_millis(120));
    assert_ne!(r.relay.newest_title().as_ref(), "Station");
    r.keeper_is_busy = false;
    r.pass(SECOND);
    assert_eq!(r.relay.newest_title().as_ref(), "Band - Song 3");
    assert!(r.statuses().iter().all(|status| *status == (true, true)));
}

#[test]
fn an_empty_queue_is_silent_and_any_entry_ends_it() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000)]);
    r.edit(Vec::clear);
    r.pass(SECOND);
    assert!(r.heard().iter().all(|h| *h == Heard::Silence));
    assert_eq!(r.relay.newest_title().as_ref(), "Station");
    r.edit(|queue| queue.push(entry(1)));
    r.pass(SECOND);
    assert_eq!(r.sounded()[0], (1, 0));
}

#[test]
fn a_suspended_machine_gets_no_burst() {
    let mut r = Rehearsal::new(options(), true, &[Whole(9000), Whole(1000)]);
    r.pass(SECOND);
    r.heard();
    r.now += 3600 * SECOND;
    r.pass(SECOND);
    assert!(r.heard().len() < 48);
}
