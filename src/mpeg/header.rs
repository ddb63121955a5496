//! The frame header: 32 bits, read against the tables of the standard.
//!
//! ```text
//! AAAAAAAA AAABBCCD EEEEFFGH IIJJKLMM      ISO 11172-3 section 2.4.1.3
//! A sync (11 ones)   B version   C layer   D protection (0: CRC-16 follows)
//! E bitrate index    F rate index   G padding   H private
//! I mode   J mode extension   K copyright   L original   M emphasis
//! ```

use super::time::StreamTime;

/// The MPEG version; 2.5 is the unofficial extension to the lowest rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// MPEG-1, ISO 11172-3: 32 to 48 kHz, 1,152 samples a frame.
    Mpeg1,
    /// MPEG-2, ISO 13818-3: 16 to 24 kHz, 576 samples a frame.
    Mpeg2,
    /// MPEG-2.5: 8 to 12 kHz, 576 samples a frame.
    Mpeg25,
}

impl Version {
    /// `MPEG-1`, `MPEG-2` or `MPEG-2.5`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mpeg1 => "MPEG-1",
            Self::Mpeg2 => "MPEG-2",
            Self::Mpeg25 => "MPEG-2.5",
        }
    }
}

/// How the channels are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelMode {
    /// Two channels.
    Stereo,
    /// Two channels, coded as sum and difference or by intensity.
    Joint,
    /// Two independent channels.
    Dual,
    /// One channel.
    Mono,
}

/// Why four bytes are no header of a Layer III frame that can be streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum HeaderError {
    /// The first eleven bits are not all ones: this is no header.
    #[error("no sync word")]
    NoSync,
    /// Version 01 is reserved: this is no header.
    #[error("reserved MPEG version")]
    ReservedVersion,
    /// Layer 00 is reserved: this is no header.
    #[error("reserved layer")]
    ReservedLayer,
    /// MPEG Layer I: real audio, but nothing that this program streams.
    #[error("MPEG Layer I")]
    LayerOne,
    /// MPEG Layer II: real audio, but nothing that this program streams.
    #[error("MPEG Layer II")]
    LayerTwo,
    /// Bitrate index 0: the frame's length is not told by its header.
    #[error("free format")]
    FreeFormat,
    /// Bitrate index 15 is forbidden: this is no header.
    #[error("forbidden bitrate")]
    BadBitrate,
    /// Rate index 3 is reserved: this is no header.
    #[error("reserved sample rate")]
    ReservedRate,
}

/// kbit/s by index, Layer III of MPEG-1: ISO 11172-3 table in 2.4.2.3.
const BITRATES_MPEG1: [u16; 16] =
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
/// kbit/s by index, Layer III of MPEG-2 and 2.5: ISO 13818-3 table in 2.4.2.3.
const BITRATES_MPEG2: [u16; 16] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
/// Hz by index, MPEG-1; MPEG-2 has half of it, MPEG-2.5 a quarter.
const SAMPLE_RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// The header of one Layer III frame; a value of this type is always a valid one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header(u32);

impl Header {
    /// Length of a header: bytes.
    pub const LEN: usize = 4;
    /// The longest Layer III frame: 320 kbit/s at 32 kHz with padding, bytes.
    pub const MAX_FRAME_LEN: usize = 1441;

    /// Reads a header.
    ///
    /// # Errors
    /// What the bytes are instead; never panics, whatever they are.
    pub fn parse(bytes: [u8; 4]) -> Result<Self, HeaderError> {
        let bits = u32::from_be_bytes(bytes);
        if bits >> 21 != 0x7FF {
            return Err(HeaderError::NoSync);
        }
        if (bits >> 19) & 3 == 1 {
            return Err(HeaderError::ReservedVersion);
        }
        match (bits >> 17) & 3 {
            0 => return Err(HeaderError::ReservedLayer),
            3 if (bits >> 12) & 15 != 15 && (bits >> 10) & 3 != 3 => {
                return Err(HeaderError::LayerOne);
            }
            2 if (bits >> 12) & 15 != 15 && (bits >> 10) & 3 != 3 => {
                return Err(HeaderError::LayerTwo);
            }
            _ => {}
        }
        if (bits >> 12) & 15 == 15 {
            return Err(HeaderError::BadBitrate);
        }
        if (bits >> 10) & 3 == 3 {
            return Err(HeaderError::ReservedRate);
        }
        if (bits >> 12) & 15 == 0 {
            return Err(HeaderError::FreeFormat);
        }
        Ok(Self(bits))
    }

