//! The banner: what `serve` tells at its start, so that the next step needs no manual.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use super::layout::count;
use crate::config::local_url;

/// What the banner tells of.
pub(super) struct Banner<'a> {
    /// The address that is listened on, as bound.
    pub(super) listen: SocketAddr,
    /// The address where TLS is listened for, as bound.
    pub(super) tls: Option<SocketAddr>,
    /// The path of the stream.
    pub(super) mount: &'a str,
    /// The link to the page.
    pub(super) control: &'a str,
    /// What is played.
    pub(super) plays: Plays<'a>,
    /// This machine's address in the local network, where it is known.
    pub(super) network: Option<IpAddr>,
    /// Host and mount of the Icecast that the stream goes to as well.
    pub(super) icecast: Option<&'a str>,
}

/// What is played.
pub(super) enum Plays<'a> {
    /// The demo.
    Demo,
    /// The songs of the library.
    Library {
        /// The music folder.
        folder: &'a Path,
        /// Playable songs that are known already.
        songs: u64,
    },
}

impl Banner<'_> {
    /// The lines, each with its end.
    pub(super) fn text(&self) -> String {
        let mut text = format!("musicdb-stream {}\n\n", env!("CARGO_PKG_VERSION"));
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<9}{value}");
        };
        line("Listen", &format!("{}{}", local_url(self.listen), self.mount));
        if let Some(tls) = self.tls {
            let url = local_url(tls).replacen("http", "https", 1);
            line("", &format!("{url}{}", self.mount));
        }
        line("Control", self.control);
        let (plays, hint) = self.plays.lines();
        line("Plays", &plays);
        if let Some(hint) = hint {
            line("", &hint);
        }
        if let Some(icecast) = self.icecast {
            line("Icecast", icecast);
        }
        line("Others", &self.others());
        line("Stop", "Ctrl-C");
        text.push('\n');
        text
    }

    /// How other devices listen.
    fn others(&self) -> String {
        let port = self.listen.port();
        if self.listen.ip().is_loopback() {
            return format!(
                "only this machine can listen; for other devices: --listen 0.0.0.0:{port}"
            );
        }
        let ip =
            if self.listen.ip().is_unspecified() { self.network } else { Some(self.listen.ip()) };
        match ip {
            Some(ip) => format!("http://{}{}", SocketAddr::new(ip, port), self.mount),
            None => format!("other devices reach it by this machine's address, port {port}"),
        }
    }
}

impl Plays<'_> {
    fn lines(&self) -> (String, Option<String>) {
        match self {
            Self::Demo => ("the demo: three short pieces, over and over".to_owned(), None),
            Self::Library { folder, .. } if folder.as_os_str().is_empty() => (
                "silence: no music folder is set".to_owned(),
                Some("start with --music DIR, or try --demo".to_owned()),
            ),
            Self::Library { folder, .. } if !folder.is_dir() => (
                format!("silence: there is no folder {}", folder.display()),
                Some("start with --music DIR, or try --demo".to_owned()),
            ),
            Self::Library { folder, songs: 0 } => (
                format!("the first song that is found in {}", folder.display()),
                Some(
                    "no MP3 files there? Put some there, start with --music DIR, or try --demo"
                        .to_owned(),
                ),
            ),
            Self::Library { folder, songs } => {
                (format!("{} of {}", count(*songs, "song"), folder.display()), None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner<'a>(listen: &str, plays: Plays<'a>) -> Banner<'a> {
        Banner {
            listen: listen.parse().unwrap(),
            tls: None,
            mount: "/stream",
            control: "http://127.0.0.1:8000/",
            plays,
            network: Some("192.0.2.7".parse().unwrap()),
            icecast: None,
        }
    }

    #[test]
    fn the_demo_on_this_machine() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            banner("127.0.0.1:8000", Plays::Demo).text(),
            format!(
                "musicdb-stream {version}\n\n\
                 \x20 Listen   http://127.0.0.1:8000/stream\n\
                 \x20 Control  http://127.0.0.1:8000/\n\
                 \x20 Plays    the demo: three short pieces, over and over\n\
                 \x20 Others   only this machine can listen; for other devices: --listen 0.0.0.0:8000\n\
                 \x20 Stop     Ctrl-C\n\n"
            )
        );
    }

    #[test]
    fn other_devices_get_an_address_that_they_can_use() {
        let open = banner("0.0.0.0:9000", Plays::Demo);
        assert!(open.text().contains("Listen   http://127.0.0.1:9000/stream\n"));
        assert!(open.text().contains("Others   http://192.0.2.7:9000/stream\n"));
        let unknown = Banner { network: None, ..banner("0.0.0.0:9000", Plays::Demo) };
        assert!(unknown.text().contains("port 9000\n"));
        let fixed = Banner { icecast: Some("radio:8000/x"), ..banner("192.0.2.9:80", Plays::Demo) };
        assert!(
            fixed.text().contains("Icecast  radio:8000/x\n  Others   http://192.0.2.9:80/stream\n")
        );
    }

    #[test]
    fn the_address_behind_tls_stands_beside_the_plain_one() {
        let tls = Some("0.0.0.0:8443".parse().unwrap());
        let text = Banner { tls, ..banner("127.0.0.1:80", Plays::Demo) }.text();
        let both =
            "Listen   http://127.0.0.1:80/stream\n           https://127.0.0.1:8443/stream\n";
        assert!(text.contains(both), "{text}");
    }

    #[test]
    fn without_songs_it_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            |folder: &Path, songs| banner("127.0.0.1:1", Plays::Library { folder, songs }).text();
        assert!(text(Path::new(""), 0).contains("silence: no music folder is set"));
        let missing = text(&folder.path().join("missing"), 0);
        assert!(missing.contains("silence: there is no folder") && missing.contains("--music DIR"));
        assert!(text(folder.path(), 0).contains("the first song that is found in"));
        let named = format!("Plays    1 song of {}", folder.path().display());
        assert!(text(folder.path(), 1).contains(&named));
    }
}
