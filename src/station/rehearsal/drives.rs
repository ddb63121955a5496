//! Drives that come late, go away and come back: what the queue keeps.

use std::time::Duration;

use super::{File::*, *};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_drive_that_comes_within_two_minutes_of_the_start_costs_no_entry_and_no_position() {
    let files = [Away; 12];
    let mut r = Rehearsal::unconnected_at(options(), true, &files, 300);
    r.link(true);
    for _ in 0..11 {
        r.pass(10 * SECOND);
        assert_eq!((r.outcomes().len(), r.sounded().len()), (0, 0));
    }
    r.mount(Whole(1000));
    r.pass(15 * SECOND);
    assert_eq!(r.sounded().first(), Some(&(1, 300)));
    assert_eq!(r.outcomes(), []);
}

#[test]
fn a_drive_that_goes_away_costs_four_entries_at_most_however_long_it_stays_away() {
    let mut r = Rehearsal::new(options(), true, &[Whole(100); 12]);
    r.pass(2 * SECOND);
    r.mount(Away);
    // The song that plays and the next one are open already.
    for _ in 0..360 {
        r.pass(10 * SECOND);
        r.heard();
    }
    let lost = r.outcomes().iter().filter(|o| matches!(o, Outcome::Unplayable(_))).count();
    assert_eq!(lost, 4, "{:?}", r.outcomes());
    let kept = r.queue[0].song_id.0;
    r.edit(|queue| queue.truncate(5));
    r.pass(10 * SECOND);
    r.edit(|queue| queue.truncate(4));
    r.pass(10 * SECOND);
    assert_eq!(r.queue[0].song_id.0, kept, "edits cost nothing either");
    r.heard();
    r.mount(Whole(100));
    r.pass(31 * SECOND);
    assert_eq!(r.sounded().first(), Some(&(kept, 0)));
}

#[test]
fn what_could_not_be_opened_ahead_of_time_is_opened_again_when_its_time_comes() {
    let mut r = Rehearsal::new(options(), false, &[Missing, Missing, Whole(1000)]);
    r.pass(5 * SECOND);
    r.mount(Whole(100));
    r.command(Command::Play(true));
    r.pass(6 * SECOND);
    assert_eq!(r.outcomes(), [Outcome::Played, Outcome::Played]);
}

#[test]
fn a_skip_leaves_what_is_waited_for() {
    let mut r = Rehearsal::new(options(), true, &[Away, Whole(1000), Whole(1000)]);
    r.pass(5 * SECOND);
    assert_eq!(r.sounded(), []);
    r.command(Command::PlayNextSong);
    r.pass(SECOND);
    assert_eq!(r.sounded().first(), Some(&(2, 0)));
}

#[test]
fn while_a_disk_hangs_a_waiting_command_makes_no_more_news_than_none() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000), Slow, Whole(1000)]);
    r.pass(SECOND);
    r.command(Command::PlayNextSong);
    r.pass(SECOND);
    r.events();
    r.positions.clear();
    r.pass(10 * SECOND);
    let told = r.events().len();
    assert!((9..=12).contains(&told), "{told} events in ten seconds");
    assert!(r.positions.len() <= 12, "{} positions", r.positions.len());
}

#[test]
fn silence_that_flows_is_not_held_up_by_a_song_that_is_opened_again() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000), Whole(1000), Slow]);
    r.edit(|queue| queue.truncate(0));
    r.pass(SECOND / 10);
    let before = r.heard().len();
    assert!(before > 0, "nothing is there to wait for");
    r.edit(|queue| queue.extend([entry(3), entry(2)]));
    r.pass(SECOND / 2);
    assert!(r.heard().len() >= 18, "half a second of frames");
}
