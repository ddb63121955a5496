//! The codec: what a source client's type says about its bytes.

/// How a stream is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// Frames of MPEG Layer III, which pass the scanner.
    Mp3,
    /// Pages of Ogg.
    Ogg,
    /// Frames of AAC with ADTS headers.
    Adts,
    /// Nothing is known: it passes as it comes.
    Opaque,
}

impl Codec {
    /// By its `Content-Type`, whose parameters do not count.
    pub(super) fn of(content_type: &str) -> Self {
        let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "audio/mpeg" | "audio/mp3" | "audio/x-mp3" | "audio/x-mpeg" | "audio/mpeg3" => {
                Self::Mp3
            }
            "application/ogg" | "application/x-ogg" | "audio/ogg" | "audio/x-ogg" | "video/ogg"
            | "audio/opus" => Self::Ogg,
            "audio/aac" | "audio/aacp" | "audio/x-aac" | "audio/x-aacp" | "audio/aac+" => {
                Self::Adts
            }
            _ => Self::Opaque,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_count() {
        assert_eq!(Codec::of("Audio/Ogg; codecs=opus"), Codec::Ogg);
        assert_eq!(Codec::of(" audio/mpeg "), Codec::Mp3);
        assert_eq!(Codec::of("audio/aacp"), Codec::Adts);
        assert_eq!(Codec::of("audio/flac"), Codec::Opaque);
        assert_eq!(Codec::of(""), Codec::Opaque);
    }
}
