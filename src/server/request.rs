//! A request's head, read from bytes that anyone may have sent.

use std::borrow::Cow;

use super::{login::Login, transport::Transport};

/// Longest head: bytes. Icecast takes 4 KiB; browsers with cookies need more.
pub const MAX_HEAD: usize = 8 * 1024;
/// Most header lines; twice what Icecast takes.
const MAX_HEADERS: usize = 64;
/// Characters of `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 200;

/// What the server looks at in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    /// The request line for the log: as it came, but for a password in its query.
    pub(super) line: String,
    /// All header lines: their names in lower case, their values trimmed, in their order.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    /// The path, percent-decoded; it may hold any byte. `*` for a request on the server itself.
    pub(super) path: Vec<u8>,
    /// What stands behind the question mark, as it came.
    pub(super) query: String,
    pub(super) host: Option<String>,
    pub(super) user_agent: Option<String>,
    /// `Icy-MetaData: 1`: the listener wants titles between the audio bytes.
    pub(super) wants_titles: bool,
    /// The name and the password that came along.
    pub(super) login: Option<Login>,
    /// It came over TLS, or a proxy in front of us says that its client did.
    pub(super) is_https: bool,
    /// It came to our own TLS port.
    pub(super) is_tls: bool,
}

/// Why a head is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHead {
    /// More than [`MAX_HEAD`] bytes, or too many lines: 431.
    TooLarge,
    /// Not HTTP: 400.
    Malformed,
}

/// How far the bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head {
    /// More must come.
    Partial,
    /// The head is whole.
    Whole(Box<Request>),
}

/// Looks at what has come; `seen` bytes of it were there the last time.
///
/// # Errors
/// As soon as it is certain that no good head will come of it.
pub(super) fn read_head(bytes: &[u8], seen: usize) -> Result<Head, BadHead> {
    // Empty lines before a request are to be ignored: RFC 9112 section 2.2.
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let head = bytes.get(blank..).unwrap_or(&[]);
    if head.first().is_some_and(|byte| !is_token(*byte)) {
        return Err(BadHead::Malformed);
    }
    match head_end(head, seen.saturating_sub(blank)) {
        Some(end) if blank + end <= MAX_HEAD => {
            parse(head.get(..end).unwrap_or(head)).map(|request| Head::Whole(Box::new(request)))
        }
        None if bytes.len() < MAX_HEAD => Ok(Head::Partial),
        _ => Err(BadHead::TooLarge),
    }
}

/// What came behind a whole head.
pub(super) fn behind_head(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let head = bytes.get(blank..).unwrap_or(&[]);
    head_end(head, 0).and_then(|end| head.get(end..)).unwrap_or(&[])
}

/// Where the empty line ends: `\n\r\n`, `\n\n`, or `\n\r\r\n`, which a program makes of the first whose
/// system puts a CR before each LF; Icecast takes all three. The search starts a little before `seen`.
fn head_end(head: &[u8], seen: usize) -> Option<usize> {
    let from = seen.saturating_sub(4);
    let tail = head.get(from..)?;
    memchr::memchr_iter(b'\n', tail).find_map(|at| match tail.get(at + 1..)? {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        [b'\r', b'\r', b'\n', ..] => Some(from + at + 4),
        _ => None,
    })
}

fn parse(head: &[u8]) -> Result<Request, BadHead> {
    let line_end = memchr::memchr(b'\n', head).ok_or(BadHead::Malformed)?;
    let (line, headers) = head.split_at(line_end + 1);
    let mut request = parse_line(line.trim_ascii_end())?;
    let headers = &*with_single_returns(headers);
    let mut slots = [httparse::EMPTY_HEADER; MAX_HEADERS];
    match httparse::parse_headers(headers, &mut slots) {
        Ok(httparse::Status::Complete((_, headers))) => {
            for header in headers {
                request.note(header);
            }
            Ok(request)
        }
        Err(httparse::Error::TooManyHeaders) => Err(BadHead::TooLarge),
        _ => Err(BadHead::Malformed),
    }
}

/// The same with one CR in place of two at the ends of lines.
fn with_single_returns(headers: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(headers, b"\r\r\n").is_none() {
        return Cow::Borrowed(headers);
    }
    let lines = headers.split_inclusive(|byte| *byte == b'\n');
    let single = lines.flat_map(|line| match line.strip_suffix(b"\r\r\n") {
        Some(text) => [text, b"\r\n"],
        None => [line, b""],
    });
    Cow::Owned(single.collect::<Vec<_>>().concat())
}

/// `METHOD target PROTOCOL/version`, where the protocol is HTTP or, from old source clients, ICE.
fn parse_line(line: &[u8]) -> Result<Request, BadHead> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(protocol), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(BadHead::Malformed);
    };
    let known = [&b"HTTP/1.0"[..], b"HTTP/1.1", b"ICE/1.0"].contains(&protocol);
    let printable = target.iter().all(|byte| *byte > b' ' && *byte != 0x7F);
    if !known || !printable || method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(BadHead::Malformed);
    }
    let mut request = Request {
        method: String::from_utf8_lossy(method).into_owned(),
        line: without_password(&String::from_utf8_lossy(line)),
        ..Request::default()
    };
    let origin = request.strip_authority(target)?;
    let mut halves = origin.splitn(2, |byte| *byte == b'?');
    request.path = percent_decoded(halves.next().unwrap_or(&[]));
    request.query = String::from_utf8_lossy(halves.next().unwrap_or(&[])).into_owned();
    Ok(request)
}

