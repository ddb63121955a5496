//! The library: what a scan takes in, leaves alone and marks, whatever the folders hold.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use musicdb_stream::{
    db::Database,
    ids::SongId,
    keeper::{Keeper, KeeperOptions},
    library::{
        self, Batch, Library, ResolveError, ScanError, ScanProgress, ScanReport, Sink, SinkError,
    },
    subscribers::Subscribers,
};

use crate::support::mp3::{self, Shape};

/// A music folder and a keeper beside it.
struct House {
    music: PathBuf,
    keeper: Keeper,
    library: Library,
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self::with(KeeperOptions::default())
    }

    fn with(options: KeeperOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let keeper = Keeper::start(database, options, Subscribers::new()).unwrap();
        let music = folder.path().join("music");
        fs::create_dir(&music).unwrap();
        // The temporary folder may be a link; songs are known by where they really are.
        let music = music.canonicalize().unwrap();
        Self { music, library: keeper.library(), keeper, folder }
    }

    /// Writes a song of `frames` frames.
    fn song(&self, name: &str, frames: u32) -> PathBuf {
        self.file(name, &mp3::song(Shape::default(), frames))
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.music.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    fn scan(&self) -> ScanReport {
        self.scan_of(&[&self.music])
    }

    fn scan_of(&self, roots: &[&Path]) -> ScanReport {
        let roots: Vec<_> = roots.iter().map(|root| root.to_path_buf()).collect();
        library::scan(&self.library, &roots, &mut self.keeper.sink(), &ScanProgress::new()).unwrap()
    }

    fn is_playable(&self, path: &Path) -> bool {
        self.library.find_path(path).unwrap().unwrap().playable
    }
}

fn age(path: &Path) {
    let long_ago = SystemTime::now() - Duration::from_secs(1000);
    fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
}

#[test]
fn a_scan_takes_in_exact_durations_and_what_stands_in_for_tags() {
    let house = House::new();
    let path = house.song("Some Album/A Song.MP3", 100);
    house.file("Some Album/cover.jpg", b"no audio");
    let report = house.scan();
    assert_eq!((report.found, report.added, report.unchanged), (1, 1, 0));
    let song = house.library.find_path(&path).unwrap().unwrap();
    assert_eq!((song.title.as_str(), song.artist.as_str()), ("A Song", ""));
    assert_eq!((song.album.as_str(), song.frames, song.playable), ("Some Album", 100, true));
    assert_eq!(song.duration_seconds, 100.0 * 1152.0 / 44_100.0);
    assert_eq!(song.audio_bytes, mp3::frames(Shape::default(), 100).concat().len() as u64);
    assert_eq!(house.library.song(song.id).unwrap(), Some(song));
}

#[test]
fn tags_are_read_and_broken_ones_fail_no_file() {
    let house = House::new();
    let song = mp3::song(Shape::default(), 20);
    house.file("a.mp3", &[song.clone(), mp3::id3v1()].concat());
    // A tag that claims more than the file holds, one of garbage, one cut short.
    house.file("b.mp3", &[mp3::id3v2(300, 0xFF, false), song.clone()].concat());
    house.file("c.mp3", &[mp3::id3v2(4000, 0x41, true), song.clone()].concat());
    house.file("d.mp3", &[song, mp3::ape(64, true)[..40].to_vec()].concat());
    let report = house.scan();
    assert_eq!(report.unplayable, []);
    assert_eq!(house.library.playable().unwrap(), 4);
    assert_eq!(house.library.find_path(&house.music.join("c.mp3")).unwrap().unwrap().title, "c");
}

