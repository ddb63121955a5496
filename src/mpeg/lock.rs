//! The lock: which headers belong to the stream that the scanner follows, and how long their
//! frames are, by one comparison and one table look-up.

use super::{
    header::Header,
    tag::{TagKind, tag_at},
};

/// The bits of a header that no frame of one stream may change: sync, version, layer, rate.
const FIXED: u32 = 0xFFFE_0C00;

/// One version and one sample rate.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    fixed: u32,
    /// Frame lengths by bitrate index and padding bit; 0 where the bitrate is none.
    lens: [u16; 32],
}

impl Lock {
    /// Locks on the stream that `header` belongs to.
    pub(super) fn on(header: Header) -> Self {
        let mut lens = [0; 32];
        for (index, len) in (0u8..).zip(lens.iter_mut()) {
            if (1..=14).contains(&(index >> 1)) {
                let shaped = header.reshaped(index >> 1, index & 1 == 1);
                *len = u16::try_from(shaped.frame_len()).unwrap_or(0);
            }
        }
        Self { fixed: u32::from_be_bytes(header.to_bytes()) & FIXED, lens }
    }

    /// Bitrate index and padding bit of a header's bits: below 32.
    #[inline]
    pub(super) fn slot(bits: u32) -> usize {
        ((bits >> 11 & 0x1E) | (bits >> 9 & 1)) as usize
    }

    /// The length of the frame that these bits begin, or 0 where they are no header of this stream.
    #[inline]
    pub(super) fn frame_len(&self, bits: u32) -> usize {
        if bits & FIXED != self.fixed {
            return 0;
        }
        self.lens.get(Self::slot(bits)).map_or(0, |&len| usize::from(len))
    }

    /// Counts the frames that follow each other from `at` on, up to `enough`.
    ///
    /// A run that ends exactly with the audio or at a tag is as good as one that goes on: it
    /// counts one more. `rest` is what is left of the audio from the view's start.
    pub(super) fn run(&self, view: &[u8], at: usize, rest: u64, enough: usize) -> usize {
        let mut at = at;
        for count in 0..enough {
            if count > 0 && ends_at(view, at, rest) {
                return count + 1;
            }
            match bits_at(view, at).map_or(0, |bits| self.frame_len(bits)) {
                0 => return count,
                len => at += len,
            }
        }
        enough
    }
}

/// The four bytes at a place.
#[inline]
pub(super) fn bits_at(view: &[u8], at: usize) -> Option<u32> {
    view.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// The audio ends here, or a tag begins.
pub(super) fn ends_at(view: &[u8], at: usize, rest: u64) -> bool {
    at as u64 == rest || tag_behind(view, at, rest).is_some()
}

/// The tag that begins at `at`.
pub(super) fn tag_behind(view: &[u8], at: usize, rest: u64) -> Option<(TagKind, u64)> {
    tag_at(view.get(at..)?, rest.checked_sub(at as u64)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_header_for_every_stream() {
        for bits in (0xFFE0_0000..=0xFFFF_FFFFu32).step_by(0x200) {
            let Ok(header) = Header::parse(bits.to_be_bytes()) else { continue };
            let lock = Lock::on(header);
            assert_eq!(lock.frame_len(bits), header.frame_len(), "{bits:08X}");
            assert_eq!(lock.frame_len(bits | 0xF000), 0, "bitrate 15");
            assert_eq!(lock.frame_len(bits & !0xF000), 0, "free format");
            assert_eq!(lock.frame_len(bits ^ 0x0400), 0, "another rate");
            assert_eq!(lock.frame_len(bits ^ 0x0008_0000), 0, "another version");
        }
    }
}
