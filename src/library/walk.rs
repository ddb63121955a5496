//! Walking the folders: which files are there, which of them are new, and what could not be seen.

use std::{
    collections::BTreeMap,
    fs::Metadata,
    path::{Path, PathBuf},
    time::SystemTime,
};

use walkdir::{DirEntry, WalkDir};

use super::{
    OtherFormat, ScanProgress, ScanReport,
    known::{Known, Seen},
    work::Job,
};
use crate::ids::SongId;

/// Audio files that are counted and not read.
const OTHER_AUDIO: [&str; 19] = [
    "flac", "ogg", "oga", "opus", "m4a", "m4b", "aac", "wav", "wma", "mp2", "aiff", "aif", "aifc",
    "ape", "wv", "mpc", "mka", "dsf", "spx",
];

/// The walk of one scan.
pub(super) struct Walk<'a> {
    known: &'a Known,
    progress: &'a ScanProgress,
    walked: Walked,
}

/// What a walk saw, beside the files that it handed on.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) seen: Seen,
    found: u64,
    unchanged: u64,
    /// Unchanged files that could not be streamed before.
    pub(super) still_unplayable: Vec<SongId>,
    healthy: Vec<PathBuf>,
    left_alone: Vec<(PathBuf, String)>,
    unreadable: Vec<(PathBuf, String)>,
    others: BTreeMap<&'static str, u64>,
}

enum Kind {
    Mp3,
    Other(&'static str),
}

impl<'a> Walk<'a> {
    pub(super) fn new(known: &'a Known, progress: &'a ScanProgress) -> Self {
        Self { known, progress, walked: Walked::default() }
    }

    /// Walks one root: files to read go to `hand_on`, known ones that are there again to `back`;
    /// either returns `false` to end the walk.
    pub(super) fn root(
        &mut self,
        root: &Path,
        hand_on: &mut dyn FnMut(Job) -> bool,
        back: &mut dyn FnMut(SongId) -> bool,
    ) {
        let canonical = match root.canonicalize() {
            Ok(path) if path.is_dir() => path,
            Ok(path) => {
                self.walked.left_alone.push((path, "it is no folder".to_owned()));
                return;
            }
            Err(error) => {
                self.walked.left_alone.push((root.to_path_buf(), error.to_string()));
                return;
            }
        };
        let mut audio_files = 0_u64;
        let walk = WalkDir::new(&canonical).follow_links(true).sort_by_file_name();
        for item in walk.into_iter().filter_entry(|item| !leads_out(item, &canonical)) {
            if self.progress.is_cancelled() {
                return;
            }
            let item = match item {
                Ok(item) => item,
                Err(error) => {
                    self.refused(&canonical, &error);
                    continue;
                }
            };
            let Some(kind) = kind(item.path()).filter(|_| !item.file_type().is_dir()) else {
                continue;
            };
            let metadata = match item.metadata() {
                Ok(metadata) => metadata,
                Err(error) => {
                    self.refused(&canonical, &error);
                    continue;
                }
            };
            if !metadata.is_file() {
                continue;
            }
            audio_files += 1;
            let going_on = match kind {
                Kind::Other(extension) => {
                    *self.walked.others.entry(extension).or_default() += 1;
                    true
                }
                Kind::Mp3 => self.file(item.into_path(), &metadata, hand_on, back),
            };
            if !going_on {
                return;
            }
        }
        if self.walked.left_alone.iter().any(|(path, _)| *path == canonical) {
            return;
        }
        if audio_files == 0 {
            let reason = "there is no audio file in it; is a drive not mounted?".to_owned();
            self.walked.left_alone.push((canonical, reason));
        } else {
            self.walked.healthy.push(canonical);
        }
    }

    /// What there is to do with one file, as found outside a scan.
    pub(super) fn job(path: &Path, known: bool) -> Result<Job, String> {
        let metadata = path.metadata().map_err(|error| error.to_string())?;
        match kind(path) {
            _ if !metadata.is_file() => Err("it is no file".to_owned()),
            Some(Kind::Mp3) => Ok(job(path.to_path_buf(), &metadata, known)),
            Some(Kind::Other(extension)) => Err(reason(extension)),
            None => Err("its name does not end in .mp3".to_owned()),
        }
    }

