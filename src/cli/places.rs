//! Where this user's music, data and configuration are, by what the environment says.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::config::Places;

const FOLDER: &str = "musicdb-stream";
const CONFIG_FILE: &str = "musicdb-stream.toml";

/// Works the places out; `variable` looks into the environment. On systems with the XDG folders
/// (freedesktop.org, "XDG Base Directory", and `user-dirs.dirs` for music), else on Windows' own.
pub(super) fn find(
    variable: impl Fn(&str) -> Option<OsString>,
    config_file: Option<&Path>,
) -> Places {
    // The specification: a relative path there is to be ignored.
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = folder("HOME").or_else(|| folder("USERPROFILE")).or_else(std::env::home_dir);
    let under_home = |path: &str| home.as_ref().map(|home| home.join(path));
    let config = folder("XDG_CONFIG_HOME").or_else(|| folder("APPDATA")).or(under_home(".config"));
    let data =
        folder("XDG_DATA_HOME").or_else(|| folder("LOCALAPPDATA")).or(under_home(".local/share"));
    let music = folder("XDG_MUSIC_DIR")
        .or_else(|| user_music(config.as_deref()?, home.as_deref()?))
        .or(under_home("Music"));
    Places {
        music: music.unwrap_or_default(),
        data: data.map(|data| data.join(FOLDER)).unwrap_or_default(),
        config_file: config_file.map(Path::to_owned),
        default_config_file: config.map(|config| config.join(FOLDER).join(CONFIG_FILE)),
        home,
    }
}

/// `XDG_MUSIC_DIR="$HOME/Musik"` in `user-dirs.dirs`.
fn user_music(config: &Path, home: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(config.join("user-dirs.dirs")).ok()?;
    let line =
        text.lines().map(str::trim).filter_map(|l| l.strip_prefix("XDG_MUSIC_DIR=")).next_back()?;
    let value = line.trim_matches('"');
    let path = match value.strip_prefix("$HOME") {
        Some(rest) => home.join(rest.trim_start_matches('/')),
        None => PathBuf::from(value),
    };
    // A folder that is switched off is the home itself there.
    (path.is_absolute() && path != home).then_some(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Places {
        let look = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        };
        find(look, None)
    }

    #[test]
    fn xdg_folders_go_before_those_under_home() {
        let plain = found(&[("HOME", "/home/u")]);
        assert_eq!(plain.music, Path::new("/home/u/Music"));
        assert_eq!(plain.data, Path::new("/home/u/.local/share/musicdb-stream"));
        assert_eq!(
            plain.default_config_file.as_deref(),
            Some(Path::new("/home/u/.config/musicdb-stream/musicdb-stream.toml"))
        );
        let set = found(&[
            ("HOME", "/home/u"),
            ("XDG_DATA_HOME", "/data"),
            ("XDG_CONFIG_HOME", "relative"),
            ("XDG_MUSIC_DIR", "/songs"),
        ]);
        assert_eq!(set.data, Path::new("/data/musicdb-stream"));
        assert_eq!(set.music, Path::new("/songs"));
        assert!(set.default_config_file.unwrap().starts_with("/home/u/.config"));
    }

    #[test]
    fn the_music_folder_may_have_another_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("user-dirs.dirs"), "# x\nXDG_MUSIC_DIR=\"$HOME/Musik\"\n")
            .unwrap();
        let config = folder.path().to_str().unwrap();
        let places = found(&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", config)]);
        assert_eq!(places.music, Path::new("/home/u/Musik"));
        fs::write(folder.path().join("user-dirs.dirs"), "XDG_MUSIC_DIR=\"$HOME/\"\n").unwrap();
        let places = found(&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", config)]);
        assert_eq!(places.music, Path::new("/home/u/Music"));
    }
}
