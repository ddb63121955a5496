//! Mutations: a request of the corpus, or what is left of it, and how it is sent.

use std::net::Ipv4Addr;

use rand::{RngExt, SeedableRng, rngs::SmallRng, seq::IndexedRandom};

use super::corpus::{Corpus, NUMBERS};

/// Requests in so many that are sent as they should be.
const UNTOUCHED: u32 = 8;
/// Changes to one request: one is understood more often than four.
const CHANGES: [usize; 7] = [1, 1, 1, 2, 2, 3, 4];
/// What becomes no longer than this: bytes.
const LONGEST: usize = 48 * 1024;

/// One request and how it is sent; the seed and the number say all of it.
#[derive(Debug)]
pub struct Case<'a> {
    pub number: u64,
    pub bytes: Vec<u8>,
    /// Where what is sent at once ends, but for the last piece.
    pub cuts: Vec<usize>,
    pub end: End,
    /// The address of the client.
    pub from: Ipv4Addr,
    /// With which status it must be answered, where that is known.
    pub answers: Option<&'a [u16]>,
}

/// What the client does behind its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It reads.
    Wait,
    /// It ends its side, then it reads.
    Shut,
    /// It is gone without having read.
    Vanish,
}

/// Pieces that mean something to somebody.
const TOKENS: [&[u8]; 40] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\r\n",
    b"\r\n\r\n",
    b"\0",
    b"\t",
    b" ",
    b"\r\nX-Injected: 1",
    b"\nX-Injected: 1\n",
    b"%0d%0aX-Injected:%201",
    b"%0D%0A%0D%0A",
    b"%00",
    b"%",
    b"%zz",
    b"%C3",
    b"//",
    b"/..",
    b"?",
    b"&",
    b"=",
    b"#",
    b";",
    b":",
    b"'",
    b"\"",
    b"\xff\xfe",
    b"<injected/>",
    b"\r\nContent-Length: 99999999999",
    b"\r\nContent-Length: -1",
    b"\r\nContent-Length: 5",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nExpect: 100-continue",
    b"\r\nConnection: Upgrade",
    b"\r\nHost: a\r\nHost: b",
    b"\r\nIcy-MetaData: 1",
    b"HTTP/1.1",
    b"HTTP/2.0",
    b"ICE/1.0",
    b"\r\n folded",
];

const METHODS: [&[u8]; 14] = [
    b"GET",
    b"HEAD",
    b"OPTIONS",
    b"PUT",
    b"SOURCE",
    b"POST",
    b"DELETE",
    b"STATS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"get",
    b"",
    b"X-INJECTED",
];

impl<'a> Case<'a> {
    pub fn of(corpus: &'a Corpus, seed: u64, number: u64) -> Self {
        // One stream of chance for each: any case can be made again alone.
        let mut rng = SmallRng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let (mut bytes, answers) = corpus.draw(&mut rng);
        let is_untouched = rng.random_ratio(1, UNTOUCHED);
        if !is_untouched {
            for _ in 0..*CHANGES.choose(&mut rng).unwrap() {
                change(&mut bytes, corpus, &mut rng);
            }
            bytes.truncate(LONGEST);
        }
        let cuts = cuts(bytes.len(), &mut rng);
        let end = match rng.random_range(0..20) {
            0 if !is_untouched && !ends_listeners(&bytes) => End::Vanish,
            1..=8 if !is_untouched => End::Shut,
            _ => End::Wait,
        };
        let from = if is_untouched { address(&mut rng) } else { any_address(&mut rng) };
        Self { number, bytes, cuts, end, from, answers: is_untouched.then_some(answers) }
    }
}

/// Whoever asks for this hears whether it was done.
fn ends_listeners(bytes: &[u8]) -> bool {
    [&b"kill"[..], b"move", b"%"].iter().any(|word| memchr::memmem::find(bytes, word).is_some())
}

/// One of 13 million: those that fail are told apart, and few fail often.
fn address(rng: &mut SmallRng) -> Ipv4Addr {
    let [b, c, d] = [rng.random_range(1..=200), rng.random(), rng.random_range(1..=254)];
    Ipv4Addr::new(127, b, c, d)
}

/// Or one of a few from where wrong passwords come all the time.
fn any_address(rng: &mut SmallRng) -> Ipv4Addr {
    let is_notorious = rng.random_ratio(1, 50);
    if is_notorious { Ipv4Addr::new(127, 0, 0, rng.random_range(2..6)) } else { address(rng) }
}

