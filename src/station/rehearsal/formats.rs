//! What the station does with songs of different formats.

use std::time::Duration;

use super::{File::*, *};
use crate::station::format::MISFITS_LIMIT;

const SECOND: Duration = Duration::from_secs(1);

fn mixed(mixed: Mixed, files: &[File]) -> Rehearsal {
    Rehearsal::new(PlayerOptions { mixed, ..options() }, true, files)
}

/// The songs that were heard, each once.
fn songs(r: &mut Rehearsal) -> Vec<i64> {
    let mut songs: Vec<i64> = r.sounded().into_iter().map(|(song, _)| song).collect();
    songs.dedup();
    songs
}

/// The numbers of channels that were told of.
fn told(r: &mut Rehearsal) -> Vec<u8> {
    let events = r.events().into_iter();
    let changes = events.filter_map(|event| match event {
        Event::FormatChanged { version, sample_rate, channels } => {
            assert_eq!((version.as_str(), sample_rate), ("MPEG-1", 44_100));
            Some(channels)
        }
        _ => None,
    });
    changes.collect()
}

#[test]
fn a_song_of_another_format_plays_and_each_change_is_told_once() {
    let files = [Whole(20), Mono(20), Mono(20), Whole(20), Whole(1000)];
    let mut r = mixed(Mixed::Play, &files);
    r.pass(4 * SECOND);
    assert_eq!(songs(&mut r), [1, 2, 3, 4, 5]);
    assert_eq!(told(&mut r), [1, 2], "the first song's format is no change");
    assert_eq!(r.outcomes(), vec![Outcome::Played; 4]);
}

#[test]
fn a_change_is_told_before_its_first_frame_leaves_and_not_before_it_is_sure() {
    let mut r = mixed(Mixed::Play, &[Whole(1000), Mono(1000), Whole(1000)]);
    r.pass(SECOND);
    assert!(told(&mut r).is_empty());
    r.command(Command::PlayNextSong);
    r.command(Command::Play(false));
    r.pass(SECOND);
    assert!(told(&mut r).is_empty(), "it is next, and paused");
    r.command(Command::PlayNextSong);
    r.command(Command::Play(true));
    r.pass(SECOND);
    assert_eq!((songs(&mut r), told(&mut r)), (vec![1, 3], vec![]));
}

#[test]
fn with_skip_a_song_of_another_format_is_passed_over_and_no_rest_follows() {
    let files = [Whole(20), Mono(20), Missing, Mono(20), Whole(20), Mono(9), Whole(1000)];
    let mut r = mixed(Mixed::Skip, &files);
    r.pass(4 * SECOND);
    // Two songs are known ahead; behind them a group of silence until the queue tells the next.
    let silent = r.heard().iter().filter(|heard| **heard == Heard::Silence).count();
    assert!(silent <= 12, "{silent}");
    let outcomes = r.outcomes();
    assert_eq!(outcomes.len(), 6);
    let Outcome::Unplayable(reason) = &outcomes[1] else { panic!("{:?}", outcomes[1]) };
    assert_eq!(
        reason,
        "it is 44100 Hz mono and the stream is 44100 Hz stereo; stream.mixed = \"play\" lets it play"
    );
    let played: Vec<bool> = outcomes.iter().map(|outcome| *outcome == Outcome::Played).collect();
    assert_eq!(played, [true, false, false, false, true, false]);
    assert!(told(&mut r).is_empty());
}

#[test]
fn songs_of_another_format_in_a_row_are_no_reason_to_rest_and_in_the_end_theirs_is_taken() {
    let limit = usize::from(MISFITS_LIMIT);
    let files = [vec![Whole(20)], vec![Mono(20); limit], vec![Whole(1000); 2]].concat();
    let mut r = mixed(Mixed::Skip, &files);
    r.pass(4 * SECOND);
    assert_eq!(songs(&mut r), [1, 2 + i64::from(MISFITS_LIMIT)]);
    assert!(told(&mut r).is_empty(), "the song behind them fits");

    let files = [vec![Whole(20)], vec![Mono(20); limit + 3], vec![Whole(20), Mono(1000)]].concat();
    let mut r = mixed(Mixed::Skip, &files);
    r.pass(6 * SECOND);
    let last = i64::from(MISFITS_LIMIT);
    assert_eq!(songs(&mut r), [1, last + 2, last + 3, last + 4, last + 6]);
    assert_eq!(told(&mut r), [1]);
}

#[test]
fn with_skip_the_first_song_decides_also_where_it_is_paused_or_rewound() {
    let mut r = mixed(Mixed::Skip, &[Mono(1000), Whole(1000), Mono(1000)]);
    r.pass(SECOND);
    r.command(Command::Play(false));
    r.pass(SECOND);
    r.command(Command::Play(true));
    r.pass(SECOND);
    r.command(Command::PlayNextSong);
    r.pass(SECOND);
    assert_eq!(songs(&mut r), [1, 3]);
    assert_eq!(r.outcomes().len(), 2);
}
