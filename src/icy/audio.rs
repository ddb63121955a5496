//! What the audio is, as response heads and status tell it.

use serde_json::Number;

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

/// What is told of a mount's sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sound {
    /// What is known of it.
    pub known: Option<AudioInfo>,
    /// Its source's own `ice-audio-info`; empty where it said none.
    pub said: String,
}

impl Sound {
    /// `ice-audio-info`: the source's, as Icecast passes it on, else what is known.
    #[must_use]
    pub fn audio_info(&self) -> Option<String> {
        if self.said.is_empty() {
            return self.known.map(AudioInfo::ice_audio_info);
        }
        Some(self.said.clone())
    }

    /// A number that the source said under this name.
    #[must_use]
    pub fn said_number(&self, name: &str) -> Option<Number> {
        let mut pairs = self.said.split(';').filter_map(|pair| pair.split_once('='));
        let value = pairs.find(|(key, _)| key.trim() == name)?.1.trim();
        let whole = value.parse::<u64>().map(Number::from);
        whole.ok().or_else(|| Number::from_f64(value.parse().ok()?))
    }
}

impl From<Option<AudioInfo>> for Sound {
    fn from(known: Option<AudioInfo>) -> Self {
        Self { known, said: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_source_said_goes_before_what_is_known() {
        let known = Some(AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 });
        let silent = Sound::from(known);
        let own = "ice-samplerate=44100;ice-bitrate=128;ice-channels=2";
        assert_eq!(silent.audio_info().as_deref(), Some(own));
        assert_eq!(silent.said_number("channels"), None);
        let said = Sound { known, said: "channels=2; quality=0.4;samplerate=x".into() };
        assert_eq!(said.audio_info().as_deref(), Some("channels=2; quality=0.4;samplerate=x"));
        assert_eq!(said.said_number("channels").unwrap().as_u64(), Some(2));
        assert_eq!(said.said_number("quality").unwrap().as_f64(), Some(0.4));
        assert_eq!(said.said_number("samplerate"), None);
        assert_eq!(Sound::default().audio_info(), None);
    }

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