impl Request {
    /// The path and query of a target: `/path`, `*`, or a whole address, whose host counts for more
    /// than the header (RFC 9112 section 3.2.2).
    fn strip_authority<'a>(&mut self, target: &'a [u8]) -> Result<&'a [u8], BadHead> {
        // A source client that forgets the slash is told so by the handshake.
        let is_source = matches!(self.method.as_str(), "SOURCE" | "PUT");
        let is_bare = is_source && memchr::memmem::find(target, b"://").is_none();
        if target.starts_with(b"/") || target == b"*" || is_bare {
            return Ok(target);
        }
        let schemes = [&b"http://"[..], b"https://"];
        let rest = schemes.iter().find_map(|scheme| {
            let (start, rest) = target.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        });
        let rest = rest.ok_or(BadHead::Malformed)?;
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, origin) = rest.split_at(end);
        self.host = Some(String::from_utf8_lossy(authority).into_owned());
        Ok(if origin.is_empty() { b"/" } else { origin })
    }

    fn note(&mut self, header: &httparse::Header<'_>) {
        let value = header.value.trim_ascii();
        self.headers.push((header.name.to_ascii_lowercase(), value.to_vec()));
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("host") && self.host.is_none() {
            self.host = std::str::from_utf8(value).ok().map(str::to_owned);
        } else if is("user-agent") {
            let text = String::from_utf8_lossy(value);
            self.user_agent = Some(text.chars().take(MAX_USER_AGENT).collect());
        } else if is("icy-metadata") {
            self.wants_titles = value == b"1";
        } else if is("authorization") {
            self.login = Login::basic(value);
        }
    }

    /// The same, as it came over `stream`.
    pub(super) fn over(self, stream: &Transport) -> Self {
        let is_tls = stream.is_tls();
        Self { is_tls, is_https: is_tls || self.is_https, ..self }
    }

    /// The value of the first header with this name, which is in lower case; nothing where it is
    /// not there or no UTF-8.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|header| header.0 == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The value of a query's key, as it came.
    pub(super) fn argument(&self, key: &str) -> Option<&str> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|pair| pair.0 == key).map(|pair| pair.1)
    }
}

/// The line with `***` for the value of `pass` in its query.
fn without_password(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = ["?pass=", "&pass="].iter().filter_map(|key| rest.find(key)).min() {
        let (before, from) = rest.split_at_checked(at + "?pass=".len()).unwrap_or((rest, ""));
        shown.push_str(before);
        shown.push_str("***");
        rest = from.find(['&', ' ']).and_then(|end| from.get(end..)).unwrap_or_default();
    }
    shown.push_str(rest);
    shown
}

