//! The corpus: requests as they should be, and with which status each is answered.
//!
//! They stand in `requests.txt`. What stands there in braces is filled in anew for each request:
//! `{own}` (a mount that may be a source client's), `{text}`, `{number}`, `{host}`, and the logins,
//! which are whole lines.

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{RngExt, rngs::SmallRng, seq::IndexedRandom};

use super::mp3::{Shape, song};

pub const ADMIN: &str = "admin-secret";
pub const SOURCE: &str = "source-secret";
pub const RELAY: &str = "relay-secret";
/// `ann`'s, in a file of the mount `/locked`.
pub const LISTENER: &str = "hackme";
/// What no answer may have as a header, and no playlist as a line.
pub const MARKER: &str = "X-Injected";
/// What no page and no XML may have as an element.
pub const ELEMENT: &str = "<injected/>";

const REQUESTS: &str = include_str!("requests.txt");
/// An Ogg page whose checksum is wrong, at which nobody looks.
const PAGE: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x0aOpusHead..";
const ADTS: &[u8] = b"\xff\xf1\x50\x80\x01\x1f\xfc\x21";
const TITLES: &[u8] = b"0123456789abcdef\x01StreamTitle='x';0123456789abcdef";

/// A kind of request.
#[derive(Debug)]
struct Sample {
    /// How often it comes.
    weight: u32,
    answers: Vec<u16>,
    lines: Vec<&'static str>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    None,
    /// Its length is told.
    Measured(&'static str),
    Bytes(Vec<u8>),
}

impl Sample {
    fn read(row: &'static str) -> Option<Self> {
        let (head, body) = row.split_once("||").unwrap_or((row, ""));
        let mut words = head.splitn(3, ' ');
        let (weight, answers, lines) = (words.next()?, words.next()?, words.next()?);
        let weight = weight.parse().ok()?;
        let answers = answers.split(',').map(|status| status.parse::<u16>().ok());
        let lines = lines.split(" | ").map(str::trim).collect();
        Some(Self { weight, answers: answers.collect::<Option<_>>()?, lines, body: body_of(body)? })
    }
}

fn body_of(words: &'static str) -> Option<Body> {
    let words = words.trim();
    let (kind, text) = words.split_once(' ').unwrap_or((words, ""));
    let frames = || song(Shape::default(), 6);
    Some(match kind {
        "" => Body::None,
        "json" => Body::Measured(text),
        "text" => Body::Bytes(text.into()),
        "frames" => Body::Bytes(frames()),
        "chunks" => Body::Bytes(in_chunks(&frames())),
        "page" => Body::Bytes(PAGE.into()),
        "adts" => Body::Bytes(ADTS.into()),
        "titles" => Body::Bytes(TITLES.into()),
        _ => return None,
    })
}

fn in_chunks(bytes: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in bytes.chunks(700) {
        chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    chunks
}

/// All requests, and what differs from one server to another.
#[derive(Debug)]
pub struct Corpus {
    samples: Vec<Sample>,
    host: String,
    token: String,
    weights: u32,
}

impl Corpus {
    pub fn new(host: String, token: String) -> Self {
        let rows = REQUESTS.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
        let read = |row| Sample::read(row).unwrap_or_else(|| panic!("requests.txt: {row}"));
        let samples: Vec<Sample> = rows.map(read).collect();
        let weights = samples.iter().map(|sample| sample.weight).sum();
        Self { samples, host, token, weights }
    }

    /// One of the requests, and the statuses that it may get.
    pub fn draw(&self, rng: &mut SmallRng) -> (Vec<u8>, &[u16]) {
        let mut at = rng.random_range(0..self.weights);
        let mut sample = &self.samples[0];
        for next in &self.samples {
            sample = next;
            if at < next.weight {
                break;
            }
            at -= next.weight;
        }
        (self.fill(sample, rng), &sample.answers)
    }

    fn fill(&self, sample: &Sample, rng: &mut SmallRng) -> Vec<u8> {
        let mut request = Vec::new();
        for (n, line) in sample.lines.iter().enumerate() {
            self.fill_line(line, n == 0, rng, &mut request);
            request.extend_from_slice(b"\r\n");
        }
        let body = match &sample.body {
            Body::None => &[],
            Body::Bytes(bytes) => bytes.as_slice(),
            Body::Measured(text) => {
                let length = format!("Content-Length: {}\r\n", text.len());
                request.extend_from_slice(length.as_bytes());
                text.as_bytes()
            }
        };
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        request
    }

    fn fill_line(&self, line: &str, is_first: bool, rng: &mut SmallRng, out: &mut Vec<u8>) {
        let mut rest = line;
        while let Some((before, from)) = rest.split_once('{') {
            let (name, behind) = from.split_once('}').unwrap();
            out.extend_from_slice(before.as_bytes());
            rest = behind;
            let basic = |login: String| format!("Authorization: Basic {}", STANDARD.encode(login));
            let filled = match name {
                "host" => self.host.clone(),
                "own" => format!("/f{}", rng.random_range(0..8)),
                "number" => (*NUMBERS.choose(rng).unwrap()).to_owned(),
                "admin" => basic(format!("admin:{ADMIN}")),
                "source" => basic(format!("source:{SOURCE}")),
                "relay" => basic(format!("relay:{RELAY}")),
                "listener" => basic(format!("ann:{LISTENER}")),
                "wrong" => basic(format!("admin:{}", rng.random::<u32>())),
                "token" => format!("Authorization: Bearer {}", self.token),
                // In a header it comes as it is, in the request line as it must.
                "text" if is_first => escaped(rng),
                "text" => TEXTS.choose(rng).unwrap().replace(char::is_control, " "),
                other => panic!("requests.txt: {other}"),
            };
            out.extend_from_slice(filled.as_bytes());
        }
        out.extend_from_slice(rest.as_bytes());
    }
}

/// Numbers at which something begins or ends.
pub const NUMBERS: [&str; 10] = [
    "0",
    "1",
    "-1",
    "255",
    "65536",
    "4294967295",
    "9223372036854775808",
    "1e9",
    "0x10",
    "00000017",
];

/// What titles, names and queries may hold of evil.
pub const TEXTS: [&str; 14] = [
    "Artist - Title",
    "a\r\nX-Injected: 1\r\n\r\nb",
    "a\nX-Injected: 1",
    "a\rX-Injected: 1",
    "';StreamUrl='http://evil/';",
    "<injected/>",
    "\"><injected/>&amp;",
    "%0d%0aX-Injected:%201",
    "\u{0}\u{1b}[31m",
    "Käse 日本 \u{2028}\u{202e}",
    "\\\",\"x\":{",
    "-",
    "../../../etc/passwd",
    "{}",
];

/// A text as it stands in a URL: all of it percent-encoded, in either case.
fn escaped(rng: &mut SmallRng) -> String {
    let text = TEXTS.choose(rng).unwrap();
    let upper = rng.random_bool(0.5);
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte if upper => format!("%{byte:02X}"),
        byte => format!("%{byte:02x}"),
    };
    text.bytes().map(one).collect()
}
