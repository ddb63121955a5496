//! The song queue against a plain list, over random edits, reports and restarts.

use musicdb_stream::{
    ids::{EntryId, SongId},
    keeper::{Advanced, Outcome, QueueError, QueuePosition},
};
use proptest::prelude::*;

use crate::support::studio::Studio;

const SONGS: usize = 6;

#[derive(Debug, Clone)]
enum Step {
    Add { song: usize, place: Place, is_random: bool },
    AddRandom(Place),
    Remove(usize),
    Move { entry: usize, after: usize },
    Clear,
    GoOn { played: bool, to_next: bool },
    Reopen,
}

/// Numbers count entries and wrap; one past the end is an entry that is not there.
#[derive(Debug, Clone, Copy)]
enum Place {
    Next,
    Last,
    After(usize),
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Next), Just(Place::Last), (0..12_usize).prop_map(Place::After)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..SONGS + 2, place(), any::<bool>())
            .prop_map(|(song, place, is_random)| Step::Add { song, place, is_random }),
        2 => place().prop_map(Step::AddRandom),
        4 => (0..12_usize).prop_map(Step::Remove),
        4 => (0..12_usize, 0..12_usize).prop_map(|(entry, after)| Step::Move { entry, after }),
        1 => Just(Step::Clear),
        3 => (any::<bool>(), any::<bool>())
            .prop_map(|(played, to_next)| Step::GoOn { played, to_next }),
        1 => Just(Step::Reopen),
    ]
}

type Model = Vec<(EntryId, SongId, bool)>;

fn id(model: &Model, number: usize) -> EntryId {
    let number = number % (model.len() + 1);
    model.get(number).map_or(EntryId(1), |entry| entry.0)
}

fn position(model: &Model, place: Place) -> QueuePosition {
    match place {
        Place::Next => QueuePosition::Next,
        Place::Last => QueuePosition::Last,
        Place::After(number) => QueuePosition::After(id(model, number)),
    }
}

fn index(model: &Model, entry: EntryId) -> Option<usize> {
    model.iter().position(|known| known.0 == entry)
}

/// Where an addition goes; nothing where it is refused.
fn spot(model: &Model, position: QueuePosition) -> Option<usize> {
    match position {
        QueuePosition::Next => Some(model.len().min(1)),
        QueuePosition::Last => Some(model.len()),
        QueuePosition::After(entry) => index(model, entry).map(|at| at + 1),
    }
}

/// Takes over what Randy added at the end, after checking that it had to.
fn refilled(model: &mut Model, studio: &Studio) {
    let now = studio.order();
    assert!(now.len() >= 2);
    if model.len() < 2 {
        assert_eq!(now.len(), 2);
        assert!(now[model.len()..].iter().all(|entry| entry.2));
        model.extend_from_slice(&now[model.len()..]);
    }
    assert_eq!(*model, now);
}

fn edit(model: &mut Model, studio: &Studio, step: &Step) -> bool {
    match *step {
        Step::Add { song, place, is_random } => {
            let position = position(model, place);
            let result = studio.queue.add_song(SongId(song as i64), position, is_random);
            match spot(model, position).filter(|_| song <= SONGS) {
                Some(spot) => {
                    model.insert(spot, (result.unwrap().entry_id, SongId(song as i64), is_random));
                }
                None if song > SONGS => assert!(matches!(result, Err(QueueError::UnknownSong))),
                None => assert!(matches!(result, Err(QueueError::UnknownEntry))),
            }
        }
        Step::AddRandom(place) => {
            let position = position(model, place);
            let result = studio.queue.add_random_song(position, None);
            match spot(model, position) {
                Some(spot) => {
                    let entry_id = result.unwrap().entry_id;
                    let song = studio.queue.song(entry_id).unwrap().unwrap();
                    model.insert(spot, (entry_id, song, true));
                }
                None => assert!(matches!(result, Err(QueueError::UnknownEntry))),
            }
        }
        Step::Remove(number) => {
            let entry = id(model, number);
            let result = studio.queue.remove_song(entry);
            match index(model, entry) {
                None => assert!(matches!(result, Err(QueueError::UnknownEntry))),
                Some(0) => assert!(matches!(result, Err(QueueError::CurrentSong))),
                Some(at) => {
                    result.unwrap();
                    model.remove(at);
                }
            }
        }
        Step::Move { entry, after } => {
            let (entry, after) = (id(model, entry), id(model, after));
            let result = studio.queue.move_song(entry, after);
            match (index(model, entry), index(model, after)) {
                (Some(0), _) => assert!(matches!(result, Err(QueueError::CurrentSong))),
                (None, _) => assert!(matches!(result, Err(QueueError::UnknownEntry))),
                _ if entry == after => assert!(matches!(result, Err(QueueError::BehindItself))),
                (_, None) => assert!(matches!(result, Err(QueueError::UnknownEntry))),
                (Some(at), Some(_)) => {
                    result.unwrap();
                    let moved = model.remove(at);
                    let behind = index(model, after).unwrap() + 1;
                    model.insert(behind, moved);
                }
            }
        }
        Step::Clear => {
            studio.queue.clear().unwrap();
            model.truncate(1);
        }
        Step::GoOn { played, to_next } => {
            let outcome = if played { Outcome::Played } else { Outcome::Skipped };
            let to = to_next.then_some(model[1].0);
            studio.report(Advanced { from: model[0].0, to, outcome });
            model.remove(0);
            return played;
        }
        Step::Reopen => {}
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_is_a_list_that_survives(steps in prop::collection::vec(step(), 1..40)) {
        let mut studio = Studio::empty().songs(SONGS);
        let mut model = studio.order();
        let mut played = 0;
        for step in steps {
            let before = (studio.order(), studio.queue.entries().unwrap().revision);
            if matches!(step, Step::Reopen) {
                studio = studio.again();
            } else {
                played += i64::from(edit(&mut model, &studio, &step));
            }
            refilled(&mut model, &studio);
            // One more for a changed queue, the same for one that is as it was.
            let revision = studio.queue.entries().unwrap().revision;
            prop_assert_eq!(revision, before.1 + u64::from(before.0 != model), "{:?}", step);
            let snapshot = studio.handle.snapshot();
            let head = [&snapshot.current, &snapshot.next].map(|e| e.as_ref().unwrap().entry_id);
            prop_assert_eq!(head, [model[0].0, model[1].0]);
            prop_assert_eq!((snapshot.length, snapshot.revision), (model.len(), revision));
        }
        prop_assert_eq!(studio.number("SELECT count(*) FROM history"), played);
    }
}
