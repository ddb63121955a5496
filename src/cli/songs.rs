//! `songs`: search the library.

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::{
    layout::{clock, count, json, table},
    setting::Setting,
    wire::{Song, Songs},
};

/// Flags of `songs`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Words of title, artist or album; all of them have to be there
    text: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
    /// Leave so many out at the beginning
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u64,
}

pub(super) fn run(options: &Options, setting: &Setting, screen: &mut dyn Write) -> Result<()> {
    let text = options.text.join(" ");
    let found = setting.desk()?.songs(&text, options.limit, options.offset)?;
    if options.json {
        return json(&found, screen);
    }
    Ok(screen.write_all(shown(&found, &text).as_bytes())?)
}

/// The songs with their ids, for choosing one of them.
pub(super) fn list(songs: &[Song]) -> String {
    let rows = songs.iter().map(|song| {
        let length =
            if song.playable { clock(song.duration_seconds) } else { "unplayable".to_owned() };
        vec![
            song.id.to_string(),
            song.artist.clone(),
            song.title.clone(),
            song.album.clone(),
            length,
        ]
    });
    table(&["id", "artist", "title", "album", "length"], &rows.collect::<Vec<_>>())
}

fn shown(found: &Songs, text: &str) -> String {
    let shown = found.songs.len() as u64;
    match (found.total, text) {
        (0, "") => "The library is empty; read a folder into it with `musicdb-stream scan DIR`.\n"
            .to_owned(),
        (0, _) => format!("No song has {text:?} in title, artist or album.\n"),
        (total, _) if found.offset + shown < total => {
            let left = count(total - found.offset - shown, "more song");
            format!("{}{left}; add words, or --limit and --offset.\n", list(&found.songs))
        }
        _ => list(&found.songs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SongId;

    fn found(total: u64) -> Songs {
        let song = |id, playable| Song {
            id: SongId(id),
            title: "Blue".into(),
            artist: "Ann".into(),
            album: "Sea".into(),
            duration_seconds: 185.0,
            playable,
        };
        Songs { total, offset: 0, songs: vec![song(7, true), song(12, false)] }
    }

    #[test]
    fn songs_come_with_ids_and_with_what_was_left_out() {
        assert_eq!(
            shown(&found(2), "blue"),
            "id  artist  title  album  length\n\
             7   Ann     Blue   Sea    3:05\n\
             12  Ann     Blue   Sea    unplayable\n"
        );
        assert!(
            shown(&found(9), "").ends_with("7 more songs; add words, or --limit and --offset.\n")
        );
    }

    #[test]
    fn nothing_found_says_what_to_do() {
        let none = Songs { total: 0, offset: 0, songs: Vec::new() };
        assert!(shown(&none, "").contains("musicdb-stream scan DIR"));
        assert!(shown(&none, "blue").contains("\"blue\""));
    }
}
