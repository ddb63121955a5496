//! The resampler: sound of any rate to the 44.1 kHz of the sinks, in step with the sound it is of.

use rubato::{
    Fft, FixedSync, Indexing, Resampler as _, audioadapter_buffers::direct::SequentialSliceOfVecs,
};

use super::{decode::Sound, pcm::RATE};

/// Samples that are converted at once, or a little more where the two rates ask for it.
const CHUNK: usize = 512;

/// Brings sound to [`RATE`].
#[derive(Default)]
pub(super) struct Resampler {
    rate: u32,
    /// Nothing where the rate is right.
    fft: Option<Fft<f32>>,
    /// What does not make a chunk yet.
    waiting: Sound,
    made: Sound,
    /// Samples that came and that went since the rate changed.
    came: u64,
    gone: u64,
    /// Samples at the beginning that are the filter's delay.
    skip: usize,
}

impl Resampler {
    /// Sound of so many samples a second goes through untouched, and nothing else waits.
    pub(super) fn leaves_as_it_is(&self, rate: u32) -> bool {
        rate == RATE && self.fft.is_none()
    }

    /// Takes `sound` of so many samples a second and appends what it is at [`RATE`] to `out`; a part
    /// of it may come with the next call. Where the rate is another than before, what waits of the old
    /// one comes first.
    pub(super) fn convert(&mut self, rate: u32, sound: &Sound, out: &mut Sound) {
        if rate != self.rate {
            self.finish(out);
            self.begin(rate);
        }
        if self.fft.is_none() {
            append(sound, 0..sound.len(), out);
            return;
        }
        self.came += sound.len() as u64;
        append(sound, 0..sound.len(), &mut self.waiting);
        while self.convert_chunk(out) {}
    }

    /// Appends all that waits, so that as much has gone as came.
    fn finish(&mut self, out: &mut Sound) {
        let Some(fft) = &self.fft else { return };
        let due = self.came * u64::from(RATE) / u64::from(self.rate.max(1));
        let chunk = fft.input_frames_next().max(1);
        while self.gone < due {
            let missing = chunk.saturating_sub(self.waiting.len());
            self.waiting.add_silence(missing.max(1));
            let before = out.len();
            if !self.convert_chunk(out) {
                break;
            }
            let excess = usize::try_from(self.gone.saturating_sub(due)).unwrap_or(0);
            let keep = out.len() - excess.min(out.len() - before);
            out.channels.iter_mut().for_each(|channel| channel.truncate(keep));
        }
    }

    fn begin(&mut self, rate: u32) {
        *self = Self { rate, ..Self::default() };
        if rate != RATE {
            // Any two rates of MPEG can be converted.
            self.fft = Fft::new(rate as usize, RATE as usize, CHUNK, 2, FixedSync::Input).ok();
            self.skip = self.fft.as_ref().map_or(0, rubato::Resampler::output_delay);
        }
    }

    /// Converts what waits for one call; false: there is too little of it.
    fn convert_chunk(&mut self, out: &mut Sound) -> bool {
        let Self { fft: Some(fft), waiting, made, .. } = self else { return false };
        let needed = fft.input_frames_next();
        if waiting.len() < needed {
            return false;
        }
        let most = fft.output_frames_next();
        made.clear();
        made.add_silence(most);
        let input = SequentialSliceOfVecs::new(&waiting.channels, 2, waiting.len());
        let output = SequentialSliceOfVecs::new_mut(&mut made.channels, 2, most);
        let (Ok(input), Ok(mut output)) = (input, output) else { return false };
        let Ok((taken, given)) = fft.process_into_buffer(&input, &mut output, None::<&Indexing>)
        else {
            return false;
        };
        for channel in &mut waiting.channels {
            channel.drain(..taken.min(channel.len()));
        }
        let skipped = self.skip.min(given);
        self.skip -= skipped;
        append(&self.made, skipped..given, out);
        self.gone += (given - skipped) as u64;
        taken > 0
    }
}

fn append(from: &Sound, range: std::ops::Range<usize>, to: &mut Sound) {
    for (to, from) in to.channels.iter_mut().zip(&from.channels) {
        to.extend_from_slice(from.get(range.clone()).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    /// 440 Hz at half of full scale, another phase on the right.
    fn sine(rate: u32, from: usize, samples: usize) -> Sound {
        let value = |at: usize, phase: f32| {
            let turns = (at as f64 * 440.0 / f64::from(rate)).fract();
            #[expect(clippy::cast_possible_truncation, reason = "below 1")]
            let turns = turns as f32;
            0.5 * (turns * TAU + phase).sin()
        };
        let channel = |phase| (from..from + samples).map(|at| value(at, phase)).collect();
        Sound { channels: [channel(0.0), channel(1.0)] }
    }

    #[test]
    fn the_right_rate_passes_untouched() {
        let (mut resampler, mut out) = (Resampler::default(), Sound::default());
        let sound = sine(RATE, 0, 5000);
        resampler.convert(RATE, &sound, &mut out);
        assert_eq!(out.channels, sound.channels);
    }

    #[test]
    fn every_rate_of_mpeg_keeps_its_time_and_its_tone() {
        for rate in [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 48_000] {
            let (mut resampler, mut out) = (Resampler::default(), Sound::default());
            let (frame, frames) = (576, 200);
            for number in 0..frames {
                resampler.convert(rate, &sine(rate, number * frame, frame), &mut out);
            }
            // The end comes with the next rate.
            resampler.convert(RATE, &Sound::default(), &mut out);
            let due = frames * frame * RATE as usize / rate as usize;
            assert_eq!(out.channels.each_ref().map(Vec::len), [due; 2], "{rate}");
            let expected = sine(RATE, 0, due);
            let inner = 3_000..due - 3_000;
            for (out, expected) in out.channels.iter().zip(&expected.channels) {
                let pairs = out[inner.clone()].iter().zip(&expected[inner.clone()]);
                let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                // The delay may be half a moment longer than a whole number of them: 0.0157 at 440 Hz.
                assert!(worst < 0.017, "{rate}: {worst}");
            }
        }
    }
}
