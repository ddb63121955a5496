//! The configuration file: read, checked line by line, its relative paths made absolute.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::{Config, SinkSpec, fields};

/// Keys whose value is a path: a relative one counts from the folder of the file.
const PATHS: [(&str, &str); 5] = [
    ("directories", "music"),
    ("directories", "data"),
    ("server", "access_log"),
    ("server", "tls_certificate"),
    ("server", "tls_key"),
];

/// The same in each `[[mount]]`.
const PATHS_OF_A_MOUNT: [&str; 2] = ["intro", "listener_file"];

/// What is wrong with a configuration file. The person who wrote it has to change it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file could not be read: check the path and its permissions.
    #[error("{} cannot be read: {reason}; check the path and its permissions", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The file is not text in UTF-8: save it as such.
    #[error("{} is not UTF-8 text; save it as UTF-8, or name another file with --config FILE", .path.display())]
    NotUtf8 {
        /// Which file.
        path: PathBuf,
    },
    /// A key that does not exist: take the one that is named instead.
    #[error("{}, line {line}: unknown key `{key}`; the nearest known one is `{nearest}`", .path.display())]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// The key as it stands there.
        key: String,
        /// The key that was probably meant.
        nearest: String,
    },
    /// Not TOML, or a value of the wrong kind: change that line.
    #[error("{}, line {line}: {reason}; correct that line", .path.display())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads a file into a table that is known to be a valid part of a [`Config`].
