//! The interleaver: puts a metadata block behind every interval of audio bytes.

use std::sync::Arc;

use super::metadata::write_block;

/// Audio bytes between two blocks, as Icecast has them.
pub const METAINT: usize = 16_000;

/// Where one listener stands in its interval, and which title it was told last.
#[derive(Debug, Clone)]
pub struct Interleaver {
    interval: usize,
    /// Audio bytes before the next block.
    until_block: usize,
    /// Nothing was told yet: the first block carries a title whatever it is.
    told: Option<Arc<str>>,
}

impl Interleaver {
    /// An interleaver at the beginning of a response; `interval` is what `icy-metaint` said.
    #[must_use]
    pub fn new(interval: usize) -> Self {
        let interval = interval.max(1);
        Self { interval, until_block: interval, told: None }
    }

    /// How many audio bytes may follow before a block is due; 0: one is due before the next byte.
    #[must_use]
    pub fn until_block(&self) -> usize {
        self.until_block
    }

    /// Notes that `len` audio bytes went out as they are; never more than [`until_block`].
    ///
    /// [`until_block`]: Self::until_block
    pub fn pass(&mut self, len: usize) {
        self.until_block = self.until_block.saturating_sub(len);
    }

    /// Appends `audio` to `out` with the blocks that fall before its bytes. `title` holds for all of
    /// `audio`; a block that is due behind its last byte waits for what comes next, whose title it
    /// will carry.
    pub fn interleave(&mut self, audio: &[u8], title: &Arc<str>, out: &mut Vec<u8>) {
        let mut audio = audio;
        while !audio.is_empty() {
            if self.until_block == 0 {
                self.block(title, out);
            }
            let (now, later) = audio.split_at(audio.len().min(self.until_block));
            out.extend_from_slice(now);
            self.pass(now.len());
            audio = later;
        }
    }

    fn block(&mut self, title: &Arc<str>, out: &mut Vec<u8>) {
        let unchanged = self.told.as_ref().is_some_and(|told| told == title);
        write_block((!unchanged).then_some(title), out);
        if !unchanged {
            self.told = Some(Arc::clone(title));
        }
        self.until_block = self.interval;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes a body apart as a client does: the audio bytes, and each title with the number of audio
    /// bytes before it.
    fn take_apart(body: &[u8], interval: usize) -> (Vec<u8>, Vec<(usize, String)>) {
        let (mut audio, mut titles, mut rest) = (Vec::new(), Vec::new(), body);
        while rest.len() > interval {
            audio.extend_from_slice(&rest[..interval]);
            let len = usize::from(rest[interval]) * 16;
            let block = &rest[interval + 1..interval + 1 + len];
            if len > 0 {
                let text = String::from_utf8(block.to_vec()).unwrap();
                let text = text.strip_prefix("StreamTitle='").unwrap();
                titles.push((audio.len(), text[..text.find("';").unwrap()].to_owned()));
            }
            rest = &rest[interval + 1 + len..];
        }
        audio.extend_from_slice(rest);
        (audio, titles)
    }

    #[test]
    fn the_first_block_carries_the_title_and_the_next_says_unchanged() {
        let mut icy = Interleaver::new(4);
        let mut out = Vec::new();
        icy.interleave(b"abcdefghi", &Arc::from(""), &mut out);
        assert_eq!(out, b"abcd\x01StreamTitle='';\0efgh\0i");
    }

    #[test]
    fn a_block_that_is_due_waits_for_the_title_of_the_next_byte() {
        let mut icy = Interleaver::new(4);
        let mut out = Vec::new();
        icy.interleave(b"abcd", &Arc::from("old"), &mut out);
        assert_eq!(icy.until_block(), 0);
        icy.interleave(b"e", &Arc::from("new"), &mut out);
        assert_eq!(out, b"abcd\x02StreamTitle='new';\0\0\0\0\0\0\0\0\0\0\0\0\0\0e".as_slice());
    }

    proptest! {
        #[test]
        fn taking_the_body_apart_gives_the_audio_and_the_titles_in_order(
            interval in 1_usize..400,
            slices in prop::collection::vec((0_usize..700, 0_u8..4), 0..30),
        ) {
            let mut icy = Interleaver::new(interval);
            let (mut body, mut audio) = (Vec::new(), Vec::new());
            // Which title holds at each audio byte.
            let mut holds: Vec<String> = Vec::new();
            for (len, title) in slices {
                let slice: Vec<u8> = (0..=250).cycle().take(len).collect();
                let title: Arc<str> = Arc::from(format!("title {title}"));
                icy.interleave(&slice, &title, &mut body);
                audio.extend_from_slice(&slice);
                holds.extend((0..len).map(|_| title.to_string()));
            }
            let (got, titles) = take_apart(&body, interval);
            prop_assert_eq!(got, audio);
            let mut expected: Vec<(usize, String)> = Vec::new();
            for at in (interval..holds.len()).step_by(interval) {
                if expected.last().is_none_or(|last| last.1 != holds[at]) {
                    expected.push((at, holds[at].clone()));
                }
            }
            prop_assert_eq!(titles, expected);
        }
    }
}
