//! Songs that LAME encodes from sound made here: every version and rate, every kind of bitrate.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::spliced::Dice;

/// A song to encode: what the report counts it among, Hz, channels, and what LAME is told.
pub struct Recipe {
    pub kind: &'static str,
    rate: u32,
    args: &'static str,
}

const fn recipe(kind: &'static str, rate: u32, args: &'static str) -> Recipe {
    Recipe { kind, rate, args }
}

/// The first of each kind is the one for a short round.
pub const RECIPES: &[Recipe] = &[
    recipe("MPEG-1, constant", 44_100, "-b 128"),
    recipe("MPEG-1, constant", 44_100, "-b 32"),
    recipe("MPEG-1, constant", 44_100, "-b 64"),
    recipe("MPEG-1, constant", 44_100, "-b 96"),
    recipe("MPEG-1, constant", 44_100, "-b 192"),
    recipe("MPEG-1, constant", 44_100, "-b 256"),
    recipe("MPEG-1, constant", 44_100, "-b 320"),
    recipe("MPEG-1, constant", 48_000, "-b 32"),
    recipe("MPEG-1, constant", 48_000, "-b 112"),
    recipe("MPEG-1, constant", 48_000, "-b 224"),
    recipe("MPEG-1, constant", 32_000, "-b 40"),
    recipe("MPEG-1, constant", 32_000, "-b 80"),
    recipe("MPEG-1, constant", 32_000, "-b 160"),
    recipe("MPEG-1, constant, stereo or dual", 48_000, "-b 96 -m s"),
    recipe("MPEG-1, constant, stereo or dual", 44_100, "-b 128 -m s"),
    recipe("MPEG-1, constant, stereo or dual", 44_100, "-b 160 -m d"),
    recipe("MPEG-1, constant, stereo or dual", 32_000, "-b 64 -m d"),
    recipe("MPEG-1, constant, mono", 44_100, "-b 32 -m m"),
    recipe("MPEG-1, constant, mono", 44_100, "-b 64 -m m"),
    recipe("MPEG-1, constant, mono", 48_000, "-b 48 -m m"),
    recipe("MPEG-1, constant, mono", 32_000, "-b 56 -m m"),
    recipe("MPEG-1, variable", 44_100, "-V 0"),
    recipe("MPEG-1, variable", 44_100, "-V 1"),
    recipe("MPEG-1, variable", 44_100, "-V 2"),
    recipe("MPEG-1, variable", 44_100, "-V 3"),
    recipe("MPEG-1, variable", 44_100, "-V 4"),
    recipe("MPEG-1, variable", 44_100, "-V 5"),
    recipe("MPEG-1, variable", 44_100, "-V 6"),
    recipe("MPEG-1, variable", 44_100, "-V 7"),
    recipe("MPEG-1, variable", 44_100, "-V 8"),
    recipe("MPEG-1, variable", 44_100, "-V 9"),
    recipe("MPEG-1, variable", 48_000, "-V 2 -m m"),
    recipe("MPEG-1, variable", 32_000, "-V 5 -m s"),
    recipe("MPEG-1, average", 44_100, "--abr 130"),
    recipe("MPEG-1, average", 48_000, "--abr 180"),
    recipe("with CRC", 44_100, "-b 128 -p"),
    recipe("with CRC", 48_000, "-b 64 -m m -p"),
    recipe("with CRC", 44_100, "-V 4 -p"),
    recipe("with CRC", 22_050, "-b 48 -p"),
    recipe("with CRC", 8_000, "-b 8 -m m -p"),
    recipe("MPEG-2, constant", 22_050, "-b 48"),
    recipe("MPEG-2, constant", 22_050, "-b 32 -m m"),
    recipe("MPEG-2, constant", 24_000, "-b 16"),
    recipe("MPEG-2, constant", 24_000, "-b 8 -m m"),
    recipe("MPEG-2, constant", 24_000, "-b 160 -m s"),
    recipe("MPEG-2, constant", 16_000, "-b 24 -m m"),
    recipe("MPEG-2, constant", 16_000, "-b 64 -m d"),
    recipe("MPEG-2, variable or average", 22_050, "-V 9"),
    recipe("MPEG-2, variable or average", 24_000, "-V 2"),
    recipe("MPEG-2, variable or average", 16_000, "--abr 40"),
    recipe("MPEG-2.5", 8_000, "-b 8 -m m"),
    recipe("MPEG-2.5", 8_000, "-b 32 -m s"),
    recipe("MPEG-2.5", 11_025, "-b 16 -m m"),
    recipe("MPEG-2.5", 11_025, "-b 40"),
    recipe("MPEG-2.5", 12_000, "-b 24"),
    recipe("MPEG-2.5", 12_000, "-V 5"),
];

