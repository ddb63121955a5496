//! Opening a song's file: regular files alone, because a pipe or a device may never answer or end.

use std::{fs::File, io, path::Path};

use super::Unplayable;

/// Opens a file to be walked or streamed.
///
/// # Errors
/// It is not there, may not be read, or is no regular file.
pub fn open(path: &Path) -> Result<File, Unplayable> {
    // Asked before it is opened: opening a pipe waits for whoever writes into it.
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(File::open(path)?),
        Ok(_) => Err(Unplayable::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !has_folder(path) => {
            Err(Unplayable::Away)
        }
        Err(error) => Err(error.into()),
    }
}

/// The folder that the file should be in is there and holds something. A drive that is not mounted
/// leaves the folder on which it is mounted, empty.
fn has_folder(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    folder.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.mp3");
        std::fs::write(&file, "x").unwrap();
        open(&file).unwrap();
        assert_eq!(open(folder.path()).unwrap_err(), Unplayable::NotAFile);
    }

    #[test]
    fn a_file_without_its_folder_is_away_and_a_missing_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.mp3");
        assert_eq!(open(&file).unwrap_err(), Unplayable::Away, "in an empty folder");
        assert_eq!(open(&folder.path().join("album/a.mp3")).unwrap_err(), Unplayable::Away);
        std::fs::write(folder.path().join("b.mp3"), "x").unwrap();
        let missing = open(&file).unwrap_err();
        assert!(matches!(missing, Unplayable::Io(io::ErrorKind::NotFound, _)), "{missing:?}");
        let bare = open(Path::new("no such file.mp3")).unwrap_err();
        assert!(!bare.is_away() && Unplayable::Away.is_away(), "{bare:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        assert_eq!(open(Path::new("/dev/zero")).unwrap_err(), Unplayable::NotAFile);
    }
}
