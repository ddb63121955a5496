//! The queue as a table: number, beginning of the id, song, length.

use super::{
    entry,
    layout::{clock, safe, table},
    wire::Queue,
};
use crate::ids::EntryId;

/// The whole queue, current song first.
pub(super) fn text(queue: &Queue) -> String {
    if queue.entries.is_empty() {
        return "The queue is empty; add a song with `musicdb-stream queue add SONG`.\n".to_owned();
    }
    let ids = entry::shortened(queue);
    let rows = queue.entries.iter().zip(ids).enumerate().map(|(index, (entry, id))| {
        let (name, length) = match &entry.song {
            Some(song) => (song.name(), clock(song.duration_seconds)),
            None => ("a song that is no longer in the library".to_owned(), String::new()),
        };
        let note = match (index, entry.is_random) {
            (0, _) => "current",
            (_, true) => "random",
            _ => "",
        };
        vec![(index + 1).to_string(), id, name, length, note.to_owned()]
    });
    table(&["#", "entry", "song", "length", ""], &rows.collect::<Vec<_>>())
}

/// How an entry is called when something happens to it.
pub(super) fn name_of(id: EntryId, queue: &Queue) -> String {
    let entry = queue.entries.iter().find(|entry| entry.entry_id == id);
    match entry.and_then(|entry| entry.song.as_ref()) {
        Some(song) => safe(&song.name()),
        None => format!("entry {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::wire::{Entry, Song},
        ids::SongId,
    };

    #[test]
    fn the_current_song_is_first_and_named_so() {
        let song = Song {
            id: SongId(1),
            title: "Blue".into(),
            artist: "Ann".into(),
            album: String::new(),
            duration_seconds: 61.0,
            playable: true,
        };
        let entry = |id, is_random, song| Entry { entry_id: EntryId(id), is_random, song };
        let queue = Queue {
            revision: 3,
            entries: vec![
                entry(111_222_333, true, Some(song.clone())),
                entry(444_555_666, true, Some(Song { artist: String::new(), ..song })),
                entry(777_888_999, false, None),
            ],
        };
        assert_eq!(
            text(&queue),
            "#  entry   song                                     length\n\
             1  111222  Ann – Blue                               1:01    current\n\
             2  444555  Blue                                     1:01    random\n\
             3  777888  a song that is no longer in the library\n"
        );
        assert_eq!(name_of(EntryId(777_888_999), &queue), "entry 777888999");
        assert!(text(&Queue { revision: 1, entries: vec![] }).contains("queue add SONG"));
    }
}
