//! Hearing: MP3 frames to PCM at the rate of the sinks.

use super::{
    decode::{Decoder, Sound},
    pcm::{Frame, quantize},
    resample::Resampler,
};
use crate::mpeg::Header;

/// Hears frames in their order.
#[derive(Default)]
pub struct Hearing {
    decoder: Decoder,
    resampler: Resampler,
    sound: Sound,
    at_rate: Sound,
}

impl Hearing {
    /// Appends what `frame` sounds like to `out`. A frame that cannot be decoded is as much silence;
    /// where the rate has to be changed, the last milliseconds come with the next frame.
    pub fn hear(&mut self, header: Header, frame: &[u8], out: &mut Vec<Frame>) {
        self.sound.clear();
        self.at_rate.clear();
        self.decoder.decode(header, frame, &mut self.sound);
        let rate = header.sample_rate();
        let heard = if self.resampler.leaves_as_it_is(rate) {
            &self.sound
        } else {
            self.resampler.convert(rate, &self.sound, &mut self.at_rate);
            &self.at_rate
        };
        let [left, right] = &heard.channels;
        out.extend(left.iter().zip(right).map(|(l, r)| [quantize(*l), quantize(*r)]));
    }

    /// Frames that could not be decoded.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.decoder.failed()
    }
}
