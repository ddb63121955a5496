//! The song queue: MusicDB's rules without its faults, and that nothing of it is ever lost.

use std::sync::Arc;

use musicdb_stream::{
    event::Event,
    ids::{EntryId, SongId},
    keeper::{Advanced, KeeperOptions, Outcome, Position, QueueError, QueuePosition},
};

use crate::support::studio::Studio;

use QueuePosition::{After, Last, Next};

#[test]
fn item_08_next_leaves_two_entries_where_songs_can_be_played() {
    let studio = Studio::empty().songs(5);
    assert_eq!(studio.entries().len(), 2);
    let second = studio.entries()[1].entry_id;
    studio.go_on(Outcome::Skipped);
    let entries = studio.entries();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].entry_id, second);
    assert!(entries[1].is_random);
}

#[test]
fn item_08_next_with_one_entry_leaves_at_least_one() {
    let studio = Studio::empty().songs(2);
    studio.sql("DELETE FROM queue WHERE rank > (SELECT min(rank) FROM queue)");
    let only = studio.entries()[0].entry_id;
    studio.report(Advanced { from: only, to: None, outcome: Outcome::Played });
    let entries = studio.entries();
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.entry_id != only));
    assert_eq!(studio.handle.snapshot().current.as_ref(), entries.first());
}

#[test]
fn item_09_next_on_an_empty_queue_is_the_current_song() {
    let studio = Studio::empty().songs(3);
    // Nothing can be played, so that nothing refills.
    studio.sql("UPDATE songs SET disabled = 1; DELETE FROM queue");
    let edit = studio.queue.add_song(SongId(2), Next, false).unwrap();
    let entries = studio.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].entry_id, entries[0].song_id), (edit.entry_id, SongId(2)));
    assert_eq!(studio.queue.current_song().unwrap().unwrap().entry_id, edit.entry_id);
}

#[test]
fn item_09_after_an_unknown_entry_is_an_error_without_change_and_event() {
    let studio = Studio::empty().songs(3);
    let (before, revision) = (studio.order(), studio.queue.entries().unwrap().revision);
    studio.told();
    let unknown = EntryId::random();
    let refused = studio.queue.add_song(SongId(1), After(unknown), false);
    assert!(matches!(refused, Err(QueueError::UnknownEntry)));
    let refused = studio.queue.add_song(SongId(99), Last, false);
    assert!(matches!(refused, Err(QueueError::UnknownSong)));
    assert_eq!(studio.order(), before);
    assert_eq!(studio.queue.entries().unwrap().revision, revision);
    assert_eq!(studio.told(), []);
}

#[test]
fn a_song_that_is_known_to_be_unplayable_is_refused_with_the_reason() {
    let studio = Studio::empty().songs(4);
    let kept = studio.queue.add_song(SongId(4), Last, false).unwrap().entry_id;
    studio.sql(
        "UPDATE songs SET unplayable_reason = 'it is empty' WHERE id IN (3, 4);\
         UPDATE songs SET vanished_at = 1 WHERE id = 2",
    );
    let before = studio.order();
    let refused = studio.queue.add_song(SongId(3), Next, false).unwrap_err();
    assert!(matches!(&refused, QueueError::Unplayable { reason } if reason == "it is empty"));
    assert!(refused.to_string().contains("it is empty"), "{refused}");
    // What became so later stays.
    assert_eq!(studio.order(), before);
    assert!(before.iter().any(|entry| entry.0 == kept));
    // A file that has gone may be there again when its turn comes.
    studio.queue.add_song(SongId(2), Next, false).unwrap();
}

#[test]
fn item_10_the_current_song_is_neither_removed_nor_moved_and_unknown_ones_are_told() {
    let studio = Studio::empty().songs(3);
    let before = studio.order();
    let (current, next) = (before[0].0, before[1].0);
    studio.told();
    assert!(matches!(studio.queue.remove_song(current), Err(QueueError::CurrentSong)));
    assert!(matches!(studio.queue.move_song(current, next), Err(QueueError::CurrentSong)));
    let unknown = EntryId::random();
    assert!(matches!(studio.queue.remove_song(unknown), Err(QueueError::UnknownEntry)));
    assert!(matches!(studio.queue.move_song(unknown, next), Err(QueueError::UnknownEntry)));
    assert!(matches!(studio.queue.move_song(next, unknown), Err(QueueError::UnknownEntry)));
    assert!(matches!(studio.queue.move_song(next, next), Err(QueueError::BehindItself)));
    assert_eq!(studio.order(), before);
    assert_eq!(studio.told(), []);
}

