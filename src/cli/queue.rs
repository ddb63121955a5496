//! `queue`: show it, add, remove, move, clear.

use std::{ffi::OsString, io::Write};

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{
    desk::Desk,
    entry, layout, queue_table,
    setting::Setting,
    song,
    wire::{Position, Queue},
};
use crate::ids::EntryId;

/// Flags of `queue`.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    edit: Option<Edit>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Edit {
    /// Show the queue, current song first
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Add songs: library ids, files, or words that one song alone has
    Add {
        /// A library id, a file, or words of title, artist or album
        #[arg(required = true, value_name = "SONG")]
        songs: Vec<OsString>,
        #[command(flatten)]
        place: Place,
        /// Behind this entry: its number, its id, or the beginning of its id
        #[arg(long, value_name = "ENTRY", conflicts_with_all = ["next", "last"])]
        after: Option<String>,
    },
    /// Remove an entry: its number, its id, or the beginning of its id
    Remove {
        /// Which entry
        entry: String,
    },
    /// Move an entry behind another
    Move {
        /// Which entry
        entry: String,
        /// Behind which one
        #[arg(long, value_name = "ENTRY")]
        after: String,
    },
    /// Add a song of Randy's choice
    Random {
        #[command(flatten)]
        place: Place,
    },
    /// Remove everything but the current song
    Clear,
}

#[derive(Debug, Clone, Copy, Args)]
struct Place {
    /// Right after the current song
    #[arg(long, conflicts_with = "last")]
    next: bool,
    /// At the end; this is what happens without any of these
    #[arg(long)]
    last: bool,
}

impl Place {
    fn position(self) -> Position {
        if self.next && !self.last { Position::Next } else { Position::Last }
    }
}

pub(super) fn run(options: Options, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let desk = setting.desk()?;
    let mut json = options.json;
    match options.edit {
        None => {}
        Some(Edit::List { json: also }) => json |= also,
        Some(edit) => return change(edit, desk.as_ref(), screen),
    }
    let queue = desk.queue()?;
    if json {
        return layout::json(&queue, screen);
    }
    Ok(screen.write_all(queue_table::text(&queue).as_bytes())?)
}

fn change(edit: Edit, desk: &dyn Desk, screen: &mut dyn Write) -> Result<()> {
    match edit {
        Edit::List { .. } => Ok(()),
        Edit::Add { songs, place, after } => {
            let mut position = match after {
                Some(after) => Position::After(entry::resolve(&after, &desk.queue()?)?),
                None => place.position(),
            };
            for text in songs {
                let added = song::add(&text, position, desk, screen)?;
                tell_added(added, &desk.queue()?, screen)?;
                // Several songs keep the order in which they were typed.
                if position != Position::Last {
                    position = Position::After(added);
                }
            }
            Ok(())
        }
        Edit::Random { place } => {
            let added = desk.add_random(place.position())?;
            tell_added(added, &desk.queue()?, screen)
        }
        Edit::Remove { entry } => {
            let queue = desk.queue()?;
            let id = entry::resolve(&entry, &queue)?;
            desk.remove(id)?;
            Ok(writeln!(screen, "Removed {}.", queue_table::name_of(id, &queue))?)
        }
        Edit::Move { entry, after } => {
            let queue = desk.queue()?;
            let (id, after) = (entry::resolve(&entry, &queue)?, entry::resolve(&after, &queue)?);
            desk.move_after(id, after)?;
            let (name, before) =
                (queue_table::name_of(id, &queue), queue_table::name_of(after, &queue));
            Ok(writeln!(screen, "Moved {name} behind {before}.")?)
        }
        Edit::Clear => {
            desk.clear()?;
            Ok(writeln!(screen, "The queue is empty but for the current song.")?)
        }
    }
}

fn tell_added(added: EntryId, queue: &Queue, screen: &mut dyn Write) -> Result<()> {
    let index = queue.entries.iter().position(|entry| entry.entry_id == added);
    let name = queue_table::name_of(added, queue);
    match index {
        Some(index) => writeln!(screen, "Added {name} as number {}.", index + 1)?,
        // It was the next one, and its time has come and gone already.
        None => writeln!(screen, "Added entry {added}.")?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{arguments::Arguments, desk::tests::FakeDesk};
    use clap::Parser;

    /// Runs `queue` with these words; what it printed, or its error.
    fn run_on(desk: &FakeDesk, words: &str) -> Result<String, String> {
        let line = format!("musicdb-stream queue {words}");
        let parsed =
            Arguments::try_parse_from(line.split_whitespace()).map_err(|e| e.to_string())?;
        let crate::cli::arguments::Command::Queue(options) = parsed.command else {
            panic!("{line}")
        };
        let mut screen = Vec::new();
        let outcome = change(options.edit.unwrap(), desk, &mut screen);
        outcome.map(|()| String::from_utf8(screen).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn several_songs_keep_the_order_in_which_they_were_typed() {
        let desk = FakeDesk::playing(&[3, 3]);
        let said = run_on(&desk, "add 1 2 --next").unwrap();
        assert_eq!(said, "Added Ann – Blue Sea as number 2.\nAdded Ann – Blue Sky as number 3.\n");
        assert_eq!(desk.titles(), ["Red", "Blue Sea", "Blue Sky", "Red"]);
        run_on(&desk, "add 1 2").unwrap();
        assert_eq!(desk.titles()[4..], ["Blue Sea", "Blue Sky"]);
        run_on(&desk, "add 3 --after 5").unwrap();
        assert_eq!(desk.titles()[4..], ["Blue Sea", "Red", "Blue Sky"]);
    }

    #[test]
    fn entries_are_removed_and_moved_by_number_or_id() {
        let desk = FakeDesk::playing(&[3, 1, 2]);
        assert_eq!(
            run_on(&desk, "move 2 --after 3").unwrap(),
            "Moved Ann – Blue Sea behind Ann – Blue Sky.\n"
        );
        assert_eq!(desk.titles(), ["Red", "Blue Sky", "Blue Sea"]);
        assert_eq!(run_on(&desk, "remove 300").unwrap(), "Removed Ann – Blue Sky.\n");
        assert!(run_on(&desk, "remove 9").unwrap_err().contains("no entry 9"));
        run_on(&desk, "random --next").unwrap();
        assert_eq!(desk.titles(), ["Red", "Red", "Blue Sea"]);
        run_on(&desk, "clear").unwrap();
        assert_eq!(desk.titles(), ["Red"]);
    }

    #[test]
    fn places_exclude_each_other() {
        let desk = FakeDesk::playing(&[1]);
        for words in [
            "add",
            "add 1 --next --last",
            "add 1 --next --after 1",
            "move 1",
            "random --next --last",
        ] {
            assert!(run_on(&desk, words).unwrap_err().contains("Usage"), "{words}");
        }
    }
}
