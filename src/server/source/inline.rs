//! Inline titles: those that a source client puts between its own audio bytes, taken out of them.
//!
//! ```text
//! interval bytes of audio | L | 16 x L bytes: StreamTitle='...';StreamUrl='...'; NUL ... | audio
//! ```

use super::said::{clean, decoded};

const OPENING: &[u8] = b"StreamTitle='";
const CLOSING: &[u8] = b"';";

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Sound(&'a [u8]),
    /// Holds from the next sound on.
    Title(&'a str),
}

/// Where in its interval a source stands.
#[derive(Debug)]
pub(super) struct Inline {
    interval: usize,
    state: State,
    /// What has come of a block; never more than 255 times 16 bytes.
    block: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Audio(usize),
    Length,
    Block(usize),
}

impl Inline {
    /// At the beginning of a body; `interval` is what `icy-metaint` said.
    pub(super) fn new(interval: usize) -> Self {
        let interval = interval.max(1);
        Self { interval, state: State::Audio(interval), block: Vec::new() }
    }

    /// Gives `each` what is in `bytes`.
    pub(super) fn take(&mut self, bytes: &[u8], mut each: impl FnMut(Part<'_>)) {
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            let left = match self.state {
                State::Length => {
                    rest = after;
                    self.state = self.behind_length(first);
                    continue;
                }
                State::Audio(left) | State::Block(left) => left,
            };
            let (part, after) = rest.split_at(left.min(rest.len()));
            rest = after;
            let left = left - part.len();
            if let State::Audio(_) = self.state {
                each(Part::Sound(part));
                self.state = if left == 0 { State::Length } else { State::Audio(left) };
                continue;
            }
            self.block.extend_from_slice(part);
            self.state = State::Block(left);
            if left == 0 {
                if let Some(found) = stream_title(&self.block) {
                    each(Part::Title(&found));
                }
                self.block.clear();
                self.state = State::Audio(self.interval);
            }
        }
    }

    fn behind_length(&self, length: u8) -> State {
        match length {
            0 => State::Audio(self.interval),
            units => State::Block(usize::from(units) * 16),
        }
    }
}

/// The title in a block; nothing where there is none.
fn stream_title(block: &[u8]) -> Option<String> {
    let begin = memchr::memmem::find(block, OPENING)? + OPENING.len();
    let text = block.get(begin..)?;
    let end = memchr::memmem::find(text, CLOSING)?;
    Some(clean(&decoded(text.get(..end)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::icy::Interleaver;

    fn taken(body: &[u8], interval: usize, piece: usize) -> (Vec<u8>, Vec<(usize, String)>) {
        let mut inline = Inline::new(interval);
        let (mut audio, mut titles) = (Vec::new(), Vec::new());
        for piece in body.chunks(piece) {
            inline.take(piece, |part| match part {
                Part::Sound(bytes) => audio.extend_from_slice(bytes),
                Part::Title(title) => titles.push((audio.len(), title.to_owned())),
            });
        }
        (audio, titles)
    }

    #[test]
    fn blocks_without_a_title_and_in_latin_1_are_read() {
        let body = b"abcd\x02StreamTitle='K\xE4se';\0\0\0\0\0\0\0\0\0\0\0\0\0efgh\0ijkl\x01StreamUrl='x';\0\0m";
        let titles = vec![(4, "Käse".to_owned())];
        for piece in 1..body.len() {
            assert_eq!(taken(body, 4, piece), (b"abcdefghijklm".to_vec(), titles.clone()));
        }
    }

    proptest! {
        #[test]
        fn what_was_interleaved_comes_apart(interval in 1_usize..100, len in 0_usize..700, piece in 1_usize..99) {
            let audio: Vec<u8> = (0..=250).cycle().take(len).collect();
            let mut body = Vec::new();
            Interleaver::new(interval).interleave(&audio, &"A - B".into(), &mut body);
            let (got, titles) = taken(&body, interval, piece);
            prop_assert_eq!(got, audio);
            prop_assert_eq!(titles.len(), usize::from(len > interval));
        }
    }
}
