//! The intake: what is pushed into a relay of the bytes that a source client sends.
//!
//! Only whole pieces go on: frames, or pages. Each core keeps what is not whole yet, within a bound.

use std::time::Instant;

use super::{adts::Adts, codec::Codec, mp3::Mp3, ogg::Ogg, opaque::Opaque};
use crate::relay::Relay;

/// Why nothing more can be taken from a source: it is to be sent away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// What it sends is not what its type says. Its operator has to name the right type.
    #[error("there is no {0} in what it sends; its Content-Type or its encoder is wrong")]
    NotAsSaid(&'static str),
    /// More comes before its first sound than is kept. Its operator has to leave pictures out.
    #[error("its Ogg headers are longer than {0} bytes; leave pictures out of its comments")]
    HeadingTooLong(usize),
}

/// The core for a codec.
#[derive(Debug)]
pub(super) enum Intake {
    Mp3(Box<Mp3>),
    Ogg(Ogg),
    Adts(Adts),
    Opaque(Opaque),
}

impl Intake {
    pub(super) fn new(codec: Codec, now: Instant) -> Self {
        match codec {
            Codec::Mp3 => Self::Mp3(Box::default()),
            Codec::Ogg => Self::Ogg(Ogg::new(now)),
            Codec::Adts => Self::Adts(Adts::default()),
            Codec::Opaque => Self::Opaque(Opaque::new(now)),
        }
    }

    /// Takes what has come and pushes what is whole.
    ///
    /// # Errors
    /// [`Unusable`]; what was pushed before it is good.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        relay: &Relay,
        now: Instant,
    ) -> Result<(), Unusable> {
        match self {
            Self::Mp3(mp3) => mp3.take(bytes, relay, now),
            Self::Ogg(ogg) => ogg.take(bytes, relay, now),
            Self::Adts(adts) => adts.take(bytes, relay, now),
            Self::Opaque(opaque) => {
                opaque.take(bytes, relay, now);
                Ok(())
            }
        }
    }

    /// Nothing more comes: pushes what is whole at the very end.
    pub(super) fn end(&mut self, relay: &Relay, now: Instant) {
        match self {
            Self::Mp3(mp3) => mp3.end(relay, now),
            Self::Adts(adts) => adts.end(relay, now),
            Self::Ogg(_) | Self::Opaque(_) => {}
        }
    }
}