#[test]
fn item_11_what_was_committed_survives_a_kill_and_a_restart() {
    let studio = Studio::empty().songs(6);
    for (song, position) in [(3, Next), (3, Last), (5, Next)] {
        studio.queue.add_song(SongId(song), position, song == 5).unwrap();
    }
    let last = studio.order()[4].0;
    studio.queue.move_song(last, studio.order()[0].0).unwrap();
    let (order, revision) = (studio.order(), studio.queue.entries().unwrap().revision);
    assert_eq!(order.len(), 5);
    let killed = studio.killed();
    assert_eq!(killed.order(), order);
    assert_eq!(killed.queue.entries().unwrap().revision, revision);
    let again = studio.again();
    assert_eq!(again.order(), order);
    assert_eq!(again.queue.entries().unwrap().revision, revision);
    assert_eq!(again.told(), []);
}

#[test]
fn item_11_an_empty_queue_stays_empty() {
    let studio = Studio::empty().songs(3);
    studio.sql("UPDATE songs SET disabled = 1");
    for _ in 0..2 {
        studio.go_on(Outcome::Played);
    }
    assert_eq!(studio.order(), []);
    assert_eq!(studio.handle.snapshot().current, None);
    assert_eq!(studio.killed().order(), []);
    let again = studio.again();
    assert_eq!(again.order(), []);
    assert_eq!(again.queue.current_song().unwrap(), None);
}

#[test]
fn item_05_a_natural_end_counts_once_and_is_told_in_order() {
    let studio = Studio::empty().songs(3);
    let before = studio.order();
    let advanced = Advanced { from: before[0].0, to: Some(before[1].0), outcome: Outcome::Played };
    studio.told();
    studio.report(advanced.clone());
    // Told twice, it counts once.
    studio.report(advanced);
    assert_eq!(studio.number("SELECT count(*) FROM history"), 1);
    assert_eq!(studio.number("SELECT song_id FROM history"), before[0].1.0);
    let stamped =
        format!("SELECT count(*) FROM songs WHERE last_played > 0 AND id = {}", before[0].1);
    assert_eq!(studio.number(&stamped), 1);
    assert_eq!(studio.number("SELECT count(*) FROM songs WHERE last_played > 0"), 1);
    let revision = studio.queue.entries().unwrap().revision;
    let (entry_id, song_id) = (Some(before[1].0), Some(before[1].1));
    assert_eq!(studio.event(), Event::SongChanged { entry_id, song_id });
    assert_eq!(studio.event(), Event::SongQueueChanged { revision });
    assert_eq!(studio.told(), []);
    let (total, played) = studio.keeper.library().history(10, 0).unwrap();
    assert_eq!((total, played[0].entry_id, played[0].is_random), (1, before[0].0, true));
    assert!(played[0].song.is_some());
}

#[test]
fn item_05_what_is_switched_off_is_not_written() {
    for (stats, tracker) in [(true, false), (false, true)] {
        let options = KeeperOptions {
            disable_stats: stats,
            disable_tracker: tracker,
            ..KeeperOptions::default()
        };
        let studio = Studio::with(options).songs(3);
        studio.go_on(Outcome::Played);
        assert_eq!(studio.number("SELECT count(*) FROM history"), i64::from(!tracker));
        let stamped = studio.number("SELECT count(*) FROM songs WHERE last_played > 0");
        assert_eq!(stamped, i64::from(!stats));
    }
}

#[test]
fn item_04_a_skipped_song_does_not_count() {
    let studio = Studio::empty().songs(3);
    studio.go_on(Outcome::Skipped);
    assert_eq!(studio.number("SELECT count(*) FROM history"), 0);
    assert_eq!(studio.number("SELECT count(*) FROM songs WHERE last_played > 0"), 0);
}

#[test]
fn item_16_an_entry_whose_song_has_gone_stays_until_it_is_passed_over() {
    let studio = Studio::empty().songs(3);
    let edit = studio.queue.add_song(SongId(3), Next, false).unwrap();
    studio.sql("DELETE FROM songs WHERE id = 3");
    studio.go_on(Outcome::Skipped);
    let snapshot = studio.handle.snapshot();
    let current = snapshot.current.as_ref().unwrap();
    assert_eq!((current.entry_id, current.song.clone()), (edit.entry_id, None));
    studio.told();
    studio.go_on(Outcome::Unplayable("its song is no longer in the library".into()));
    assert!(matches!(studio.event(), Event::SongUnplayable { entry_id, song_id: SongId(3), .. }
        if entry_id == edit.entry_id));
    assert!(matches!(studio.event(), Event::SongChanged { .. }));
    assert!(matches!(studio.event(), Event::SongQueueChanged { .. }));
    assert_eq!(studio.number("SELECT count(*) FROM history"), 0);
    assert!(studio.entries().iter().all(|entry| entry.entry_id != edit.entry_id));
}

