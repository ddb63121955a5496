//! The sieve: whole frames out of bytes that come in pieces; no junk, tag or Info frame passes.

use super::{Header, Scanner, Step, Unplayable};

/// The scanner over a stream that has no end, and what it has not passed yet.
#[derive(Debug)]
pub struct Sieve {
    scanner: Scanner,
    /// Never more than the scanner asks for and one piece.
    buffer: Vec<u8>,
    /// Bytes of a tag that are still to come.
    to_skip: u64,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { scanner: Scanner::new(0, u64::MAX), buffer: Vec::new(), to_skip: 0 }
    }
}

impl Sieve {
    /// Takes the next piece and hands each frame that is whole with it to `pass`.
    ///
    /// # Errors
    /// These bytes are no MP3: nothing will pass any more.
    pub fn take(
        &mut self,
        bytes: &[u8],
        pass: impl FnMut(Header, &[u8]),
    ) -> Result<(), Unplayable> {
        self.buffer.extend_from_slice(bytes);
        self.scan(pass)
    }

    /// Nothing will follow: what is left has no next frame behind it, and passes where it is whole.
    pub fn end(&mut self, pass: impl FnMut(Header, &[u8])) {
        if self.to_skip == 0 {
            self.scanner.ends_early(self.buffer.len() as u64);
            // It ends: that there is nothing more is no fault.
            let _ = self.scan(pass);
        }
    }

    fn scan(&mut self, mut pass: impl FnMut(Header, &[u8])) -> Result<(), Unplayable> {
        let mut at = 0;
        let result = loop {
            let rest = self.buffer.get(at..).unwrap_or(&[]);
            if self.to_skip > 0 {
                let here = usize::try_from(self.to_skip).map_or(rest.len(), |n| n.min(rest.len()));
                at += here;
                self.to_skip -= here as u64;
                if self.to_skip > 0 {
                    break Ok(());
                }
                continue;
            }
            match self.scanner.step(rest) {
                Step::Frame(header) => {
                    let frame = rest.get(..header.frame_len()).unwrap_or(rest);
                    pass(header, frame);
                    at += frame.len();
                }
                Step::Info(header) => self.to_skip = header.frame_len() as u64,
                Step::Tag(_, len) | Step::Padding(len) | Step::Junk(len) | Step::Truncated(len) => {
                    self.to_skip = len;
                }
                Step::More(_) | Step::End => break Ok(()),
                Step::GiveUp(why) => break Err(why),
            }
        };
        self.buffer.drain(..at.min(self.buffer.len()));
        result
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frame number `n`, in which no other frame can begin.
    fn frame(n: usize) -> Vec<u8> {
        let header =
            Header::parse([0xFF, 0xFB, if n % 2 == 1 { 0x92 } else { 0x90 }, 0x64]).unwrap();
        let mut frame = header.to_bytes().to_vec();
        frame.resize(36, 0);
        frame.extend(
            (0..).map(|i| u8::try_from((n + i) % 100).unwrap() + 1).take(header.frame_len() - 36),
        );
        frame
    }

    fn passed(stream: &[u8], piece: usize) -> Vec<u8> {
        let (mut sieve, mut passed) = (Sieve::default(), Vec::new());
        for piece in stream.chunks(piece) {
            sieve.take(piece, |_, frame| passed.extend_from_slice(frame)).unwrap();
            assert!(sieve.buffer.len() <= 16 * 1024 + piece.len());
        }
        sieve.end(|_, frame| passed.extend_from_slice(frame));
        passed
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

        #[test]
        fn junk_and_tags_between_the_frames_are_left_out(
            runs in prop::collection::vec((2_usize..30, 0_usize..3000, any::<bool>()), 1..6),
            piece in prop::sample::select(vec![1, 100, 1460, 16_384]),
        ) {
            let (mut stream, mut frames, mut n) = (Vec::new(), Vec::new(), 0);
            for (count, junk, tag) in runs {
                for _ in 0..count {
                    stream.extend(frame(n));
                    frames.extend(frame(n));
                    n += 1;
                }
                if tag {
                    stream.extend(b"ID3\x04\x00\x00\x00\x00\x02\x00");
                    stream.extend([7; 256]);
                }
                stream.extend(vec![0x55; junk]);
            }
            // Half a frame at the end is none.
            stream.extend(&frame(n)[..300]);
            prop_assert_eq!(passed(&stream, piece), frames);
        }
    }

    #[test]
    fn what_is_no_mp3_is_given_up_and_takes_no_memory() {
        let mut sieve = Sieve::default();
        let taken = (0..200).try_for_each(|_| sieve.take(&[0x55; 1000], |_, _| panic!("a frame")));
        assert!(taken.is_err());
        assert!(sieve.buffer.len() <= 65 * 1024);
    }
}
