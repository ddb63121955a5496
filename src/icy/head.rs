//! Response heads, in Icecast 2.4's order and names.
//!
//! Always HTTP/1.0 and ended by closing: hardware players do not know chunks, and a stream has no
//! length. The order was read off a running Icecast 2.4.4.

use super::{audio::Sound, date::Date};

/// What a browser's script may read of a response from another origin.
pub const EXPOSED_HEADERS: &str =
    "icy-br, icy-description, icy-genre, icy-metaint, icy-name, icy-pub, icy-url, ice-audio-info";

/// Headers that stand in every response, behind `Content-Type`: nothing may be kept by a cache, and
/// every web page may listen.
pub const ANSWER_HEADERS: &str = "Cache-Control: no-cache, no-store\r\n\
     Expires: Mon, 26 Jul 1997 05:00:00 GMT\r\n\
     Pragma: no-cache\r\n\
     Access-Control-Allow-Origin: *\r\n";

/// The name that the program gives itself.
const SERVER: &str = concat!("musicdb-stream/", env!("CARGO_PKG_VERSION"));

/// What the operator says about the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamInfo {
    /// The stream's name; an empty field is left out of every response.
    pub name: String,
    /// A sentence about it.
    pub description: String,
    /// Its genre.
    pub genre: String,
    /// Its home page.
    pub url: String,
    /// Directories may list it.
    pub public: bool,
}