/// Frames of each song at the least: 20 s at 44.1 kHz.
const FRAMES: usize = 765;

impl Recipe {
    pub fn name(&self) -> String {
        format!("{} Hz {}", self.rate, self.args)
    }

    /// Encodes it into `folder`; PCM that was made once is taken again.
    pub fn encode(&self, folder: &Path) -> PathBuf {
        let pcm = folder.join(format!("{}.pcm", self.rate));
        if !pcm.exists() {
            fs::write(&pcm, sound(self.rate)).unwrap();
        }
        let path = folder.join(format!("{}.mp3", self.name()));
        let kilohertz = format!("{}.{:03}", self.rate / 1000, self.rate % 1000);
        // -t: no Info frame. --resample: LAME would take a lower rate where bits are few. A raw
        // file is stereo whatever -m says, but for mono, which -a mixes it down to.
        let output = Command::new("lame")
            .args(["--silent", "-r", "-s", &kilohertz, "--resample", &kilohertz, "-t"])
            .args(self.args.replace("-m m", "-a").split(' '))
            .args([&pcm, &path])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lame: {}: {said}", self.name());
        path
    }
}

/// Chords that change, noise that swells, and clicks out of near silence, in 16-bit stereo: what
/// makes an encoder fill its reservoir and empty it again.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "sound")]
pub fn sound(rate: u32) -> Vec<u8> {
    let samples = FRAMES * if rate >= 32_000 { 1152 } else { 576 };
    let mut dice = Dice(u64::from(rate));
    let mut pcm = Vec::with_capacity(samples * 4);
    let mut chord = [0.0; 3];
    let mut phases = [0.0f32; 3];
    // A chord lasts as many samples as a quarter second at 44.1 kHz has, at every rate.
    for n in 0..samples {
        let (beat, at) = (n / 11_025, n % 11_025);
        if at == 0 {
            let root = 0.004 * 1.122f32.powi(dice.roll(12) as i32);
            chord = [root, root * 1.26, root * 1.5];
        }
        let fade = 1.0 - at as f32 / 11_025.0;
        let mut tone = [0.0f32; 2];
        for (voice, (phase, step)) in phases.iter_mut().zip(chord).enumerate() {
            *phase = (*phase + step).fract();
            let wave = (*phase * std::f32::consts::TAU).sin() + 0.3 * (*phase * 5.0).fract();
            tone[0] += wave * [0.2, 0.1, 0.05][voice];
            tone[1] += wave * [0.05, 0.1, 0.2][voice];
        }
        let hiss = [4, 1, 40, 0][beat % 4] as f32 / 100.0 * fade;
        let click = if at % 2757 < 30 && beat % 3 == 1 { 0.6 } else { 0.0 };
        let loud = if beat % 7 == 6 { 0.01 } else { 1.0 };
        for channel in tone {
            let noise = dice.roll(2001) as f32 / 1000.0 - 1.0;
            let value = (channel * fade * loud + noise * hiss * loud + click * noise) * 28_000.0;
            pcm.extend_from_slice(&(value.clamp(-32_000.0, 32_000.0) as i16).to_le_bytes());
        }
    }
    pcm
}