pub(super) fn read(path: &Path) -> Result<toml::Table, FileError> {
    let text = std::fs::read_to_string(path).map_err(|reason| match reason.kind() {
        io::ErrorKind::InvalidData => FileError::NotUtf8 { path: path.to_owned() },
        _ => FileError::Unreadable { path: path.to_owned(), reason },
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<toml::Table, FileError> {
    let line_of = |span: Range<usize>| {
        text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1
    };
    let wrong = |error: toml::de::Error| FileError::Wrong {
        path: path.to_owned(),
        line: error.span().map_or(1, &line_of),
        reason: error.message().replace('\n', " "),
    };
    let spanned = DeTable::parse(text).map_err(wrong)?;
    if let Some((span, key, nearest)) = unknown_key(spanned.get_ref()) {
        return Err(FileError::UnknownKey {
            path: path.to_owned(),
            line: line_of(span),
            key,
            nearest,
        });
    }
    toml::from_str::<Config>(text).map_err(wrong)?;
    let mut table: toml::Table = text.parse().map_err(wrong)?;
    make_absolute(&mut table, path.parent().unwrap_or(Path::new("")));
    Ok(table)
}

/// The first key that no struct has, and the nearest one that does exist.
fn unknown_key(table: &DeTable<'_>) -> Option<(Range<usize>, String, String)> {
    for (section, value) in table {
        let name = section.get_ref().as_ref();
        let Some(keys) = fields::keys_of(name) else {
            return Some((section.span(), name.to_owned(), fields::nearest_to_section(name)));
        };
        let tables: Vec<_> = match value.get_ref() {
            DeValue::Table(table) => vec![table],
            DeValue::Array(items) => items.iter().filter_map(|i| i.get_ref().as_table()).collect(),
            _ => continue,
        };
        let mut written = tables.into_iter().flat_map(|table| table.keys());
        if let Some(key) = written.find(|key| !keys.contains(&key.get_ref().as_ref())) {
            let written = format!("{name}.{}", key.get_ref());
            return Some((
                key.span(),
                written,
                fields::nearest_to_key(name, key.get_ref()).join("."),
            ));
        }
    }
    None
}

fn make_absolute(table: &mut toml::Table, folder: &Path) {
    for (section, key) in PATHS {
        let path = table.get_mut(section).and_then(|section| section.get_mut(key));
        path.into_iter().for_each(|path| join(path, folder));
    }
    let sinks = table.get_mut("monitor").and_then(|monitor| monitor.get_mut("sinks"));
    let sinks = sinks.and_then(toml::Value::as_array_mut);
    sinks.into_iter().flatten().for_each(|sink| join_sink(sink, folder));
    let mounts = table.get_mut(fields::MOUNT).and_then(toml::Value::as_array_mut);
    for mount in mounts.into_iter().flatten() {
        for key in PATHS_OF_A_MOUNT {
            mount.get_mut(key).into_iter().for_each(|path| join(path, folder));
        }
    }
}

/// The same for the file of a sink.
fn join_sink(sink: &mut toml::Value, folder: &Path) {
    let Some(Ok(mut spec)) = sink.as_str().map(str::parse::<SinkSpec>) else { return };
    spec.change_path(|file| {
        if !file.starts_with("~") && !file.is_absolute() {
            *file = folder.join(&*file);
        }
    });
    *sink = toml::Value::String(spec.to_string());
}

/// Makes a relative path count from `folder`.
fn join(path: &mut toml::Value, folder: &Path) {
    let toml::Value::String(path) = path else { return };
    if path.is_empty() || path.starts_with("~/") || Path::new(path).is_absolute() {
        return;
    }
    if let Some(joined) = folder.join(&path).to_str() {
        *path = joined.to_owned();
    }
}

/// Whether `key` of `section` could hold `value`.
pub(super) fn accepts(section: &str, key: &str, value: toml::Value) -> Result<(), String> {
    let inner = toml::Table::from_iter([(key.to_owned(), value)]);
    let whole = toml::Table::from_iter([(section.to_owned(), toml::Value::Table(inner))]);
    Config::deserialize(whole).map(|_| ()).map_err(|error| error.message().replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("/etc/radio.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_names_file_line_and_the_nearest() {
        assert_eq!(
            error("[server]\nmountname = \"/a\"\nlisen = \"127.0.0.1:1\"\n"),
            "/etc/radio.toml, line 3: unknown key `server.lisen`; the nearest known one is `server.listen`"
        );
        assert!(
            error("[sever]\n")
                .contains("line 1: unknown key `sever`; the nearest known one is `[server]`")
        );
        assert!(error("listen = 1\n").ends_with("`server.listen`"));
        assert!(error("[server]\nhost = \"a\"\n").ends_with("`icecast.host`"));
        assert_eq!(
            error("[[mount]]\nname = \"/a\"\n[[mount]]\nname = \"/b\"\nhiden = true\n"),
            "/etc/radio.toml, line 5: unknown key `mount.hiden`; the nearest known one is `mount.hidden`"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_line() {
        let text = error("[server]\n\nmax_listeners = \"many\"\n");
        assert!(
            text.starts_with("/etc/radio.toml, line 3: invalid type: string \"many\""),
            "{text}"
        );
        let text = error("[stream]\nstart = \"later\"\n");
        assert!(text.contains("line 2: unknown variant `later`, expected one of"), "{text}");
        let text = error("[server]\ntls_listen = \"here\"\n");
        assert!(text.contains("line 2: invalid socket address syntax"), "{text}");
        let text = error("[server]\ndeny = [\"192.0.2.0/24\", \"here\"]\n");
        assert!(text.contains("line 2: `here` is neither an address nor a network"), "{text}");
        let text = error("[[mount]]\ncharset = \"utf\"\n");
        assert!(text.contains("line 2: unknown variant `utf`, expected one of"), "{text}");
        let text = error("[server\n");
        assert!(text.contains("line 1:"), "{text}");
    }

    #[test]
    fn relative_paths_count_from_the_folder_of_the_file() {
        let text = "[directories]\nmusic = \"songs\"\ndata = \"~/radio\"\n[server]\ntls_key = \"/k\"\n[monitor]\nsinks = [\"wav:a.wav\", \"wav:/b.wav\", \"alsa\"]\n[[mount]]\nintro = \"hello.mp3\"\n";
        let table = parse(Path::new("/etc/radio.toml"), text).unwrap();
        let beside = |name| Path::new("/etc").join(name).to_str().unwrap().to_owned();
        assert_eq!(table["directories"]["music"].as_str(), Some(&*beside("songs")));
        assert_eq!(table["directories"]["data"].as_str(), Some("~/radio"));
        assert_eq!(table["server"]["tls_key"].as_str(), Some("/k"));
        let sinks = table["monitor"]["sinks"].as_array().unwrap();
        let sinks: Vec<_> = sinks.iter().map(|sink| sink.as_str().unwrap()).collect();
        assert_eq!(sinks, [&*format!("wav:{}", beside("a.wav")), "wav:/b.wav", "alsa"]);
        assert_eq!(table["mount"][0]["intro"].as_str(), Some(&*beside("hello.mp3")));
    }
}
