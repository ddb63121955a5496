//! Playlists: small documents that tell a player where the stream is.

use super::{
    head::{StreamInfo, head_text},
    xml::escaped,
};

/// Their kinds, by the suffix behind the mount's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playlist {
    /// `.m3u`: one address a line.
    M3u,
    /// `.pls`: Winamp's and SHOUTcast's.
    Pls,
    /// `.xspf`: XML, from xiph.org.
    Xspf,
}

impl Playlist {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::M3u, Self::Pls, Self::Xspf];

    /// With its dot.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::M3u => ".m3u",
            Self::Pls => ".pls",
            Self::Xspf => ".xspf",
        }
    }

    /// As Icecast labels it; `.pls`, which it does not have, as SHOUTcast does.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::M3u => "audio/x-mpegurl",
            Self::Pls => "audio/x-scpls",
            Self::Xspf => "application/xspf+xml; charset=UTF-8",
        }
    }

    /// The document; `url` is the stream's whole address, `title` what plays.
    #[must_use]
    pub fn body(self, url: &str, title: &str, info: &StreamInfo) -> String {
        let name = head_text(&info.name);
        match self {
            Self::M3u => format!("{url}\r\n"),
            Self::Pls => format!(
                "[playlist]\r\nNumberOfEntries=1\r\nFile1={url}\r\nTitle1={name}\r\nLength1=-1\r\nVersion=2\r\n"
            ),
            Self::Xspf => xspf(url, title, info),
        }
    }
}

fn xspf(url: &str, title: &str, info: &StreamInfo) -> String {
    let [url, title, name, description, home] =
        [url, title, &info.name, &info.description, &info.url].map(escaped);
    let info = if home.is_empty() { String::new() } else { format!("      <info>{home}</info>\n") };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <playlist xmlns=\"http://xspf.org/ns/0/\" version=\"1\">\n  \
           <title>{name}</title>\n  \
           <trackList>\n    \
             <track>\n      \
               <location>{url}</location>\n      \
               <title>{title}</title>\n      \
               <annotation>{description}</annotation>\n\
         {info}    \
             </track>\n  \
           </trackList>\n\
         </playlist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str) -> StreamInfo {
        StreamInfo { name: name.into(), ..StreamInfo::default() }
    }

    #[test]
    fn m3u_is_the_address_alone() {
        let body = Playlist::M3u.body("http://h:8000/stream", "t", &info("n"));
        assert_eq!(body, "http://h:8000/stream\r\n");
    }

    #[test]
    fn pls_has_one_entry_and_a_name_on_one_line() {
        let body = Playlist::Pls.body("http://h/s", "t", &info("a\r\nFile2=http://evil/"));
        assert!(body.starts_with("[playlist]\r\nNumberOfEntries=1\r\nFile1=http://h/s\r\n"));
        assert!(body.contains("Title1=a  File2=http://evil/\r\n"));
    }

    #[test]
    fn xspf_keeps_hostile_text_out_of_its_markup() {
        let body = Playlist::Xspf.body("http://h/s", "</title><x>&\u{1}", &info("\"n\""));
        assert!(body.contains("<title>&lt;/title&gt;&lt;x&gt;&amp; </title>"), "{body}");
        assert!(body.contains("<location>http://h/s</location>"));
        assert!(!body.contains("<info>"));
    }
}
