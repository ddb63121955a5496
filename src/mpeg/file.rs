//! Opening a song's file: regular files alone, because a pipe or a device may never answer or end.

use std::{fs::File, path::Path};

use super::Unplayable;

/// Opens a file to be walked or streamed.
///
/// # Errors
/// It is not there, may not be read, or is no regular file.
pub fn open(path: &Path) -> Result<File, Unplayable> {
    // Asked before it is opened: opening a pipe waits for whoever writes into it.
    if !path.metadata()?.is_file() {
        return Err(Unplayable::NotAFile);
    }
    Ok(File::open(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.mp3");
        assert_eq!(open(&file).unwrap_err(), Unplayable::Io(std::io::ErrorKind::NotFound));
        std::fs::write(&file, "x").unwrap();
        open(&file).unwrap();
        assert_eq!(open(folder.path()).unwrap_err(), Unplayable::NotAFile);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        assert_eq!(open(Path::new("/dev/zero")).unwrap_err(), Unplayable::NotAFile);
    }
}