#[test]
fn unchanged_files_are_not_opened_and_changed_ones_keep_their_id() {
    let house = House::new();
    let (one, two) = (house.song("one.mp3", 50), house.song("two.mp3", 50));
    age(&one);
    house.scan();
    let before = house.library.find_path(&two).unwrap().unwrap();
    // The same size and time: a scan that opened it would notice that it is no MP3 any more.
    let length = fs::metadata(&one).unwrap().len();
    let time = fs::metadata(&one).unwrap().modified().unwrap();
    fs::write(&one, vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
    fs::File::options().write(true).open(&one).unwrap().set_modified(time).unwrap();
    house.song("two.mp3", 70);
    let report = house.scan();
    assert_eq!((report.added, report.changed, report.unchanged), (0, 1, 1));
    assert!(house.is_playable(&one));
    let after = house.library.find_path(&two).unwrap().unwrap();
    assert_eq!((after.id, after.frames), (before.id, 70));
    // Looking at it makes the difference: the time alone is enough.
    age(&one);
    assert_eq!(house.scan().changed, 1);
    assert!(!house.is_playable(&one));
}

#[test]
fn vanished_songs_stay_known_and_come_back() {
    let house = House::new();
    let (one, two) = (house.song("one.mp3", 50), house.song("two.mp3", 50));
    house.scan();
    let id = house.library.find_path(&one).unwrap().unwrap().id;
    let aside = house.folder.path().join("aside.mp3");
    fs::rename(&one, &aside).unwrap();
    assert_eq!(house.scan().vanished, 1);
    assert!(!house.is_playable(&one) && house.is_playable(&two));
    assert_eq!(house.library.playable().unwrap(), 1);
    assert_eq!(house.scan().vanished, 0);
    fs::rename(&aside, &one).unwrap();
    let report = house.scan();
    assert_eq!((report.returned, report.unchanged), (1, 2));
    assert!(house.is_playable(&one));
    assert_eq!(house.library.find_path(&one).unwrap().unwrap().id, id);
}

#[test]
fn a_root_that_is_missing_or_empty_marks_nothing_as_vanished() {
    let house = House::new();
    let path = house.song("Album/one.mp3", 50);
    house.scan();
    let aside = house.folder.path().join("aside");
    fs::rename(&house.music, &aside).unwrap();
    let report = house.scan();
    assert_eq!((report.vanished, report.roots_left_alone.len()), (0, 1));
    assert!(report.roots_left_alone[0].1.contains("No such file"), "{report:?}");
    // Not mounted: the mount point is there, with nothing in it that sounds.
    fs::create_dir_all(house.music.join("lost+found")).unwrap();
    let report = house.scan();
    assert_eq!((report.vanished, report.roots_left_alone.len()), (0, 1));
    assert!(house.is_playable(&path));
    // With another song in it, it is the real one.
    house.song("other.mp3", 50);
    assert_eq!(house.scan().vanished, 1);
    assert!(!house.is_playable(&path));
}

#[test]
fn other_roots_songs_are_left_alone_and_overlapping_roots_count_once() {
    let house = House::new();
    let one = house.song("a/one.mp3", 50);
    let two = house.song("b/two.mp3", 50);
    let (a, b) = (house.music.join("a"), house.music.join("b"));
    let report = house.scan_of(&[&house.music, &a, &b]);
    assert_eq!((report.found, report.added), (2, 2));
    fs::remove_file(&two).unwrap();
    fs::remove_file(&one).unwrap();
    house.song("a/three.mp3", 50);
    assert_eq!(house.scan_of(&[&a]).vanished, 1);
    assert!(house.is_playable(&two) && !house.is_playable(&one));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_told_and_nothing_below_it_is_marked() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let (hidden, gone) = (house.song("hidden/deep/one.mp3", 50), house.song("two.mp3", 50));
    house.song("three.mp3", 50);
    house.scan();
    let folder = house.music.join("hidden");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
    let readable = fs::read_dir(&folder).is_ok();
    fs::remove_file(&gone).unwrap();
    let report = house.scan();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(report.vanished, 1);
    assert!(house.is_playable(&hidden));
    if readable {
        eprintln!("left out: this user may read every folder");
        return;
    }
    assert_eq!(report.unplayable.len(), 1, "{report:?}");
    assert_eq!(report.unplayable[0].0, folder);
    assert!(report.unplayable[0].1.contains("permission denied"), "{report:?}");
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf8_and_links_in_circles_do_no_harm() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::symlink};
    let house = House::new();
    let name = OsStr::from_bytes(b"caf\xE9 \xFF.mp3");
    let path = house.music.join(name);
    fs::write(&path, mp3::song(Shape::default(), 30)).unwrap();
    symlink(&house.music, house.music.join("again")).unwrap();
    symlink(house.music.join("nowhere.mp3"), house.music.join("dangling.mp3")).unwrap();
    let report = house.scan();
    assert_eq!((report.found, report.added), (1, 1), "{report:?}");
    let song = house.library.find_path(&path).unwrap().unwrap();
    assert_eq!((song.path, song.playable), (path, true));
    assert_eq!(house.scan().unchanged, 1);
}

