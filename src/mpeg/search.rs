//! The search for frames in bytes that are not known to hold any.

use super::{
    header::{Header, HeaderError},
    lock::{Lock, bits_at, tag_behind},
    other::{self, Other},
    scan::{LOCK_RUN, NEW_STREAM_RUN},
    tag::TagKind,
    unplayable::Unplayable,
};

/// What a search came to.
pub(super) struct Found {
    /// How many bytes are junk: up to the frame, the tag, or as far as was searched.
    pub at: usize,
    /// The first header of frames in a row that begin there.
    pub header: Option<Header>,
    /// Audio of another kind that was passed on the way.
    pub suspect: Option<Unplayable>,
}

/// Looks for frames in a row, or a tag, that begin before `limit`.
///
/// `lock` is the stream that was followed before: two of its frames are enough.
pub(super) fn next(view: &[u8], limit: usize, rest: u64, lock: Option<&Lock>) -> Found {
    let mut suspect = None;
    let mut at = 0;
    while let Some(found) = view.get(at..limit).and_then(|v| memchr::memchr3(0xFF, b'I', b'A', v)) {
        at += found;
        if view.get(at) != Some(&0xFF) {
            if tag_behind(view, at, rest).is_some() {
                return Found { at, header: None, suspect };
            }
        } else if let Some(header) = stream_at(view, at, rest, lock) {
            return Found { at, header: Some(header), suspect };
        } else if lock.is_none()
            && let Some(Other { reason, len }) = other::at(view, at, rest)
        {
            suspect = suspect.or(Some(reason));
            at += len;
            continue;
        }
        at += 1;
    }
    Found { at: at.max(limit), header: None, suspect }
}

/// The first header of a stream that begins at `at`.
fn stream_at(view: &[u8], at: usize, rest: u64, lock: Option<&Lock>) -> Option<Header> {
    if let Some(lock) = lock
        && lock.run(view, at, rest, LOCK_RUN) >= LOCK_RUN
    {
        return header_at(view, at).ok();
    }
    new_stream_at(view, at, rest, lock)
}

/// The first header of a stream other than `lock` that begins at `at`.
///
/// Once a stream is known, another one must show more frames in a row.
pub(super) fn new_stream_at(
    view: &[u8],
    at: usize,
    rest: u64,
    lock: Option<&Lock>,
) -> Option<Header> {
    let header = header_at(view, at).ok()?;
    let new = Lock::on(header);
    let enough = if lock.is_some() { NEW_STREAM_RUN } else { LOCK_RUN };
    let count = new.run(view, at, rest, enough);
    (count >= enough).then_some(header)
}

/// Where inside a frame of `len` bytes there is proof that its end was cut off: frames in a row,
/// or a tag.
pub(super) fn inside(view: &[u8], len: usize, rest: u64, lock: &Lock) -> Option<usize> {
    let limit = len.min(view.len());
    let mut at = 1;
    while let Some(found) = view.get(at..limit).and_then(|v| memchr::memchr3(0xFF, b'I', b'A', v)) {
        at += found;
        let proof = if view.get(at) == Some(&0xFF) {
            lock.run(view, at, rest, LOCK_RUN) >= LOCK_RUN
        } else {
            matches!(tag_behind(view, at, rest), Some((TagKind::Id3v2 | TagKind::Ape, _)))
        };
        if proof {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn header_at(view: &[u8], at: usize) -> Result<Header, HeaderError> {
    let bits = bits_at(view, at).ok_or(HeaderError::NoSync)?;
    Header::parse(bits.to_be_bytes())
}
