//! `check`: what one MP3 file holds, frame by frame, as text and as JSON.

use std::{
    fmt,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;
use serde::{Serialize, Serializer};

use super::{
    failure::Told,
    layout::{self, safe},
};

use crate::{
    deck::SongFrames,
    mpeg::{
        self, Format, Gap, InfoKind, Splice, SpliceKind, StreamTime, Summary, Trim, Unplayable,
        content, walk,
    },
};

/// What `check` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The files to walk
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON document: an object for one file, an array for several
    #[arg(long)]
    json: bool,
}

/// Prints the reports; fails where one of the files cannot be streamed.
pub(super) fn run(options: &Options, screen: &mut dyn Write) -> Result<()> {
    let checked = check_all(&options.files);
    match checked.as_slice() {
        [one] if options.json => layout::json(one, screen)?,
        several if options.json => layout::json(&several, screen)?,
        several => {
            for one in several {
                writeln!(screen, "{one}")?;
            }
        }
    }
    if checked.iter().all(|one| one.playable) { Ok(()) } else { Err(Told.into()) }
}

/// What a file that can be streamed holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Layer III frames, without Xing, Info and VBRI frames.
    pub frames: u64,
    /// How long they sound: s, exact to the sample before it is written as a decimal number.
    pub duration_seconds: f64,
    /// Samples of each channel; nothing where the rate changes inside the file.
    pub samples: Option<u64>,
    /// Bytes of the frames.
    pub audio_bytes: u64,
    /// Bitrates of the frames: kbit/s.
    pub bitrate: BitrateReport,
    /// Every format in the order of first appearance; more than one is a file that was joined.
    pub formats: Vec<FormatReport>,
    /// What the Xing, Info or VBRI frame claims.
    pub info: Option<InfoReport>,
    /// Samples that are played and are no sound; nothing where no tag tells.
    pub gap: Option<GapReport>,
    /// The tags.
    pub tags: Vec<TagReport>,
    /// Bytes that are neither frame nor tag.
    pub junk_bytes: u64,
    /// How many runs they are.
    pub junk_spots: u64,
    /// Bytes of a last frame that was cut short; it is not streamed.
    pub truncated_tail: u64,
    /// Where files were joined or damaged.
    pub splices: Vec<SpliceReport>,
}

/// Bitrates: kbit/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BitrateReport {
    /// The lowest of a frame.
    pub min: u16,
    /// Bytes by duration, rounded.
    pub mean: u64,
    /// The highest of a frame.
    pub max: u16,
}

/// A version, a rate, a number of channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FormatReport {
    /// `MPEG-1`, `MPEG-2` or `MPEG-2.5`.
    pub version: &'static str,
    /// Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
}

/// A Xing, Info or VBRI frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InfoReport {
    /// `Xing`, `Info` or `VBRI`.
    pub kind: &'static str,
    /// The frames that it claims.
    pub frames: Option<u32>,
    /// Samples before the sound.
    pub delay: Option<u16>,
    /// Samples behind the sound.
    pub padding: Option<u16>,
    /// Who signed.
    pub encoder: Option<String>,
}

/// Delay and padding that whole frames cannot leave out: samples of each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GapReport {
    /// Before the sound.
    pub before: u64,
    /// Behind it; nothing where the tag counts other frames than there are.
    pub behind: Option<u64>,
}

/// A tag: kind, place and length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TagReport {
    /// Its name.
    pub kind: &'static str,
    /// Bytes from the file's start.
    pub at: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A place where files were joined or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpliceReport {
    /// `junk`, `tag`, `info` or `format`.
    pub kind: &'static str,
    /// Frames before it.
    pub frame: u64,
    /// Bytes from the file's start.
    pub at: u64,
    /// Bytes left out.
    pub bytes: u64,
}

/// One file of several: its report, or why it cannot be streamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The file as it was named. In JSON, what is not UTF-8 in it is replaced.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// It can be streamed.
    pub playable: bool,
    /// Why not, as a sentence.
    pub reason: Option<String>,
    /// Its first frame has another format than that of the first file: see `[stream] mixed`.
    pub differs_from_first: bool,
    /// What it holds.
    #[serde(flatten)]
    pub report: Option<Report>,
}

/// A path as text, whatever bytes it is made of.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Walks one file.
///
/// # Errors
/// Why it cannot be streamed.
pub fn check(path: &Path) -> Result<Report, Unplayable> {
    let mut file = mpeg::open(path)?;
    let summary = walk(&mut file).map_err(|found| content::reason(found, &mut file))?;
    let trim = Trim::of(summary.first, summary.info.as_ref());
    // Where nothing may go, nobody needs to look whether it does.
    let lead = if trim.lead_limit() == 0 { 0 } else { SongFrames::open(&mut file)?.lead() };
    let gap = trim.gap(summary.frames, lead);
    let gap = gap.map(|Gap { before, behind }| GapReport { before, behind });
    Ok(Report { gap, ..Report::from(&summary) })
}

/// Walks several files, each for itself.
pub fn check_all<P: AsRef<Path>>(paths: &[P]) -> Vec<Checked> {
    let checked = |path: &P| {
        let result = check(path.as_ref());
        Checked {
            file: path.as_ref().to_owned(),
            playable: result.is_ok(),
            reason: result.as_ref().err().map(ToString::to_string),
            differs_from_first: false,
            report: result.ok(),
        }
    };
    let mut all: Vec<Checked> = paths.iter().map(checked).collect();
    let format = |one: &Checked| one.report.as_ref()?.formats.first().copied();
    let first = all.iter().find_map(format);
    for one in &mut all {
        one.differs_from_first = format(one).is_some_and(|format| Some(format) != first);
    }
    all
}

