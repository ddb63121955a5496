//! Tags: the one file that reads them. Broken ones never fail a file.

use std::{
    ffi::OsStr,
    io::{Read, Seek},
    path::Path,
};

use lofty::{
    config::{ParseOptions, ParsingMode},
    file::{FileType, TaggedFile, TaggedFileExt},
    probe::Probe,
    tag::{Accessor, ItemKey, Tag, TagType},
};

use super::{Album, Tags, clean::clean};
use crate::db::path_to_bytes;

/// The kinds of tags, the richest first: ID3v1 cuts everything at 30 characters.
const KINDS: [TagType; 3] = [TagType::Id3v2, TagType::Ape, TagType::Id3v1];

/// What the tags of the file say; the path stands in for what they do not say.
pub(super) fn read<R: Read + Seek>(reader: R, path: &Path) -> Tags {
    let options = ParseOptions::new()
        .read_properties(false)
        .read_cover_art(false)
        .parsing_mode(ParsingMode::Relaxed);
    // Whatever is wrong with the tags: the music is what counts, and the name of the file will do.
    let file = Probe::with_file_type(reader, FileType::Mpeg).options(options).read().ok();
    let source = Source(file.as_ref());
    let title = source.text(|tag| tag.title().map(|text| clean(&text)));
    let artist = source.text(|tag| tag.artist().map(|text| clean(&text)));
    let album = source.text(|tag| tag.album().map(|text| clean(&text)));
    let album_artist = source.text(|tag| tag.get_string(ItemKey::AlbumArtist).map(clean));
    Tags {
        title: title.unwrap_or_else(|| named(path.file_stem())),
        artist: artist.unwrap_or_default(),
        album: album_of(album, album_artist, path),
        track: source.first(Accessor::track),
        disc: source.first(Accessor::disk),
        genre: source.text(|tag| tag.genre().map(|text| clean(&text))).unwrap_or_default(),
        year: source.first(|tag| tag.date().map(|date| u32::from(date.year))),
    }
}

/// The same for a file whose tags were not read.
pub(super) fn of_path(path: &Path) -> Tags {
    Tags { title: named(path.file_stem()), album: album_of(None, None, path), ..Tags::default() }
}

fn album_of(album: Option<String>, album_artist: Option<String>, path: &Path) -> Album {
    let Some(name) = album else {
        let folder = path.parent().unwrap_or(path);
        let mut key = b"folder\0".to_vec();
        key.extend(path_to_bytes(folder));
        return Album { name: named(folder.file_name()), key };
    };
    let key = format!("tag\0{name}\0{}", album_artist.unwrap_or_default()).into_bytes();
    Album { name, key }
}

fn named(name: Option<&OsStr>) -> String {
    name.map(|name| clean(&name.to_string_lossy())).unwrap_or_default()
}

/// The file's tags, asked one kind after the other.
struct Source<'a>(Option<&'a TaggedFile>);

impl Source<'_> {
    fn first<T>(&self, ask: impl Fn(&Tag) -> Option<T>) -> Option<T> {
        let file = self.0?;
        KINDS.iter().filter_map(|kind| file.tag(*kind)).find_map(ask)
    }

    fn text(&self, ask: impl Fn(&Tag) -> Option<String>) -> Option<String> {
        self.first(|tag| ask(tag).filter(|text| !text.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn without_tags_the_path_names_title_and_album() {
        let tags = read(Cursor::new(b"no tags here"), Path::new("/music/Some Album/03 song.x.mp3"));
        assert_eq!(tags.title, "03 song.x");
        assert_eq!(tags.album.name, "Some Album");
        assert_eq!(tags.artist, "");
        assert_eq!(tags, of_path(Path::new("/music/Some Album/03 song.x.mp3")));
    }

    #[test]
    fn an_id3v1_tag_is_read_and_cleaned() {
        let mut file = vec![0xAA; 512];
        file.extend(b"TAG");
        for (text, length) in
            [("A\tTitle", 30), ("Artist", 30), ("Album", 30), ("1999", 4), ("", 30)]
        {
            let mut field = text.as_bytes().to_vec();
            field.resize(length, 0);
            file.extend(field);
        }
        file.push(17);
        let tags = read(Cursor::new(file), Path::new("/m/x.mp3"));
        assert_eq!((tags.title.as_str(), tags.artist.as_str()), ("A Title", "Artist"));
        assert_eq!((tags.album.name.as_str(), tags.year), ("Album", Some(1999)));
    }

    #[test]
    fn the_same_album_title_of_two_album_artists_is_two_albums() {
        let one = album_of(Some("Best".into()), Some("A".into()), Path::new("/m/x.mp3"));
        let two = album_of(Some("Best".into()), Some("B".into()), Path::new("/m/y.mp3"));
        assert_eq!(one.name, two.name);
        assert_ne!(one.key, two.key);
    }
}