#[test]
fn files_that_are_no_mp3_are_told_with_their_reason_and_looked_at_once() {
    let house = House::new();
    house.file("empty.mp3", b"");
    house.file("text.mp3", "just words, not a single frame\n".repeat(100).as_bytes());
    house.file("later.flac", b"fLaC");
    house.file("more.FLAC", b"fLaC");
    house.file("talk.ogg", b"OggS");
    house.song("good.mp3", 50);
    let report = house.scan();
    assert_eq!((report.found, report.added, report.unplayable.len()), (3, 3, 2), "{report:?}");
    let reason = |name: &str| {
        let found = report.unplayable.iter().find(|(path, _)| path.ends_with(name));
        found.map(|(_, reason)| reason.clone()).unwrap()
    };
    assert!(reason("empty.mp3").contains("empty"));
    assert!(reason("text.mp3").contains("no MP3"));
    let others: Vec<_> =
        report.other_formats.iter().map(|other| (other.extension.as_str(), other.files)).collect();
    assert_eq!(others, [("flac", 2), ("ogg", 1)]);
    assert!(report.other_formats[0].reason.contains("not yet playable"));
    let format = report.formats[0];
    assert_eq!(
        (report.formats.len(), format.sample_rate, format.channels, format.songs),
        (1, 44_100, 2, 1)
    );
    assert_eq!(house.library.playable().unwrap(), 1);
    let empty = house.library.find_path(&house.music.join("empty.mp3")).unwrap().unwrap();
    assert!(house.library.unplayable_reason(empty.id).unwrap().unwrap().contains("empty"));
    assert_eq!(house.scan().unchanged, 3);
}

#[test]
fn search_finds_every_word_in_any_field_and_case() {
    let house = House::new();
    for name in ["Über 100%/Ärger_eins.mp3", "Über 100%/two.mp3", "Other/two.mp3"] {
        house.song(name, 20);
    }
    house.scan();
    let find = |text: &str| house.library.search(text, 10, 0).unwrap().0;
    assert_eq!((find(""), find("two"), find("TWO other")), (3, 2, 1));
    assert_eq!(
        (find("ÜBER ärger"), find("100%"), find("%"), find("r_e"), find("_")),
        (1, 2, 2, 1, 1)
    );
    assert_eq!(find("two eins"), 0);
    let (total, page) = house.library.search("", 2, 1).unwrap();
    assert_eq!((total, page.len()), (3, 2));
}

#[test]
fn a_song_is_named_by_its_id_its_file_or_words_of_its_own() {
    let house = House::new();
    let (one, _) = (house.song("x/one.mp3", 20), house.song("x/two.mp3", 20));
    house.scan();
    let song = house.library.find_path(&one).unwrap().unwrap();
    for text in [song.id.to_string(), one.display().to_string(), "ONE".to_owned()] {
        assert_eq!(house.library.resolve(&text).unwrap().id, song.id, "{text}");
    }
    let several = house.library.resolve("x").unwrap_err();
    assert!(matches!(several, ResolveError::Ambiguous { total: 2, .. }), "{several}");
    for text in ["three", "", "  "] {
        assert!(matches!(house.library.resolve(text), Err(ResolveError::NotFound { .. })));
    }
}

