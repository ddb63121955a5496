//! Ogg from a source client: whole pages, and the header pages that every decoder needs first.
//!
//! ```text
//! "OggS" | version 0 | flags | granule position:8 | serial:4 | number:4 | CRC:4 | n | n lengths | body
//!                      1 continued, 2 beginning (BOS), 4 end (EOS)          RFC 3533 section 6
//! ```
//!
//! A stream begins with pages marked BOS and the pages of its headers, whose granule position is 0;
//! from the first page with another one on there is sound. A page whose packet ends elsewhere has
//! the position -1. Where a chained stream begins, so does another heading.

use std::time::Instant;

use super::{arrival::Arrival, comment::title_of, intake::Unusable};
use crate::relay::{RING_BYTES, Relay};

const CAPTURE: &[u8] = b"OggS";
const HEAD: usize = 27;
const BOS: u8 = 2;
/// Longest page: its head, 255 lengths, 255 times 255 bytes.
const MAX_PAGE: usize = HEAD + 255 + 255 * 255;
/// Longest heading that is kept.
const MAX_HEADING: usize = RING_BYTES / 2;
/// Bytes in a row that are no page, after which a source is given up.
const MAX_JUNK: usize = 2 * MAX_PAGE;

/// The page cutter.
#[derive(Debug)]
pub(super) struct Ogg {
    /// Less than a page, and one read.
    buffer: Vec<u8>,
    /// Header pages of a stream whose sound has not begun.
    heading: Option<Vec<u8>>,
    junk: usize,
    arrival: Arrival,
}

/// What is looked at of a page.
#[derive(Debug, Clone, Copy)]
struct Page {
    len: usize,
    is_first: bool,
    granule: i64,
}

/// What goes on.
#[derive(Debug)]
enum Piece<'a> {
    Heading(Vec<u8>),
    Sound(&'a [u8]),
}

impl Ogg {
    pub(super) fn new(now: Instant) -> Self {
        Self { buffer: Vec::new(), heading: None, junk: 0, arrival: Arrival::new(now) }
    }

    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        relay: &Relay,
        now: Instant,
    ) -> Result<(), Unusable> {
        self.buffer.extend_from_slice(bytes);
        let buffer = std::mem::take(&mut self.buffer);
        let (mut rest, mut pieces) = (buffer.as_slice(), Vec::new());
        let result = loop {
            let skipped = capture(rest);
            rest = rest.get(skipped..).unwrap_or(&[]);
            self.junk += skipped;
            if self.junk > MAX_JUNK {
                break Err(Unusable::NotAsSaid("Ogg"));
            }
            let Some(page) = Page::read(rest) else { break Ok(()) };
            if page.len == 0 {
                // "OggS" in the middle of something else.
                rest = rest.get(1..).unwrap_or(&[]);
                self.junk += 1;
                continue;
            }
            let Some((bytes, after)) = rest.split_at_checked(page.len) else { break Ok(()) };
            rest = after;
            self.junk = 0;
            if let Err(error) = self.pass(page, bytes, &mut pieces) {
                break Err(error);
            }
        };
        self.buffer.extend_from_slice(rest);
        self.push(&pieces, relay, now);
        result
    }

    fn push(&mut self, pieces: &[Piece<'_>], relay: &Relay, now: Instant) {
        let sound = pieces.iter().filter(|piece| matches!(piece, Piece::Sound(_))).count();
        let each = self.arrival.share(sound, now);
        for piece in pieces {
            match piece {
                Piece::Sound(page) => relay.push_piece(page, each, now),
                Piece::Heading(heading) => {
                    if let Some(title) = title_of(heading) {
                        relay.set_title(&title);
                    }
                    relay.push_heading(heading, now);
                }
            }
        }
    }

    fn pass<'a>(
        &mut self,
        page: Page,
        bytes: &'a [u8],
        pieces: &mut Vec<Piece<'a>>,
    ) -> Result<(), Unusable> {
        if page.is_first && self.heading.is_none() {
            self.heading = Some(Vec::new());
        }
        if let Some(heading) = &mut self.heading
            && (page.is_first || matches!(page.granule, 0 | -1))
        {
            heading.extend_from_slice(bytes);
            let is_too_long = heading.len() > MAX_HEADING;
            return if is_too_long { Err(Unusable::HeadingTooLong(MAX_HEADING)) } else { Ok(()) };
        }
        pieces.extend(self.heading.take().map(Piece::Heading));
        pieces.push(Piece::Sound(bytes));
        Ok(())
    }
}

/// Bytes before the next capture pattern, or before what may become one.
fn capture(bytes: &[u8]) -> usize {
    memchr::memmem::find(bytes, CAPTURE).unwrap_or_else(|| {
        let begins = |len: &usize| bytes.ends_with(CAPTURE.get(..*len).unwrap_or(CAPTURE));
        bytes.len() - (1..CAPTURE.len()).rev().find(begins).unwrap_or(0)
    })
}