/// The head of an endless response of this type; `metaint` is set where the listener asked for titles.
#[must_use]
pub fn stream_head(
    content_type: &str,
    info: &StreamInfo,
    sound: &Sound,
    metaint: Option<usize>,
    date: Date,
) -> Vec<u8> {
    let mut head = preamble(200, content_type, "", date);
    head.push_str(&format!("Access-Control-Expose-Headers: {EXPOSED_HEADERS}\r\n"));
    if let Some(known) = sound.known {
        icy(&mut head, "icy-br:", &known.bitrate.to_string());
    }
    if let Some(audio_info) = sound.audio_info() {
        icy(&mut head, "ice-audio-info: ", &audio_info);
    }
    icy(&mut head, "icy-description:", &info.description);
    icy(&mut head, "icy-genre:", &info.genre);
    icy(&mut head, "icy-name:", &info.name);
    icy(&mut head, "icy-pub:", if info.public { "1" } else { "0" });
    icy(&mut head, "icy-url:", &info.url);
    if let Some(metaint) = metaint {
        icy(&mut head, "icy-metaint:", &metaint.to_string());
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A short response with a body of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body's type.
    pub content_type: &'static str,
    /// More headers, each with its line end.
    pub headers: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A page that says what went wrong, as Icecast writes it.
    #[must_use]
    pub fn error_page(status: u16, message: &str) -> Self {
        let body = format!(
            "<html><head><title>Error {status}</title></head><body><b>{status} - {message}</b></body></html>\r\n"
        );
        Self { status, content_type: "text/html; charset=utf-8", headers: String::new(), body }
    }

    /// A sentence.
    #[must_use]
    pub fn text(status: u16, message: &str) -> Self {
        let body = format!("{message}\r\n");
        Self { status, content_type: "text/plain; charset=utf-8", headers: String::new(), body }
    }

    /// A document.
    #[must_use]
    pub fn document(content_type: &'static str, body: String) -> Self {
        Self { status: 200, content_type, headers: String::new(), body }
    }

    /// A name and a password are wanted.
    #[must_use]
    pub fn login_wanted() -> Self {
        let headers = "WWW-Authenticate: Basic realm=\"Icecast2 Server\"\r\n".to_owned();
        Self { headers, ..Self::text(401, "You need to authenticate") }
    }

    /// The same is to be had there, this time.
    #[must_use]
    pub fn moved(location: &str) -> Self {
        let headers = format!("Location: {}\r\n", head_text(location));
        Self { headers, ..Self::text(302, "Listen there") }
    }

    /// What may be done with the resource, for `OPTIONS` and for browsers that ask beforehand.
    #[must_use]
    pub fn allowed(methods: &str) -> Self {
        let headers = format!(
            "Allow: {methods}\r\n\
             Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n\
             Access-Control-Allow-Headers: Icy-MetaData, Range, Authorization\r\n\
             Access-Control-Expose-Headers: {EXPOSED_HEADERS}\r\n\
             Access-Control-Max-Age: 300\r\n"
        );
        Self { status: 204, content_type: "", headers, body: String::new() }
    }

    /// The bytes to send; the answer to `HEAD` has everything but the body.
    #[must_use]
    pub fn to_bytes(&self, date: Date, is_head: bool) -> Vec<u8> {
        let mut answer = preamble(self.status, self.content_type, &self.headers, date);
        if self.status != 204 {
            answer.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        answer.push_str("\r\n");
        if !is_head {
            answer.push_str(&self.body);
        }
        answer.into_bytes()
    }
}

/// `text` as it may stand in a header or on a playlist's line: control characters become spaces.
#[must_use]
pub fn head_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn preamble(status: u16, content_type: &str, headers: &str, date: Date) -> String {
    let reason = reason(status);
    let date = date.http();
    let mut head = format!(
        "HTTP/1.0 {status} {reason}\r\nServer: {SERVER}\r\nConnection: Close\r\nDate: {date}\r\n"
    );
    if !content_type.is_empty() {
        head.push_str(&format!("Content-Type: {content_type}\r\n"));
    }
    head.push_str(headers);
    head.push_str(ANSWER_HEADERS);
    head
}

fn icy(head: &mut String, name: &str, value: &str) {
    let value = head_text(value);
    if !value.is_empty() {
        head.push_str(&format!("{name}{value}\r\n"));
    }
}

/// Reason phrases; 401 and 404 as Icecast words them.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Authentication Required",
        403 => "Forbidden",
        404 => "File Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::icy::AudioInfo;

    fn epoch() -> Date {
        Date::of(SystemTime::UNIX_EPOCH)
    }

    fn names(head: &[u8]) -> Vec<String> {
        let head = String::from_utf8(head.to_vec()).unwrap();
        let lines = head.split("\r\n").skip(1).take_while(|line| !line.is_empty());
        lines.map(|line| line.split(':').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_stream_head_has_icecasts_names_in_icecasts_order() {
        let info = StreamInfo {
            name: "N".into(),
            description: "D".into(),
            genre: "G".into(),
            url: "http://u/".into(),
            public: false,
        };
        let audio = AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 };
        let head = stream_head("audio/mpeg", &info, &Some(audio).into(), Some(16_000), epoch());
        let expected = [
            "Server",
            "Connection",
            "Date",
            "Content-Type",
            "Cache-Control",
            "Expires",
            "Pragma",
            "Access-Control-Allow-Origin",
            "Access-Control-Expose-Headers",
            "icy-br",
            "ice-audio-info",
            "icy-description",
            "icy-genre",
            "icy-name",
            "icy-pub",
            "icy-url",
            "icy-metaint",
        ];
        assert_eq!(names(&head), expected);
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"));
        assert!(head.contains("\r\nicy-br:128\r\n"));
        assert!(head.contains("\r\nicy-pub:0\r\n"));
        assert!(head.ends_with("icy-metaint:16000\r\n\r\n"));
    }

    #[test]
    fn empty_fields_and_titles_that_nobody_asked_for_are_left_out() {
        let head =
            stream_head("audio/mpeg", &StreamInfo::default(), &Sound::default(), None, epoch());
        let names = names(&head);
        assert_eq!(names.iter().filter(|name| name.starts_with("ic")).count(), 1, "{names:?}");
    }

    #[test]
    fn a_line_end_in_a_name_cannot_make_a_header() {
        let info = StreamInfo { name: "a\r\nX-Evil: 1\0".into(), ..StreamInfo::default() };
        let sound = Sound { said: "a=1\r\nX-Evil: 2".into(), ..Sound::default() };
        let head =
            String::from_utf8(stream_head("audio/mpeg", &info, &sound, None, epoch())).unwrap();
        assert!(head.contains("icy-name:a  X-Evil: 1\r\n"));
        assert!(head.contains("ice-audio-info: a=1  X-Evil: 2\r\n"));
    }

    #[test]
    fn the_answer_to_head_has_the_length_and_no_body() {
        let answer = Answer::text(403, "No.");
        let get = String::from_utf8(answer.to_bytes(epoch(), false)).unwrap();
        let head = String::from_utf8(answer.to_bytes(epoch(), true)).unwrap();
        assert_eq!(get, format!("{head}No.\r\n"));
        assert!(head.contains("Content-Length: 5\r\n"));
    }
}