#[test]
fn a_file_outside_is_imported_and_a_bad_one_refused_with_its_reason() {
    let house = House::new();
    let path = house.folder.path().join("single.mp3");
    fs::write(&path, mp3::song(Shape::default(), 40)).unwrap();
    let song = library::import(&house.library, &path, &mut house.keeper.sink()).unwrap();
    assert_eq!((song.frames, song.title.as_str()), (40, "single"));
    let again = library::import(&house.library, &path, &mut house.keeper.sink()).unwrap();
    assert_eq!(again.id, song.id);
    let text = house.file("text.mp3", b"words");
    let flac = house.file("a.flac", b"fLaC");
    for (file, reason) in
        [(text, "no MP3"), (flac, "not yet playable"), (house.music.join("none.mp3"), "No such")]
    {
        let error = library::import(&house.library, &file, &mut house.keeper.sink()).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(house.library.total().unwrap(), 1);
}

#[test]
fn the_first_song_is_playable_before_the_scan_ends() {
    let house = House::new();
    for n in 0..40 {
        house.song(&format!("{n}.mp3"), 20);
    }
    /// Passes batches on and remembers their sizes.
    struct Watching<S>(S, Vec<usize>);
    impl<S: Sink> Sink for Watching<S> {
        fn write(&mut self, batch: Batch) -> Result<(), SinkError> {
            self.1.push(batch.len());
            self.0.write(batch)
        }
    }
    let mut sink = Watching(house.keeper.sink(), Vec::new());
    let roots = [house.music.clone()];
    let progress = ScanProgress::new();
    library::scan(&house.library, &roots, &mut sink, &progress).unwrap();
    assert_eq!((sink.1[0], sink.1.iter().sum::<usize>()), (1, 40));
    let view = progress.view();
    assert_eq!((view.running, view.found, view.done, view.walked), (false, 40, 40, true));
    assert_eq!(view.report.unwrap().added, 40);
    // The keeper filled its queue as soon as it could.
    let queue = house.keeper.queue().entries().unwrap().entries;
    assert_eq!(queue.len(), 2);
    // Then with the one song that it knew, twice; the echo made room for another one.
    assert_ne!(queue[0].song_id, queue[1].song_id);
}

#[test]
fn a_full_disk_ends_the_scan_with_its_reason_and_keeps_what_was_written() {
    let house = House::with(KeeperOptions { max_pages: Some(40), ..KeeperOptions::default() });
    for n in 0..600 {
        house.song(&format!("{n:03}.mp3"), 5);
    }
    let progress = ScanProgress::new();
    let roots = [house.music.clone()];
    let error = library::scan(&house.library, &roots, &mut house.keeper.sink(), &progress);
    let error = error.unwrap_err();
    assert!(matches!(error, ScanError::Sink { written: 1.., .. }), "{error}");
    assert!(error.to_string().contains("full; free some space"), "{error}");
    let view = progress.view();
    assert!(!view.running && view.error.unwrap().contains("full"));
    assert!(house.library.total().unwrap() > 0);
    assert!(house.library.song(SongId(1)).unwrap().is_some());
    assert!(!house.keeper.queue().entries().unwrap().entries.is_empty());
}

#[test]
fn a_cancelled_scan_ends_at_once_in_the_middle_of_a_file() {
    let house = House::new();
    let gone = house.song("first.mp3", 20);
    house.scan();
    fs::remove_file(gone).unwrap();
    let long = house.song("long.mp3", 20_000);
    for n in 0..50 {
        fs::hard_link(&long, house.music.join(format!("long{n}.mp3"))).unwrap();
    }
    /// Cancels as soon as the first batch comes.
    struct Cancelling<'a>(&'a ScanProgress, Option<Instant>);
    impl Sink for Cancelling<'_> {
        fn write(&mut self, _: Batch) -> Result<(), SinkError> {
            self.0.cancel();
            self.1.get_or_insert_with(Instant::now);
            Ok(())
        }
    }
    let progress = ScanProgress::new();
    let mut sink = Cancelling(&progress, None);
    let roots = [house.music.clone()];
    let report = library::scan(&house.library, &roots, &mut sink, &progress).unwrap();
    assert!(sink.1.unwrap().elapsed() < Duration::from_secs(1));
    assert!(report.cancelled && report.added < 50, "{report:?}");
    assert_eq!(report.vanished, 0);
}
