//! The body: what a source client sends behind its head, down to the bytes of its sound.

use super::{
    chunked::{Chunks, Malformed},
    handshake::Offer,
    inline::{Inline, Part},
};

/// What a body is wrapped in.
#[derive(Debug)]
pub(super) struct Body {
    chunks: Option<Chunks>,
    inline: Option<Inline>,
    /// Scratch memory for what chunks hold.
    data: Vec<u8>,
}

impl Body {
    /// As the client has announced it.
    pub(super) fn new(offer: &Offer) -> Self {
        Self {
            chunks: offer.is_chunked.then(Chunks::default),
            inline: offer.metaint.map(Inline::new),
            data: Vec::new(),
        }
    }

    /// Gives `each` what is in `bytes`.
    ///
    /// # Errors
    /// Its chunks cannot be told apart; what came before is given.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Part<'_>),
    ) -> Result<(), Malformed> {
        self.data.clear();
        let (data, result) = match &mut self.chunks {
            Some(chunks) => {
                let result = chunks.take(bytes, &mut self.data);
                (self.data.as_slice(), result)
            }
            None => (bytes, Ok(())),
        };
        match &mut self.inline {
            Some(inline) => inline.take(data, each),
            None => each(Part::Sound(data)),
        }
        result
    }

    /// Nothing more belongs to it.
    pub(super) fn is_over(&self) -> bool {
        self.chunks.as_ref().is_some_and(Chunks::is_over)
    }
}