    /// The four bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The MPEG version.
    #[must_use]
    pub fn version(self) -> Version {
        match (self.0 >> 19) & 3 {
            3 => Version::Mpeg1,
            2 => Version::Mpeg2,
            _ => Version::Mpeg25,
        }
    }

    /// kbit/s.
    #[must_use]
    pub fn bitrate(self) -> u16 {
        let index = self.bitrate_index();
        let table = if self.is_mpeg1() { BITRATES_MPEG1 } else { BITRATES_MPEG2 };
        table.get(usize::from(index)).copied().unwrap_or(0)
    }

    /// The bitrate's place in its table: 1 to 14.
    #[must_use]
    pub fn bitrate_index(self) -> u8 {
        self.0.to_be_bytes()[2] >> 4
    }

    /// Hz.
    #[must_use]
    pub fn sample_rate(self) -> u32 {
        let base = match (self.0 >> 10) & 3 {
            0 => SAMPLE_RATES[0],
            1 => SAMPLE_RATES[1],
            _ => SAMPLE_RATES[2],
        };
        match self.version() {
            Version::Mpeg1 => base,
            Version::Mpeg2 => base / 2,
            Version::Mpeg25 => base / 4,
        }
    }

    /// Samples a channel in this frame: 1,152 or 576.
    #[must_use]
    pub fn samples(self) -> u16 {
        if self.is_mpeg1() { 1152 } else { 576 }
    }

    /// How long this frame sounds.
    #[must_use]
    pub fn duration(self) -> StreamTime {
        StreamTime::of_samples(u64::from(self.samples()), self.sample_rate())
    }

    /// Bytes of the whole frame with its header.
    #[must_use]
    pub fn frame_len(self) -> usize {
        let slots = u32::from(self.samples()) / 8 * u32::from(self.bitrate()) * 1000;
        (slots / self.sample_rate()) as usize + usize::from(self.is_padded())
    }

    /// The frame is one byte longer than the bitrate asks for.
    #[must_use]
    pub fn is_padded(self) -> bool {
        (self.0 >> 9) & 1 == 1
    }

    /// A CRC-16 stands between header and side info.
    #[must_use]
    pub fn has_crc(self) -> bool {
        (self.0 >> 16) & 1 == 0
    }

    /// How the channels are coded.
    #[must_use]
    pub fn mode(self) -> ChannelMode {
        match (self.0 >> 6) & 3 {
            0 => ChannelMode::Stereo,
            1 => ChannelMode::Joint,
            2 => ChannelMode::Dual,
            _ => ChannelMode::Mono,
        }
    }

    /// 1 or 2.
    #[must_use]
    pub fn channels(self) -> u8 {
        if self.mode() == ChannelMode::Mono { 1 } else { 2 }
    }

    /// Bytes of side info behind the header and the CRC: ISO 11172-3 and 13818-3, 2.4.1.7.
    #[must_use]
    pub fn side_info_len(self) -> usize {
        match (self.is_mpeg1(), self.channels()) {
            (true, 1) => 17,
            (true, _) => 32,
            (false, 1) => 9,
            (false, _) => 17,
        }
    }

    /// Same version, layer and sample rate: both may belong to one stream.
    #[must_use]
    pub fn continues(self, before: Self) -> bool {
        const FIXED: u32 = 0xFFFE_0C00;
        self.0 & FIXED == before.0 & FIXED
    }

    /// This header with another bitrate index (1 to 14) and padding, and without a CRC.
    ///
    /// Other indices leave the bitrate as it is.
    #[must_use]
    pub fn reshaped(self, bitrate_index: u8, padded: bool) -> Self {
        let index =
            if (1..=14).contains(&bitrate_index) { bitrate_index } else { self.bitrate_index() };
        let kept = self.0 & !0x0000_F200;
        Self(kept | 0x0001_0000 | u32::from(index) << 12 | u32::from(padded) << 9)
    }

    fn is_mpeg1(self) -> bool {
        self.version() == Version::Mpeg1
    }
}
