//! Heads: the request that we write and the response that a peer answers with.

/// Bytes of a request head at most: Icecast 2.4 reads no more than 4096.
pub const MAX_REQUEST_HEAD: usize = 4000;
/// Header lines of a request at most: Icecast 2.4 reads no more.
pub const MAX_REQUEST_LINES: usize = 32;
/// Bytes of a response head at most.
pub const MAX_RESPONSE_HEAD: usize = 8 * 1024;
/// Header lines of a response at most.
pub const MAX_RESPONSE_LINES: usize = 64;

/// Why a head cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// A value would end its line and begin another: clean it first.
    #[error("{name} has a control character in it")]
    Control {
        /// The header, `method` or `target`.
        name: String,
    },
    /// The request would be longer than servers read: shorten what it says.
    #[error("the request has more than {MAX_REQUEST_HEAD} bytes or {MAX_REQUEST_LINES} headers")]
    TooLong,
    /// The peer does not speak HTTP, or sends an endless head.
    #[error("the answer is no HTTP response")]
    NotHttp,
}

/// A request head in the making.
#[derive(Debug)]
pub struct RequestHead {
    text: String,
    lines: usize,
}

impl RequestHead {
    /// Begins `METHOD TARGET VERSION`, with a target that is percent-encoded already.
    ///
    /// # Errors
    /// [`HeadError::Control`] where a space or a control character would break the line.
    pub fn new(method: &str, target: &str, version: &str) -> Result<Self, HeadError> {
        for (name, value) in [("method", method), ("target", target), ("version", version)] {
            if value.is_empty() || value.bytes().any(|b| b <= b' ' || b == 0x7F) {
                return Err(HeadError::Control { name: name.to_owned() });
            }
        }
        Ok(Self { text: format!("{method} {target} {version}\r\n"), lines: 0 })
    }

    /// Adds a header line.
    ///
    /// # Errors
    /// [`HeadError::Control`] where name or value could be read as more than this one line.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, HeadError> {
        let is_token =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_token || value.chars().any(char::is_control) {
            return Err(HeadError::Control { name: name.to_owned() });
        }
        self.text.push_str(name);
        self.text.push_str(": ");
        self.text.push_str(value.trim());
        self.text.push_str("\r\n");
        self.lines += 1;
        Ok(self)
    }

    /// The whole head with the blank line.
    ///
    /// # Errors
    /// [`HeadError::TooLong`].
    pub fn finish(mut self) -> Result<Vec<u8>, HeadError> {
        self.text.push_str("\r\n");
        if self.text.len() > MAX_REQUEST_HEAD || self.lines > MAX_REQUEST_LINES {
            return Err(HeadError::TooLong);
        }
        Ok(self.text.into_bytes())
    }
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The words behind it; may be empty.
    pub reason: String,
    /// What `Content-Length` says.
    pub content_length: Option<u64>,
    /// Bytes of the head with its blank line.
    pub len: usize,
}

impl ResponseHead {
    /// Reads the head at the start of `bytes`; nothing while it is not whole.
    ///
    /// # Errors
    /// [`HeadError::NotHttp`] as soon as it cannot become one.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, HeadError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_RESPONSE_LINES];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => Ok(Some(Self {
                status: response.code.ok_or(HeadError::NotHttp)?,
                reason: response.reason.unwrap_or_default().to_owned(),
                content_length: response
                    .headers
                    .iter()
                    .find(|header| header.name.eq_ignore_ascii_case("content-length"))
                    .and_then(|header| std::str::from_utf8(header.value).ok())
                    .and_then(|value| value.trim().parse().ok()),
                len,
            })),
            Ok(httparse::Status::Partial) if bytes.len() < MAX_RESPONSE_HEAD => Ok(None),
            _ => Err(HeadError::NotHttp),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_is_written_line_by_line() {
        let head = RequestHead::new("PUT", "/stream", "HTTP/1.1").unwrap();
        let head = head.header("Host", "localhost:8000").unwrap().header("ice-name", "Käse");
        let bytes = head.unwrap().finish().unwrap();
        let want = "PUT /stream HTTP/1.1\r\nHost: localhost:8000\r\nice-name: Käse\r\n\r\n";
        assert_eq!(bytes, want.as_bytes());
    }

    #[test]
    fn a_head_that_servers_would_not_read_is_refused() {
        let head = || RequestHead::new("PUT", "/", "HTTP/1.1").unwrap();
        let long = head().header("ice-name", &"x".repeat(MAX_REQUEST_HEAD)).unwrap();
        assert_eq!(long.finish(), Err(HeadError::TooLong));
        let many = (0..=MAX_REQUEST_LINES).try_fold(head(), |head, _| head.header("a", "b"));
        assert_eq!(many.unwrap().finish(), Err(HeadError::TooLong));
    }

    #[test]
    fn answers_of_both_icecast_generations_are_read() {
        let both = b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";
        let first = ResponseHead::parse(both).unwrap().unwrap();
        assert_eq!((first.status, first.content_length), (100, Some(0)));
        let second = ResponseHead::parse(&both[first.len..]).unwrap().unwrap();
        assert_eq!((second.status, second.reason.as_str(), second.len), (200, "OK", 19));
        assert_eq!(ResponseHead::parse(b"HTTP/1.0 4").unwrap(), None);
        assert_eq!(ResponseHead::parse(b"OK2\r\nicy-caps:11\r\n"), Err(HeadError::NotHttp));
        let endless = [b"HTTP/1.0 200 OK\r\nA: ".to_vec(), vec![b'x'; MAX_RESPONSE_HEAD]].concat();
        assert_eq!(ResponseHead::parse(&endless), Err(HeadError::NotHttp));
    }

    proptest! {
        #[test]
        fn no_value_ever_makes_a_second_line(name in ".*", value in ".*", target in ".*") {
            let head = RequestHead::new("GET", &target, "HTTP/1.1")
                .and_then(|head| head.header(&name, &value))
                .and_then(RequestHead::finish);
            if let Ok(bytes) = head {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert_eq!(text.matches('\n').count(), 3);
                prop_assert_eq!(text.matches('\r').count(), 3);
            }
        }

        #[test]
        fn no_answer_makes_the_reader_panic(bytes: Vec<u8>) {
            let _ = ResponseHead::parse(&bytes);
        }
    }
}