impl From<&Summary> for Report {
    fn from(summary: &Summary) -> Self {
        Self {
            frames: summary.frames,
            duration_seconds: summary.duration.as_seconds(),
            samples: samples(summary),
            audio_bytes: summary.audio_bytes,
            bitrate: BitrateReport {
                min: summary.min_bitrate,
                mean: summary.mean_bitrate(),
                max: summary.max_bitrate,
            },
            formats: summary.formats.iter().map(FormatReport::from).collect(),
            info: summary.info.as_ref().map(|info| InfoReport {
                kind: match info.kind {
                    InfoKind::Xing => "Xing",
                    InfoKind::Info => "Info",
                    InfoKind::Vbri => "VBRI",
                },
                frames: info.frames,
                delay: info.delay,
                padding: info.padding,
                encoder: info.encoder.clone(),
            }),
            gap: None,
            tags: summary
                .tags
                .iter()
                .map(|tag| TagReport { kind: tag.kind.name(), at: tag.at, bytes: tag.len })
                .collect(),
            junk_bytes: summary.junk_bytes,
            junk_spots: summary.junk_spots,
            truncated_tail: summary.truncated_tail,
            splices: summary.splices.iter().map(SpliceReport::from).collect(),
        }
    }
}

fn samples(summary: &Summary) -> Option<u64> {
    let rate = summary.first.sample_rate();
    let one = StreamTime::of_samples(1, rate).units();
    let same = summary.formats.iter().all(|format| format.sample_rate == rate);
    same.then(|| summary.duration.units() / one.max(1))
}

impl From<&Format> for FormatReport {
    fn from(format: &Format) -> Self {
        let version = format.version.name();
        Self { version, sample_rate: format.sample_rate, channels: format.channels }
    }
}

impl From<&Splice> for SpliceReport {
    fn from(splice: &Splice) -> Self {
        let kind = match splice.kind {
            SpliceKind::Junk => "junk",
            SpliceKind::Tag => "tag",
            SpliceKind::Info => "info",
            SpliceKind::Format => "format",
        };
        Self { kind, frame: splice.frame, at: splice.at, bytes: splice.len }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = safe(&self.file.display().to_string());
        match (&self.report, &self.reason) {
            (Some(report), _) => {
                write!(f, "{file}\n{report}")?;
                if self.differs_from_first {
                    write!(f, "\nnote        another format than the first file's")?;
                }
                Ok(())
            }
            (None, Some(reason)) => write!(f, "{file}\ncannot be streamed: {reason}"),
            (None, None) => write!(f, "{file}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "frames      {}", self.frames)?;
        write!(f, "duration    {:.6} s", self.duration_seconds)?;
        if let Some(samples) = self.samples {
            write!(f, " ({samples} samples)")?;
        }
        let BitrateReport { min, mean, max } = self.bitrate;
        write!(f, "\nbitrate     {mean} kbit/s")?;
        if min != max {
            write!(f, " on average, {min} to {max}")?;
        }
        for format in &self.formats {
            let FormatReport { version, sample_rate, channels } = format;
            let sides = if *channels == 1 { "mono" } else { "stereo" };
            write!(f, "\nformat      {version} Layer III, {sample_rate} Hz, {sides}")?;
        }
        if let Some(info) = &self.info {
            write!(f, "\ninfo frame  {}", info.kind)?;
            if let Some(encoder) = &info.encoder {
                write!(f, " by {}", safe(encoder))?;
            }
            if let Some(frames) = info.frames {
                write!(f, ", claims {frames} frames")?;
            }
        }
        match self.gap {
            None => write!(f, "\ngap         unknown, no tag tells")?,
            Some(GapReport { before, behind: Some(behind) }) => {
                write!(f, "\ngap         {before} samples before, {behind} behind the sound")?;
            }
            Some(GapReport { before, behind: None }) => {
                write!(f, "\ngap         {before} samples before the sound, unknown behind it")?;
            }
        }
        for TagReport { kind, at, bytes } in &self.tags {
            write!(f, "\ntag         {kind}, {bytes} bytes at byte {at}")?;
        }
        for SpliceReport { kind, frame, at, bytes } in &self.splices {
            write!(f, "\nsplice      {kind} before frame {frame}, {bytes} bytes at byte {at}")?;
        }
        let (bytes, spots) = (self.junk_bytes, self.junk_spots);
        let places = if spots == 1 { "place" } else { "places" };
        write!(f, "\njunk        {bytes} bytes in {spots} {places}")?;
        if self.truncated_tail > 0 {
            write!(f, "\ncut short   the last frame has only {} bytes", self.truncated_tail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_like_any_other_that_cannot_be_streamed() {
        let checked = check_all(&["no such file"]);
        let [one] = checked.as_slice() else { panic!("one file, one answer") };
        assert!(!one.playable && one.report.is_none());
        let json = serde_json::to_value(one).unwrap();
        assert_eq!(json["playable"], false);
        assert!(json["reason"].as_str().unwrap().contains("cannot be read"), "{json}");
    }

    #[test]
    fn a_report_speaks_of_every_finding() {
        let frame = [&[0xFF, 0xFB, 0x90, 0x64][..], &[1; 413]].concat();
        let bytes = [frame.repeat(3), vec![7; 50], frame.repeat(3), frame[..100].to_vec()].concat();
        let report = Report::from(&walk(std::io::Cursor::new(bytes)).unwrap());
        assert_eq!((report.frames, report.samples), (6, Some(6912)));
        let text = report.to_string();
        for line in [
            "frames      6\n",
            "duration    0.156735 s (6912 samples)\n",
            "splice      junk before frame 3, 50 bytes at byte 1251\n",
            "junk        50 bytes in 1 place\n",
            "cut short   the last frame has only 100 bytes",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
    }
}