    pub(super) fn finish(self) -> Walked {
        self.walked
    }

    fn file(
        &mut self,
        path: PathBuf,
        metadata: &Metadata,
        hand_on: &mut dyn FnMut(Job) -> bool,
        back: &mut dyn FnMut(SongId) -> bool,
    ) -> bool {
        let hash = self.known.hash(&path);
        if !self.walked.seen.insert(hash) {
            return true;
        }
        self.walked.found += 1;
        self.progress.count_found();
        let known = self.known.get(hash);
        let job = job(path, metadata, known.is_some());
        match known {
            Some(song) if song.size == job.size && song.mtime_ns == job.mtime_ns => {
                self.progress.count_done();
                self.walked.unchanged += 1;
                if song.unplayable {
                    self.walked.still_unplayable.push(song.id);
                }
                !song.vanished || back(song.id)
            }
            _ => hand_on(job),
        }
    }

    fn refused(&mut self, root: &Path, error: &walkdir::Error) {
        // A link to a folder above itself: what it leads to is walked anyway.
        if error.loop_ancestor().is_some() {
            return;
        }
        let path = error.path().unwrap_or(root).to_path_buf();
        let reason = error
            .io_error()
            .map_or_else(|| error.to_string(), |error| format!("cannot be read: {}", error.kind()));
        if path == root {
            self.walked.left_alone.push((path, reason));
        } else {
            self.walked.unreadable.push((path, reason));
        }
    }
}

impl Walked {
    /// Roots below which a file that was not met has gone.
    pub(super) fn roots(&self) -> Vec<&Path> {
        self.healthy.iter().map(PathBuf::as_path).collect()
    }

    /// Places that could not be seen.
    pub(super) fn blocked(&self) -> Vec<&Path> {
        let unseen = self.unreadable.iter().chain(&self.left_alone);
        unseen.map(|(path, _)| path.as_path()).collect()
    }

    /// Notes a folder of which nothing is marked as vanished.
    pub(super) fn leave_alone(&mut self, folder: PathBuf, reason: String) {
        self.left_alone.push((folder, reason));
    }

    /// Puts its share into the report.
    pub(super) fn tell(self, report: &mut ScanReport) {
        report.found = self.found;
        report.unchanged = self.unchanged;
        for (path, reason) in self.unreadable {
            report.refuse(path, reason);
        }
        report.roots_left_alone = self.left_alone;
        let others = self.others.into_iter();
        report.other_formats = others
            .map(|(extension, files)| OtherFormat {
                extension: extension.to_owned(),
                files,
                reason: reason(extension),
            })
            .collect();
    }
}

/// A link to a folder that holds the root: everything below it would be met twice, or is not asked
/// for.
fn leads_out(item: &DirEntry, root: &Path) -> bool {
    item.depth() > 0
        && item.path_is_symlink()
        && item.file_type().is_dir()
        && item.path().canonicalize().is_ok_and(|target| root.starts_with(target))
}

fn reason(extension: &str) -> String {
    format!(".{extension} files are not yet playable; convert them to MP3")
}

fn kind(path: &Path) -> Option<Kind> {
    let extension = path.extension()?;
    if extension.eq_ignore_ascii_case("mp3") {
        return Some(Kind::Mp3);
    }
    OTHER_AUDIO.iter().find(|other| extension.eq_ignore_ascii_case(other)).map(|e| Kind::Other(e))
}

fn job(path: PathBuf, metadata: &Metadata, known: bool) -> Job {
    // A file system without times: the size alone must tell.
    let mtime_ns = metadata.modified().map_or(0, nanos);
    Job { path, size: metadata.len(), mtime_ns, known }
}

/// Nanoseconds since 1970, before it too; the years 1678 to 2262 fit.
fn nanos(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}
