//! Answers: what a server says to our request, at once or hours later, read piece by piece.
//!
//! A pure core: bytes go in, answers come out. Icecast 2.4 answers `100 Continue` and at once
//! `200 OK`; 2.5 answers `100 Continue`, and 200 only when the stream ends.

use crate::net::head::{HeadError, MAX_RESPONSE_HEAD, ResponseHead};

/// Bytes of a refusal's text that are kept at most.
pub(super) const MAX_TEXT: usize = 2048;

/// The answers of one connection.
#[derive(Debug, Default)]
pub(super) struct Answers {
    bytes: Vec<u8>,
    /// A final answer came: what follows is its body.
    is_final: bool,
}

impl Answers {
    /// Takes what came from the server.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = (MAX_RESPONSE_HEAD + MAX_TEXT).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    /// The next whole head, without its body; nothing while it is not there yet or after the final
    /// one.
    pub(super) fn next(&mut self) -> Result<Option<ResponseHead>, HeadError> {
        if self.is_final {
            return Ok(None);
        }
        let head = ResponseHead::parse(&self.bytes)?;
        if let Some(head) = &head {
            self.bytes.drain(..head.len);
            self.is_final = head.status >= 200;
        }
        Ok(head)
    }

    /// Forgets the body so far of a final answer that nobody reads.
    pub(super) fn forget(&mut self) {
        if self.is_final {
            self.bytes.clear();
        }
    }

    /// The final answer's body is whole, as far as it is kept.
    pub(super) fn has_body(&self, head: &ResponseHead) -> bool {
        let wanted = head.content_length.unwrap_or(u64::MAX).min(MAX_TEXT as u64);
        self.bytes.len() as u64 >= wanted
    }

    /// Reason phrase and body of a refusal in one line: markup, control characters and repetition
    /// left out.
    pub(super) fn text(&self, head: &ResponseHead) -> String {
        let body = self.bytes.get(..self.bytes.len().min(MAX_TEXT)).unwrap_or_default();
        let mut plain = String::from(&head.reason);
        plain.push(' ');
        let mut in_tag = false;
        for character in String::from_utf8_lossy(body).chars() {
            match character {
                '<' => in_tag = true,
                '>' => {
                    in_tag = false;
                    plain.push(' ');
                }
                _ if in_tag => {}
                c if c.is_control() => plain.push(' '),
                c => plain.push(c),
            }
        }
        let mut words = Vec::new();
        for word in plain.split_whitespace() {
            if words.last() != Some(&word) {
                words.push(word);
            }
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_answers_of_icecast_2_4_come_out_one_by_one_however_they_are_cut() {
        let bytes = b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";
        for cut in 0..bytes.len() {
            let mut answers = Answers::default();
            let mut statuses = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                answers.push(part);
                while let Some(head) = answers.next().unwrap() {
                    statuses.push(head.status);
                }
            }
            assert_eq!(statuses, [100, 200], "cut at {cut}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let mut answers = Answers::default();
        answers.push(b"HTTP/1.0 403 Forbidden\r\nContent-Type: text/html\r\n\r\n");
        answers.push(b"<html><body>\n<b>Mountpoint in use</b></body></html>\r\n");
        let head = answers.next().unwrap().unwrap();
        assert!(!answers.has_body(&head), "it ends with the connection");
        assert_eq!(answers.text(&head), "Forbidden Mountpoint in use");
    }

    #[test]
    fn what_follows_a_final_answer_is_never_taken_for_another() {
        let mut answers = Answers::default();
        answers.push(b"HTTP/1.0 200 OK\r\n\r\n");
        assert_eq!(answers.next().unwrap().unwrap().status, 200);
        answers.push(b"HTTP/1.0 500 Body\r\n\r\n");
        assert_eq!(answers.next().unwrap(), None);
        answers.forget();
        for _ in 0..100 {
            answers.push(&[b'x'; 1000]);
        }
        assert!(answers.bytes.len() <= MAX_RESPONSE_HEAD + MAX_TEXT);
    }
}
