//! The verdict: what must hold of every answer, whatever was asked.

use super::{
    corpus::{ELEMENT, MARKER},
    mutation::{Case, End},
};

/// Every status that there is a reason for.
const STATUSES: [u16; 22] = [
    100, 200, 201, 202, 204, 302, 400, 401, 403, 404, 405, 408, 409, 411, 412, 413, 415, 417, 422,
    431, 501, 503,
];
/// Where a head may be cut off: as the server documents it.
const MAX_HEAD: usize = musicdb_stream::server::MAX_HEAD;
/// Bytes that only the front door answers, and at once.
const OURS: [&[u8]; 9] = [
    b"/stream",
    b"/stream.mp3",
    b"/stream.m3u",
    b"/stream.pls",
    b"/stream.xspf",
    b"/stream.mp3.m3u",
    b"/stream.mp3.xspf",
    b"/status-json.xsl",
    b"*",
];

/// What came back.
#[derive(Debug)]
pub struct Heard {
    pub bytes: Vec<u8>,
    pub over: Over,
    /// The client had ended its side before anything came.
    pub shut_first: bool,
}

/// Why no more was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Closed,
    Reset,
    /// It is an endless stream, and enough of it has come.
    Enough,
    /// Neither an answer nor an end.
    Silence,
    /// The client has gone.
    Vanished,
}

/// What there is to tell of a right answer.
#[derive(Debug, Default)]
pub struct Seen {
    pub status: Option<u16>,
    /// A listener was ended or moved by it.
    pub ends_listener: bool,
    /// It says how long to wait after wrong passwords.
    pub is_locked_out: bool,
}

struct Head<'a> {
    status: u16,
    headers: Vec<(&'a str, &'a str)>,
}

impl Head<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0.eq_ignore_ascii_case(name)).map(|h| h.1)
    }
}

/// What a request amounts to, by bytes alone.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Nobody has to answer it.
    Part,
    Whole,
}

/// # Errors
/// What is wrong.
pub fn judge(case: &Case<'_>, heard: &Heard) -> Result<Seen, String> {
    match heard.over {
        Over::Vanished => return Ok(Seen::default()),
        Over::Silence => return Err(format!("silence after {} bytes", heard.bytes.len())),
        Over::Closed | Over::Reset | Over::Enough => {}
    }
    if heard.bytes.is_empty() {
        // Whoever handles pages takes the end of a client's side for the end of the client.
        let may_be_wordless = asked(&case.bytes) == Asked::Part
            || (heard.shut_first && !is_ours(&case.bytes))
            || case.end == End::Vanish;
        return if may_be_wordless {
            Ok(Seen::default())
        } else {
            Err("closed without a word".into())
        };
    }
    let (mut head, mut body) = read_head(&heard.bytes)?;
    if head.status == 100 {
        (head, body) = read_head(body)?;
    }
    check_body(case, heard, &head, body)?;
    if let Some(answers) = case.answers
        && !answers.contains(&head.status)
    {
        return Err(format!("{} in place of {answers:?}", head.status));
    }
    if head.status == 401 && head.header("WWW-Authenticate").is_none() {
        return Err("401 without a challenge".into());
    }
    let has = |words: &[u8]| memchr::memmem::find(body, words).is_some();
    Ok(Seen {
        status: Some(head.status),
        ends_listener: has(b" removed<") || has(b"Clients moved from "),
        is_locked_out: head.header("Retry-After").is_some(),
    })
}

/// It is less than a head: nobody has to answer it before its client ends its side.
pub fn is_part(bytes: &[u8]) -> bool {
    asked(bytes) == Asked::Part
}

/// A request whose head is whole, or can never be, must be answered.
fn asked(bytes: &[u8]) -> Asked {
    let head = start(bytes);
    let Some(first) = head.first() else { return if_long(bytes) };
    if !first.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(first) {
        return Asked::Whole;
    }
    let ends: [&[u8]; 3] = [b"\n\n", b"\n\r\n", b"\n\r\r\n"];
    if ends.iter().any(|end| memchr::memmem::find(head, end).is_some()) {
        return Asked::Whole;
    }
    if_long(bytes)
}

fn if_long(bytes: &[u8]) -> Asked {
    if bytes.len() < MAX_HEAD { Asked::Part } else { Asked::Whole }
}