impl Page {
    /// Reads the head of a page; nothing while it is not whole, and a length of 0 where it is none.
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<HEAD>()?;
        let [_, _, _, _, version, flags, rest @ ..] = head;
        if *version != 0 || *flags > 7 {
            return Some(Self { len: 0, is_first: false, granule: 0 });
        }
        let granule = i64::from_le_bytes(*rest.first_chunk()?);
        let lengths = bytes.get(HEAD..HEAD + usize::from(*head.last()?))?;
        let body: usize = lengths.iter().map(|len| usize::from(*len)).sum();
        Some(Self { len: HEAD + lengths.len() + body, is_first: flags & BOS != 0, granule })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        mpeg::StreamTime,
        relay::{Read, Spot},
    };

    fn page(flags: u8, granule: i64, body: &[u8]) -> Vec<u8> {
        let mut page = [CAPTURE, &[0, flags]].concat();
        page.extend(granule.to_le_bytes());
        page.extend([9; 12]);
        let lengths = body.len() / 255;
        page.push(u8::try_from(lengths + 1).unwrap());
        page.extend(vec![255; lengths]);
        page.push(u8::try_from(body.len() % 255).unwrap());
        page.extend_from_slice(body);
        page
    }

    fn stream(name: u8, pages: u8) -> Vec<u8> {
        let mut stream = [page(2, 0, &[name; 30]), page(0, 0, &[name; 900])].concat();
        for n in 1..=pages {
            stream.extend(page(
                u8::from(n % 3 == 0),
                if n % 4 == 2 { -1 } else { i64::from(n) * 960 },
                &[n; 700],
            ));
        }
        stream
    }

    fn heard(relay: &Relay, mut spot: Spot) -> Vec<u8> {
        let mut heard = Vec::new();
        while let Read::Taken(_) = spot.read(relay, usize::MAX, |bytes| {
            heard.extend_from_slice(bytes);
            bytes.len()
        }) {}
        heard
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn all_pages_go_on_and_nothing_between_them(
            junk in 0_usize..3000, piece in prop::sample::select(vec![1, 27, 1460, 16_384]), cut in 1_usize..700,
        ) {
            let (relay, now) = (Relay::new(), Instant::now());
            let mut ogg = Ogg::new(now);
            let sent = [stream(1, 9), vec![b'O'; junk], stream(2, 5)].concat();
            let half = &page(0, 99, &[1; 700])[..cut];
            for piece in [sent.as_slice(), half].concat().chunks(piece) {
                ogg.take(piece, &relay, now).unwrap();
            }
            prop_assert_eq!(heard(&relay, Spot::at(0)), [stream(1, 9), stream(2, 5)].concat());
            prop_assert!(ogg.buffer.len() <= MAX_PAGE);
        }
    }

    #[test]
    fn who_joins_later_gets_the_headers_of_the_stream_that_it_joins() {
        let (relay, now) = (Relay::new(), Instant::now());
        let mut ogg = Ogg::new(now);
        ogg.take(&[stream(1, 9), stream(2, 5)].concat(), &relay, now).unwrap();
        let last = page(0, 5 * 960, &[5; 700]);
        let spot = Spot::at(relay.end() - last.len() as u64);
        let headers = [page(2, 0, &[2; 30]), page(0, 0, &[2; 900])].concat();
        assert_eq!(heard(&relay, spot), [headers, last].concat());
    }

    #[test]
    fn what_is_no_ogg_and_a_heading_without_end_are_told() {
        let (relay, now) = (Relay::new(), Instant::now());
        let mut ogg = Ogg::new(now);
        let result = (0..1000).try_for_each(|_| ogg.take(&[b'O'; 1000], &relay, now));
        assert_eq!(result, Err(Unusable::NotAsSaid("Ogg")));
        let mut ogg = Ogg::new(now);
        let result = (0..1000).try_for_each(|_| ogg.take(&page(0, 0, &[0; 900]), &relay, now));
        assert_eq!(result, Ok(()), "pages without a beginning are sound");
        ogg.take(&page(2, 0, b"x"), &relay, now).unwrap();
        let result = (0..1000).try_for_each(|_| ogg.take(&page(0, 0, &[0; 900]), &relay, now));
        assert_eq!(result, Err(Unusable::HeadingTooLong(MAX_HEADING)));
    }

    #[test]
    fn pages_last_as_long_as_they_take_to_come() {
        use std::time::Duration;
        let (relay, mut now) = (Relay::new(), Instant::now());
        let mut ogg = Ogg::new(now);
        ogg.take(&stream(1, 0), &relay, now).unwrap();
        for n in 1..=20 {
            now += Duration::from_millis(500);
            ogg.take(&page(0, n * 24_000, &[1; 700]), &relay, now).unwrap();
        }
        let burst = relay.burst(StreamTime::of_seconds(2.0));
        let headers = stream(1, 0).len() as u64;
        assert_eq!(burst.backlog(), 4 * page(0, 1, &[1; 700]).len() as u64, "{headers}");
    }
}