#[test]
fn a_file_that_could_not_be_read_now_stays_playable_later() {
    let studio = Studio::empty().songs(3);
    studio.go_on(Outcome::Unplayable("cannot be read: entity not found".into()));
    assert_eq!(studio.keeper.library().playable().unwrap(), 3);
}

#[test]
fn positions_are_where_they_were_asked_to_be() {
    let studio = Studio::empty().songs(5);
    let [first, second] = studio.order()[..] else { panic!() };
    let next = studio.queue.add_song(SongId(1), Next, false).unwrap().entry_id;
    let last = studio.queue.add_song(SongId(2), Last, true).unwrap().entry_id;
    let after = studio.queue.add_song(SongId(3), After(second.0), false).unwrap().entry_id;
    let ids = |studio: &Studio| studio.order().iter().map(|e| e.0).collect::<Vec<_>>();
    assert_eq!(ids(&studio), [first.0, next, second.0, after, last]);
    assert_eq!(studio.queue.song(last).unwrap(), Some(SongId(2)));
    assert_eq!(studio.queue.song(EntryId(1)).unwrap(), None);
    studio.queue.move_song(last, first.0).unwrap();
    assert_eq!(ids(&studio), [first.0, last, next, second.0, after]);
    studio.queue.clear().unwrap();
    let left = studio.order();
    assert_eq!((left.len(), left[0].0, left[1].2), (2, first.0, true));
}

#[test]
fn the_same_spot_takes_any_number_of_insertions() {
    let studio = Studio::empty().songs(2);
    let first = studio.order()[0].0;
    let mut expected = vec![studio.order()[1].0];
    for _ in 0..60 {
        let edit = studio.queue.add_song(SongId(1), After(first), false).unwrap();
        expected.insert(0, edit.entry_id);
    }
    assert_eq!(studio.order()[1..].iter().map(|e| e.0).collect::<Vec<_>>(), expected);
}

#[test]
fn the_revision_grows_by_one_and_guards_edits() {
    let studio = Studio::empty().songs(3);
    let revision = studio.queue.entries().unwrap().revision;
    let edit = studio.queue.if_match(Some(revision)).add_song(SongId(1), Last, false).unwrap();
    assert_eq!(edit.revision, revision + 1);
    let stale = studio.queue.if_match(Some(revision)).remove_song(edit.entry_id);
    assert!(matches!(stale, Err(QueueError::Stale { revision: now }) if now == revision + 1));
    // Moved to where it is: nothing changed, nothing is told.
    studio.told();
    let before = studio.order();
    let unchanged = studio.queue.move_song(before[2].0, before[1].0).unwrap();
    assert_eq!(unchanged, revision + 1);
    assert_eq!(studio.told(), []);
    assert_eq!(studio.queue.remove_song(edit.entry_id).unwrap(), revision + 2);
}

#[test]
fn looking_at_the_queue_changes_nothing() {
    let studio = Studio::empty().songs(3);
    studio.told();
    let before = studio.order();
    for _ in 0..3 {
        studio.queue.current_song().unwrap();
        studio.queue.entries().unwrap();
    }
    assert_eq!(studio.order(), before);
    assert_eq!(studio.told(), []);
}

#[test]
fn what_sounds_is_the_current_song_whatever_an_edit_did_meanwhile() {
    // Moved away, and removed, before the station's report came.
    for removed in [false, true] {
        let studio = Studio::empty().songs(4);
        let added = studio.queue.add_song(SongId(1), Last, false).unwrap().entry_id;
        let order = studio.order();
        let (from, to) = (order[0].0, order[1].0);
        if removed {
            studio.queue.remove_song(to).unwrap();
        } else {
            studio.queue.move_song(to, added).unwrap();
        }
        studio.report(Advanced { from, to: Some(to), outcome: Outcome::Played });
        let now = studio.order();
        assert_eq!((now[0].0, now[0].1), (to, order[1].1));
        assert_eq!(now.iter().filter(|entry| entry.0 == to).count(), 1);
        assert!(now.iter().any(|entry| entry.0 == added));
        assert_eq!(studio.handle.snapshot().current.as_ref().unwrap().entry_id, to);
    }
}

