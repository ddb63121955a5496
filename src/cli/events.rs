//! Server-sent events, taken apart as they come (WHATWG HTML, section 9.2.6), without a socket.

/// Bytes of one event at most; more is no event of ours.
const LONGEST: usize = 1024 * 1024;

/// Collects bytes until events are whole.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: String,
}

impl Events {
    /// Takes what came from the network; returns the data of every event that it completed.
    ///
    /// Names and ids are left out: our data holds them too. Events longer than a megabyte are cut.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut whole = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => whole.extend(self.end_line()),
                b'\r' => {}
                byte if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
        whole
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return (!data.is_empty()).then_some(data);
        }
        let text = String::from_utf8_lossy(&line);
        if let Some(value) = text.strip_prefix("data:")
            && self.data.len() + value.len() < LONGEST
        {
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(value.strip_prefix(' ').unwrap_or(value));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] =
        b": hello\n\nid: r-1\nevent: A\ndata: {\"a\":1}\n\nid: r-2\r\ndata:{\"b\":\r\n\
                            data: \"\xc3\xa9\"}\r\n\r\ndata: unfinished";

    #[test]
    fn events_come_whole_however_the_network_cuts_them() {
        let all = vec!["{\"a\":1}".to_owned(), "{\"b\":\n\"é\"}".to_owned()];
        for size in 1..STREAM.len() {
            let mut events = Events::default();
            let got: Vec<_> = STREAM.chunks(size).flat_map(|chunk| events.take(chunk)).collect();
            assert_eq!(got, all, "in pieces of {size}");
        }
    }

    #[test]
    fn an_endless_line_is_bounded() {
        let mut events = Events::default();
        for _ in 0..3 {
            assert!(events.take(&vec![b'x'; LONGEST]).is_empty());
        }
        assert!(events.line.len() <= LONGEST);
    }
}
