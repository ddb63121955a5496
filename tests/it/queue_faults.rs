//! The keeper while the disk refuses: edits are refused whole, reports are kept, the music goes on.

use std::time::{Duration, SystemTime};

use musicdb_stream::{
    db::DbError,
    event::Event,
    ids::SongId,
    keeper::{Advanced, KeeperOptions, Outcome, Position, QueueError, QueuePosition},
};

use crate::support::studio::Studio;

/// Makes every change of the queue and of the station's row fail, until [`MEND`].
const BREAK: &str = "CREATE TRIGGER no_row BEFORE INSERT ON queue BEGIN SELECT RAISE(ABORT, 'broken'); END;\
     CREATE TRIGGER no_go BEFORE DELETE ON queue BEGIN SELECT RAISE(ABORT, 'broken'); END;\
     CREATE TRIGGER no_say BEFORE UPDATE ON station BEGIN SELECT RAISE(ABORT, 'broken'); END;";
const MEND: &str = "DROP TRIGGER no_row; DROP TRIGGER no_go; DROP TRIGGER no_say;";

#[test]
fn reports_are_kept_and_the_station_goes_on_while_nothing_can_be_written() {
    let studio = Studio::empty().songs(6);
    let order = studio.order();
    let revision = studio.queue.entries().unwrap().revision;
    studio.told();
    studio.sql(BREAK);
    let mut heard = vec![order[0].0];
    for _ in 0..4 {
        studio.go_on(Outcome::Played);
        let snapshot = studio.handle.snapshot();
        heard.push(snapshot.current.as_ref().unwrap().entry_id);
        assert!(snapshot.next.as_ref().is_some_and(|next| next.song.is_some()));
    }
    assert_eq!(heard[1], order[1].0);
    let mut distinct = heard.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 5, "a song came back: {heard:?}");
    // Edits are refused, with the reason, and the queue on disk is what it was.
    let refused = studio.queue.add_song(SongId(1), QueuePosition::Last, false);
    assert!(matches!(&refused, Err(QueueError::Db(_))), "{refused:?}");
    assert_eq!(studio.order(), order);
    studio.handle.position(Position { entry_id: heard[4], frame: 55 });
    studio.sql(MEND);
    // Retried without being asked.
    studio.wait(|snapshot| snapshot.revision > revision);
    assert_eq!(studio.number("SELECT count(*) FROM history"), 4);
    assert_eq!(studio.order()[0].0, heard[4]);
    let events = studio.told();
    let changes = events.iter().filter(|e| matches!(e, Event::SongChanged { .. })).count();
    let queues = events.iter().filter(|e| matches!(e, Event::SongQueueChanged { .. })).count();
    assert_eq!((changes, queues), (4, 1), "{events:?}");
    let again = studio.again();
    let expected = Position { entry_id: heard[4], frame: 55 };
    assert_eq!(again.handle.snapshot().position, Some(expected));
}

#[test]
fn songs_that_were_played_while_the_disk_refused_keep_the_time_at_which_they_ended() {
    let options =
        KeeperOptions { busy_timeout: Duration::from_secs(60), ..KeeperOptions::default() };
    let studio = Studio::with(options).songs(6);
    let snapshot = studio.handle.snapshot();
    let order = studio.order();
    studio.sql(BREAK);
    studio.go_on(Outcome::Played);
    // From here on it does not even refuse: this one waits where the keeper has not taken it yet.
    let other = studio.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let from = studio.handle.snapshot().current.as_ref().unwrap().entry_id;
    studio.handle.advanced(Advanced { from, to: None, outcome: Outcome::Played });
    let ended = unix_millis();
    while unix_millis() < ended + 20 {
        std::thread::sleep(Duration::from_millis(1));
    }
    other.execute_batch(MEND).unwrap();
    other.execute_batch("COMMIT").unwrap();
    studio.wait(|now| now.revision > snapshot.revision && now.advances >= snapshot.advances + 2);
    studio.told();
    assert_eq!(studio.number("SELECT count(*) FROM history"), 2, "{order:?}");
    let late = studio.number("SELECT max(played_at) FROM history") - ended;
    assert!(late <= 0, "late by {late} ms");
    let late = studio.number("SELECT max(last_played) FROM songs") - ended;
    assert!(late <= 0, "late by {late} ms");
}

fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

#[test]
fn a_full_disk_is_told_as_such_and_costs_nothing_that_was_there() {
    // The schema takes some 20 pages; the songs of the studio a few more.
    let options = KeeperOptions { max_pages: Some(40), ..KeeperOptions::default() };
    let studio = Studio::with(options).songs(5);
    let full =
        (0..5000).find_map(|_| studio.queue.add_song(SongId(1), QueuePosition::Last, false).err());
    assert!(matches!(full, Some(QueueError::Db(DbError::DiskFull { .. }))), "{full:?}");
    assert!(full.unwrap().to_string().contains("free some space"));
    let order = studio.order();
    // The next song still comes, and its removal makes room again.
    studio.go_on(Outcome::Skipped);
    assert_eq!(studio.order(), order[1..]);
}

#[test]
fn a_lock_that_somebody_else_holds_is_waited_for_and_told() {
    let options =
        KeeperOptions { busy_timeout: Duration::from_millis(20), ..KeeperOptions::default() };
    let studio = Studio::with(options).songs(3);
    let other = studio.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = studio.queue.clear();
    assert!(matches!(refused, Err(QueueError::Db(DbError::Busy { .. }))), "{refused:?}");
    let order = studio.order();
    studio.go_on(Outcome::Played);
    assert_eq!(studio.order(), order);
    other.execute_batch("ROLLBACK").unwrap();
    studio.queue.clear().unwrap();
    assert_eq!(studio.number("SELECT count(*) FROM history"), 1);
    assert_eq!(studio.order()[0].0, order[1].0);
}