fn cuts(len: usize, rng: &mut SmallRng) -> Vec<usize> {
    let most = match rng.random_range(0..10) {
        0 => 8,
        1 | 2 => 2,
        _ => 0,
    };
    let mut cuts: Vec<usize> = (0..most).map(|_| rng.random_range(0..=len)).collect();
    cuts.sort_unstable();
    cuts
}

/// A place in `bytes`, rather in the first lines than in a body.
fn place(bytes: &[u8], rng: &mut SmallRng) -> usize {
    let end = if rng.random_ratio(3, 4) { bytes.len().min(120) } else { bytes.len() };
    rng.random_range(0..=end)
}

fn change(bytes: &mut Vec<u8>, corpus: &Corpus, rng: &mut SmallRng) {
    let at = place(bytes, rng);
    match rng.random_range(0..18) {
        0..=3 => {
            let token = TOKENS.choose(rng).unwrap();
            bytes.splice(at..at, token.iter().copied());
        }
        4 | 5 => {
            let token = TOKENS.choose(rng).unwrap();
            let end = (at + token.len()).min(bytes.len());
            bytes.splice(at..end, token.iter().copied());
        }
        6 | 7 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << rng.random_range(0..8);
            }
        }
        8 => {
            let end = (at + rng.random_range(1..20)).min(bytes.len());
            bytes.drain(at..end);
        }
        9 => {
            let end = bytes.iter().position(|byte| *byte == b' ').unwrap_or(0);
            let method = METHODS.choose(rng).unwrap();
            bytes.splice(..end, method.iter().copied());
        }
        10 => change_ends(bytes, rng),
        11 => change_lines(bytes, rng),
        12 => bytes.truncate(at),
        13 => {
            let length = [200, 4_000, 9_000, 20_000].choose(rng).unwrap();
            let filling = [b'x', b'%', b' ', b'/', 0xC3, b'='].choose(rng).unwrap();
            bytes.splice(at..at, std::iter::repeat_n(*filling, *length));
        }
        14 => {
            let behind: Vec<u8> = if rng.random_bool(0.5) {
                corpus.draw(rng).0
            } else {
                (0..rng.random_range(1..300)).map(|_| rng.random::<u8>()).collect()
            };
            bytes.extend_from_slice(&behind);
        }
        15 => {
            let other = corpus.draw(rng).0;
            let from = place(&other, rng);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        16 => number(bytes, at, rng),
        _ => {
            if rng.random_ratio(1, 4) {
                *bytes = (0..rng.random_range(1..400)).map(|_| rng.random::<u8>()).collect();
            } else {
                escape(bytes, at);
            }
        }
    }
}

/// Other ends of lines, all of them or each by itself.
fn change_ends(bytes: &mut Vec<u8>, rng: &mut SmallRng) {
    let ends: [&[u8]; 5] = [b"\n", b"\r\r\n", b"\r", b"\r\n\t", b"\r\n"];
    let (one, is_mixed) = (*ends.choose(rng).unwrap(), rng.random_bool(0.3));
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let mut changed = Vec::with_capacity(bytes.len() + lines.len() * 2);
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            changed.extend_from_slice(if is_mixed {
                ends.choose(rng).unwrap_or(&one)
            } else {
                one
            });
        }
        changed.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    *bytes = changed;
}

/// A header line twice, many times, elsewhere or not at all.
fn change_lines(bytes: &mut Vec<u8>, rng: &mut SmallRng) {
    let mut lines: Vec<Vec<u8>> =
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = rng.random_range(0..lines.len().max(1));
    let Some(line) = lines.get(at).cloned() else { return };
    match rng.random_range(0..4) {
        0 => lines.insert(at, line),
        1 => drop(lines.splice(at..at, vec![line; rng.random_range(20..200)])),
        2 => {
            let other = rng.random_range(0..lines.len());
            lines.swap(at, other);
        }
        _ => drop(lines.remove(at)),
    }
    *bytes = lines.concat();
}

/// Another number in place of the next one.
fn number(bytes: &mut Vec<u8>, at: usize, rng: &mut SmallRng) {
    let Some(begin) = bytes[at..].iter().position(u8::is_ascii_digit).map(|n| at + n) else {
        return;
    };
    let end = bytes[begin..].iter().position(|byte| !byte.is_ascii_digit());
    let end = end.map_or(bytes.len(), |n| begin + n);
    let other = NUMBERS.choose(rng).unwrap();
    bytes.splice(begin..end, other.bytes());
}

/// Percent-encodes some bytes.
fn escape(bytes: &mut Vec<u8>, at: usize) {
    let end = (at + 5).min(bytes.len());
    let escaped: String = bytes[at..end].iter().map(|byte| format!("%{byte:02x}")).collect();
    bytes.splice(at..end, escaped.bytes());
}