/// Without the empty lines that may come first.
fn start(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    &bytes[blank..]
}

fn is_ours(bytes: &[u8]) -> bool {
    let line = start(bytes).split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let is_source = matches!(method, b"SOURCE" | b"PUT") && !unescaped(path).starts_with(b"/api/");
    is_source || path.starts_with(b"/admin/") || OURS.contains(&path)
}

/// With the bytes that escapes stand for; what is no escape stays.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut plain, mut rest) = (Vec::new(), path);
    while let Some((first, behind)) = rest.split_first() {
        let escape = match behind {
            [high, low, ..] if *first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        plain.push(escape.map_or(*first, |(high, low)| high << 4 | low));
        rest = if escape.is_some() { &behind[2..] } else { behind };
    }
    plain
}

/// Whether the answer to it has no body.
pub fn is_head(bytes: &[u8]) -> bool {
    start(bytes).starts_with(b"HEAD ")
}

fn read_head(bytes: &[u8]) -> Result<(Head<'_>, &[u8]), String> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n").ok_or("half an answer")?;
    let (text, body) = (&bytes[..end], &bytes[end + 4..]);
    let text = std::str::from_utf8(text).map_err(|_| "a head that is no UTF-8")?;
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let mut words = line.splitn(3, ' ');
    let (version, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !["HTTP/1.0", "HTTP/1.1"].contains(&version) || status.len() != 3 || words.next().is_none() {
        return Err(format!("no status line: {line:?}"));
    }
    let status = status.parse().map_err(|_| format!("no status: {line:?}"))?;
    if !STATUSES.contains(&status) {
        return Err(format!("no reason for a status {status}"));
    }
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(format!("no header: {line:?}"))?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if name.is_empty() || !is_name || value.contains(|c: char| c.is_control() && c != '\t') {
            return Err(format!("no header: {line:?}"));
        }
        if name.eq_ignore_ascii_case(MARKER) {
            return Err("the request has made a header".into());
        }
        headers.push((name, value.trim()));
    }
    Ok((Head { status, headers }, body))
}

fn check_body(case: &Case<'_>, heard: &Heard, head: &Head<'_>, body: &[u8]) -> Result<(), String> {
    let is_stream = heard.over == Over::Enough;
    let lengths = head.headers.iter().filter(|h| h.0.eq_ignore_ascii_case("Content-Length"));
    let length = match lengths.map(|header| header.1).collect::<Vec<_>>()[..] {
        [] => None,
        [length] => Some(length.parse::<usize>().map_err(|_| format!("no length: {length}"))?),
        _ => return Err("two lengths".into()),
    };
    if head.status == 204 || is_head(&case.bytes) {
        return if body.is_empty() { Ok(()) } else { Err("a body that must not be".into()) };
    }
    let Some(length) = length else {
        // A source client is welcomed by a bare status line.
        let is_welcome = head.headers.is_empty() && head.status == 200;
        return match (is_stream, is_welcome, body) {
            (true, ..) | (false, true, []) => Ok(()),
            _ => Err(format!("{} bytes of a body without a length", body.len())),
        };
    };
    if body.len() != length {
        return Err(format!("{} bytes in place of {length}", body.len()));
    }
    check_content(head.header("Content-Type").unwrap_or_default(), body)
}

fn check_content(kind: &str, body: &[u8]) -> Result<(), String> {
    let has = |words: &str| memchr::memmem::find(body, words.as_bytes()).is_some();
    if kind.starts_with("application/json") {
        let json = serde_json::from_slice::<serde_json::Value>(body);
        return json.map(drop).map_err(|error| format!("no JSON: {error}"));
    }
    if (kind.contains("xml") || kind.contains("html")) && has(ELEMENT) {
        return Err("the request has made an element".into());
    }
    let is_playlist = matches!(kind, "audio/x-mpegurl" | "audio/x-scpls");
    if is_playlist && (has(&format!("\n{MARKER}")) || has(&format!("\r{MARKER}"))) {
        return Err("the request has made a line".into());
    }
    if kind == "audio/x-mpegurl" && body.iter().filter(|byte| **byte == b'\n').count() != 1 {
        return Err("a playlist of more than one line".into());
    }
    Ok(())
}