/// `%41` becomes `A`; what is no escape stays as it is.
pub(super) fn percent_decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let escape = match after {
            [high, low, ..] if byte == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        out.push(escape.map_or(byte, |(high, low)| high << 4 | low));
        rest = after.get(if escape.is_some() { 2 } else { 0 }..).unwrap_or(&[]);
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A character of a method's name: RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(head: &str) -> Request {
        match read_head(head.as_bytes(), 0) {
            Ok(Head::Whole(request)) => *request,
            other => panic!("{head:?}: {other:?}"),
        }
    }

    fn path_of(target: &str) -> Vec<u8> {
        whole(&format!("GET {target} HTTP/1.1\r\n\r\n")).path
    }

    #[test]
    fn a_players_request_is_read() {
        let request = whole(
            "GET /stream?burst=2&x HTTP/1.1\r\nHost: radio:8000\r\nuser-agent: Lavf/59\r\nIcy-MetaData: 1\r\n\r\n",
        );
        assert_eq!((request.method.as_str(), request.path.as_slice()), ("GET", &b"/stream"[..]));
        assert_eq!(request.host.as_deref(), Some("radio:8000"));
        assert_eq!(request.user_agent.as_deref(), Some("Lavf/59"));
        assert_eq!(request.argument("burst"), Some("2"));
        assert!(request.wants_titles && request.login.is_none());
        assert_eq!(request.header("icy-metadata"), Some("1"));
        assert_eq!(request.line, "GET /stream?burst=2&x HTTP/1.1");
    }

    #[test]
    fn a_password_in_the_query_is_not_in_the_line_for_the_log() {
        let request = whole("GET /a?user=b&pass=s%63&x=pass=1&pass=t HTTP/1.1\r\n\r\n");
        assert_eq!(request.line, "GET /a?user=b&pass=***&x=pass=1&pass=*** HTTP/1.1");
        assert_eq!(request.argument("pass"), Some("s%63"));
    }

    #[test]
    fn old_source_clients_speak_ice() {
        let request = whole("SOURCE /live ICE/1.0\nAuthorization: Basic YTpi\n\n");
        assert_eq!(request.method, "SOURCE");
        assert!(request.login.is_some());
    }

    #[test]
    fn every_form_of_a_target_leads_to_its_path() {
        assert_eq!(path_of("/stream"), b"/stream");
        assert_eq!(path_of("/%73tre%61m"), b"/stream");
        assert_eq!(path_of("http://h:1/stream?q"), b"/stream");
        assert_eq!(path_of("HTTP://h"), b"/");
        assert_eq!(path_of("*"), b"*");
        assert_eq!(path_of("/a%00b%0d%0a%zz%4"), b"/a\0b\r\n%zz%4");
        assert_eq!(whole("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n").host.as_deref(), Some("a"));
    }

    #[test]
    fn a_head_is_whole_with_its_last_byte_and_not_before() {
        let head = b"\r\nGET / HTTP/1.0\r\nA: b\r\n\r\nbody";
        for len in 0..head.len() {
            let got = read_head(&head[..len], len.saturating_sub(1)).unwrap();
            assert_eq!(matches!(got, Head::Whole(_)), len == head.len() - 4, "{len}");
            if len == head.len() - 4 {
                break;
            }
        }
    }

    #[test]
    fn every_end_of_line_that_icecast_takes_ends_a_line() {
        let asked = whole("GET /a HTTP/1.0\r\nHost: h\r\nIcy-MetaData: 1\r\n\r\n");
        for end in ["\n", "\r\r\n"] {
            let text = format!("GET /a HTTP/1.0{end}Host: h{end}Icy-MetaData: 1{end}{end}");
            assert_eq!(whole(&text), asked, "{end:?}");
            assert_eq!(behind_head(format!("{text}\r\nx").as_bytes()), b"\r\nx", "{end:?}");
            for cut in 1..text.len() {
                let cut_off = read_head(&text.as_bytes()[..cut], cut - 1);
                assert_eq!(cut_off, Ok(Head::Partial), "{end:?} {cut}");
            }
        }
        let mixed = "GET /a HTTP/1.0\nHost: h\r\r\nIcy-MetaData: 1\r\n\r\r\n";
        assert_eq!(whole(mixed), asked);
        // A CR anywhere else is none of a line's end, and of nothing else either.
        for bad in ["GET /a HTTP/1.0\r\nA: b\rX: y\r\n\r\n", "GET /a HTTP/1.0\r\nA: b\r\r\r\n\r\n"]
        {
            assert_eq!(read_head(bad.as_bytes(), 0), Err(BadHead::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_http_is_refused_at_its_first_byte() {
        // The first bytes of a TLS hello.
        assert_eq!(read_head(&[0x16, 3, 1], 0), Err(BadHead::Malformed));
    }

    #[test]
    fn bad_lines_are_refused() {
        for line in [
            "GET / HTTP/2.0",
            "GET /",
            "GET",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 x",
            "GET a HTTP/1.1",
            "GET /\u{1} HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "PRI * HTTP/2.0",
        ] {
            let head = format!("{line}\r\n\r\n");
            assert_eq!(read_head(head.as_bytes(), 0), Err(BadHead::Malformed), "{line:?}");
        }
    }

    #[test]
    fn heads_are_bounded_in_bytes_and_lines() {
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(MAX_HEAD));
        assert_eq!(read_head(long.as_bytes(), 0), Err(BadHead::TooLarge));
        assert_eq!(read_head(&[b'x'; MAX_HEAD], 0), Err(BadHead::TooLarge));
        assert_eq!(read_head(&[b'x'; MAX_HEAD - 1], 0), Ok(Head::Partial));
        let lines = |n| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(n));
        assert!(matches!(read_head(lines(64).as_bytes(), 0), Ok(Head::Whole(_))));
        assert_eq!(read_head(lines(65).as_bytes(), 0), Err(BadHead::TooLarge));
    }

    #[test]
    fn what_comes_behind_the_head_is_the_bodys_beginning() {
        assert_eq!(behind_head(b"\r\nPUT /a HTTP/1.1\r\na: b\r\n\r\n\n\nx"), b"\n\nx");
        assert_eq!(behind_head(b"SOURCE /a ICE/1.0\na: b\n\n"), b"");
        assert_eq!(whole("SOURCE live HTTP/1.0\r\n\r\n").path, b"live");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..600), seen in 0_usize..700) {
            let _ = read_head(&bytes, seen);
        }

        #[test]
        fn pieces_give_what_the_whole_gives(text in "[A-Z]{1,4} /[a-z%0-9]{0,8} HTTP/1[.]1\r{0,2}\n([a-z]{1,3}: [a-z]{0,3}\r{0,2}\n){0,4}\r{0,2}\n", cut in 0_usize..80) {
            let bytes = text.as_bytes();
            let cut = cut.min(bytes.len());
            let first = read_head(&bytes[..cut], 0).unwrap();
            let whole = read_head(bytes, 0).unwrap();
            if first == Head::Partial {
                prop_assert_eq!(read_head(bytes, cut).unwrap(), whole);
            } else {
                prop_assert_eq!(first, whole);
            }
        }
    }
}
