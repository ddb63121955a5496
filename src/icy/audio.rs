//! What the audio is, as response heads and status tell it.

use crate::mpeg::Header;

/// Bitrate, rate and channels of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioInfo {
    /// kbit/s, the mean of what was measured.
    pub bitrate: u32,
    /// Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
}

impl AudioInfo {
    /// From one frame's `header` and the `bytes` of the newest `frames` frames, whose mean bitrate
    /// it is; where there are none, the header's own.
    #[must_use]
    pub fn measured(header: Header, bytes: u64, frames: u64) -> Self {
        let sample_rate = header.sample_rate();
        let samples = frames * u64::from(header.samples());
        let bits_a_second = (bytes * 8 * u64::from(sample_rate)).checked_div(samples);
        let bitrate = bits_a_second.map_or(u32::from(header.bitrate()), |bits| {
            u32::try_from((bits + 500) / 1000).unwrap_or(u32::MAX)
        });
        Self { bitrate, sample_rate, channels: header.channels() }
    }

    /// The value of `ice-audio-info`.
    #[must_use]
    pub fn ice_audio_info(self) -> String {
        let Self { bitrate, sample_rate, channels } = self;
        format!("ice-samplerate={sample_rate};ice-bitrate={bitrate};ice-channels={channels}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_bitrates_come_out_as_their_nominal_value() {
        // 128 kbit/s, 44.1 kHz, joint stereo.
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        for (bytes, frames) in [(417, 1), (418, 1), (417 * 13 + 418 * 12, 25), (0, 0)] {
            let info = AudioInfo::measured(header, bytes, frames);
            assert_eq!(info, AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 });
        }
    }

    #[test]
    fn a_variable_bitrate_is_told_as_its_mean() {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        assert_eq!(AudioInfo::measured(header, 417 + 627, 2).bitrate, 160);
    }
}