#[test]
fn after_the_report_the_entry_that_plays_cannot_be_edited() {
    let studio = Studio::empty().songs(4);
    let order = studio.order();
    let advances = studio.handle.snapshot().advances;
    let (from, to) = (order[0].0, order[1].0);
    studio.handle.advanced(Advanced { from, to: Some(to), outcome: Outcome::Skipped });
    // At once, without waiting for the snapshot.
    assert!(matches!(studio.queue.remove_song(to), Err(QueueError::CurrentSong)));
    assert_eq!(studio.handle.snapshot().advances, advances + 1);
}

#[test]
fn position_and_wish_survive_a_kill_and_a_stop() {
    let studio = Studio::empty().songs(3);
    let current = studio.order()[0].0;
    assert_eq!(studio.handle.snapshot().wanted, None);
    studio.handle.wanted(true);
    studio.wait(|snapshot| snapshot.wanted == Some(true));
    assert_eq!(studio.killed().handle.snapshot().wanted, Some(true));
    let position = Position { entry_id: current, frame: 4711 };
    studio.handle.position(position);
    studio.handle.wanted(false);
    let again = studio.again();
    assert_eq!(again.handle.snapshot().position, Some(position));
    assert_eq!(again.handle.snapshot().wanted, Some(false));
}

#[test]
fn a_song_change_stores_its_start_and_late_positions_of_the_old_song_are_ignored() {
    let studio = Studio::empty().songs(3);
    let order = studio.order();
    studio.go_on(Outcome::Played);
    studio.handle.position(Position { entry_id: order[0].0, frame: 99 });
    let again = studio.again();
    let expected = Position { entry_id: order[1].0, frame: 0 };
    assert_eq!(again.handle.snapshot().position, Some(expected));
}

#[test]
fn random_songs_are_neither_the_current_one_nor_the_last_where_there_are_others() {
    let studio = Studio::empty().songs(3);
    studio.sql("UPDATE songs SET disabled = 1 WHERE id = 2");
    studio.queue.clear().unwrap();
    for _ in 0..30 {
        let order = studio.order();
        assert_ne!(order[0].1, order[1].1);
        studio.go_on(Outcome::Skipped);
    }
    studio.sql("UPDATE songs SET disabled = 0");
    for _ in 0..30 {
        let before = studio.order();
        studio.queue.add_random_song(Last, None).unwrap();
        let now = studio.order();
        let (current, last, added) =
            (before[0].1, before[before.len() - 1].1, now[now.len() - 1].1);
        assert!(added != current && added != last, "{added} after {current} .. {last}");
    }
    // One song alone is better than silence.
    studio.sql("UPDATE songs SET disabled = 1 WHERE id > 1");
    studio.go_on(Outcome::Skipped);
    assert!(!studio.order().is_empty());
}

#[test]
fn a_random_song_of_an_album_is_of_that_album() {
    let studio = Studio::empty().songs(30);
    let album = studio.number("SELECT album_id FROM songs WHERE id = 6");
    for _ in 0..10 {
        let edit = studio.queue.add_random_song(Next, Some(album)).unwrap();
        assert_eq!(studio.queue.song(edit.entry_id).unwrap().unwrap().0 % 3, 0);
    }
    let nothing = studio.queue.add_random_song(Next, Some(9999));
    assert!(matches!(&nothing, Err(QueueError::NothingOfAlbum { album: 9999 })), "{nothing:?}");
    let message = nothing.unwrap_err().to_string();
    assert!(message.contains("no album 9999") && !message.contains("add"), "{message}");
    let empty = Studio::empty();
    assert!(matches!(empty.queue.add_random_song(Last, None), Err(QueueError::NothingToPlay)));
}

#[test]
fn after_the_stop_everyone_is_told_so() {
    let studio = Studio::empty().songs(3);
    let Studio { keeper, queue, handle, .. } = studio;
    let snapshot = handle.snapshot();
    keeper.stop();
    assert!(matches!(queue.add_song(SongId(1), Last, false), Err(QueueError::NotRunning)));
    assert!(matches!(queue.entries(), Err(QueueError::NotRunning)));
    handle.wanted(true);
    assert!(Arc::ptr_eq(&snapshot, &handle.snapshot()));
}
