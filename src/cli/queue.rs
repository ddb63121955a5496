//! `queue`: show it, add, remove, move, clear.

use std::io::Write;

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
        songs: Vec<String>,
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
    Ok(match index {
        Some(index) => writeln!(screen, "Added {name} as number {}.", index + 1)?,
        // It was the next one, and its time has come and gone already.
        None => writeln!(screen, "Added entry {added}.")?,
    })
}
