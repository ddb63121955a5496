//! Chunks: a body in pieces of told length, taken apart as it comes (RFC 9112 section 7.1).
//!
//! ```text
//! 1a2b ;extension CRLF | data | CRLF | ... | 0 CRLF | trailers CRLF | CRLF
//! ```

/// Longest line that tells a chunk's length: bytes. Its extensions mean nothing to us.
const MAX_LINE: usize = 1024;
/// All lines behind the last chunk together.
const MAX_TRAILERS: usize = 8 * 1024;

/// The bytes are no chunks: what follows cannot be told from what is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its chunks are malformed")]
pub(super) struct Malformed;

/// Where in its chunks a body stands.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    /// A line of which the end has not come.
    line: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Length,
    /// So many bytes of a chunk are still to come.
    Data(u64),
    /// The line end behind a chunk.
    Behind,
    /// Behind the last chunk; so many bytes of lines have come.
    Trailers(usize),
    Over,
}

impl Chunks {
    /// Appends the data in `bytes` to `out`.
    ///
    /// # Errors
    /// [`Malformed`]; what was appended before it is good.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Over {
            if let State::Data(left) = self.state {
                let most = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                let (data, after) = rest.split_at(most);
                out.extend_from_slice(data);
                rest = after;
                let left = left - most as u64;
                self.state = if left == 0 { State::Behind } else { State::Data(left) };
                continue;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (part, after) = rest.split_at(end);
            rest = after;
            self.line.extend_from_slice(part);
            if self.line.len() > MAX_LINE {
                return Err(Malformed);
            }
            if self.line.ends_with(b"\n") {
                self.state = self.next()?;
                self.line.clear();
            }
        }
        Ok(())
    }

    /// The last chunk has come.
    pub(super) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// What a whole line leads to.
    fn next(&self) -> Result<State, Malformed> {
        let is_empty = matches!(self.line.as_slice(), b"\r\n" | b"\n");
        match self.state {
            // An empty line is taken for a length of 0.
            State::Length if is_empty => Err(Malformed),
            State::Length => match httparse::parse_chunk_size(&self.line) {
                Ok(httparse::Status::Complete((_, 0))) => Ok(State::Trailers(0)),
                Ok(httparse::Status::Complete((_, length))) => Ok(State::Data(length)),
                _ => Err(Malformed),
            },
            State::Behind if is_empty => Ok(State::Length),
            State::Trailers(_) if is_empty => Ok(State::Over),
            State::Trailers(seen) if seen + self.line.len() <= MAX_TRAILERS => {
                Ok(State::Trailers(seen + self.line.len()))
            }
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(body: &[u8], piece: usize) -> Result<(Vec<u8>, bool), Malformed> {
        let (mut chunks, mut out) = (Chunks::default(), Vec::new());
        for piece in body.chunks(piece) {
            chunks.take(piece, &mut out)?;
        }
        Ok((out, chunks.is_over()))
    }

    #[test]
    fn extensions_and_trailers_are_passed_over() {
        let body = b"3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\nbehind";
        for piece in 1..body.len() {
            assert_eq!(taken(body, piece), Ok((b"abc0123456789".to_vec(), true)), "{piece}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_told_in_bounded_time() {
        for body in [
            &b"x\r\n"[..],
            b"3\r\nabcd\r\n",
            b"\r\n",
            b"fffffffffffffffff\r\n",
            b"-1\r\n",
            &[b'1'; 2000],
        ] {
            assert_eq!(taken(body, 7), Err(Malformed), "{body:?}");
        }
        assert_eq!(taken(b"5\r\nab", 2), Ok((b"ab".to_vec(), false)));
    }

    proptest! {
        #[test]
        fn pieces_give_what_was_chunked(
            data in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..10),
            piece in 1_usize..60,
        ) {
            let mut body = Vec::new();
            for chunk in &data {
                body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(taken(&body, piece), Ok((data.concat(), true)));
        }

        #[test]
        fn any_bytes_are_judged(body in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
            let _ = taken(&body, piece);
        }
    }
}
