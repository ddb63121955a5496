//! The meter: how loud the sound is.

use super::pcm::Frame;
use crate::status::Level;

/// Frames that are looked at together.
const PIECE: usize = 1024;

/// Measures what it is shown, until it is read.
#[derive(Debug, Default)]
pub struct Meter {
    peaks: [u16; 2],
    squares: [u64; 2],
    frames: u64,
}

impl Meter {
    /// Takes these into account.
    pub fn hear(&mut self, frames: &[Frame]) {
        for piece in frames.chunks(PIECE) {
            for (channel, (peak, squares)) in
                self.peaks.iter_mut().zip(&mut self.squares).enumerate()
            {
                let samples = piece.iter().map(|frame| frame[channel]);
                let loudest = samples.clone().map(|sample| i32::from(sample).abs()).max();
                let loudest = loudest.and_then(|sample| u16::try_from(sample).ok()).unwrap_or(0);
                *peak = (*peak).max(loudest);
                *squares += samples
                    .map(|sample| u64::from(i32::from(sample).pow(2).unsigned_abs()))
                    .sum::<u64>();
            }
        }
        self.frames += frames.len() as u64;
    }

    /// Frames since it was read.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// What it has measured; it begins anew.
    pub fn read(&mut self) -> Level {
        let Self { peaks, squares, frames } = std::mem::take(self);
        let full = 32_768.0;
        let mean = |squares: u64| (squares as f64 / frames.max(1) as f64).sqrt() / full;
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let rms = squares.map(|squares| mean(squares) as f32);
        Level { peak: peaks.map(|peak| f32::from(peak) / 32_768.0), rms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_wave_is_as_loud_as_its_peak_and_silence_is_nothing() {
        let mut meter = Meter::default();
        meter.hear(&[[16_384, 0], [-16_384, 0]]);
        meter.hear(&[[16_384, 0], [-16_384, i16::MIN]]);
        assert_eq!(meter.frames(), 4);
        let Level { peak, rms } = meter.read();
        assert_eq!((peak, rms), ([0.5, 1.0], [0.5, 0.5]));
        assert_eq!(meter.read(), Level::default());
    }
}
