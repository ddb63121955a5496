//! Pauses leave no trace: decoders make of a paused song, its silence cut out, the plain song.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    thread,
};

use musicdb_stream::mpeg::Header;

use crate::support::{
    decoders::{Decoded, Decoder, Difference, SAMPLE_LEN},
    encoded::{RECIPES, Recipe},
    shared::shared,
    spliced::{Dice, Song},
};

/// From so many samples behind a pause on nothing differs, to the last bit of floating point: the
/// transform overlaps into the 576 samples behind a pause, and the filter bank hears each of its
/// samples for 480 samples more. No bytes in front of a frame could make it less.
const EXACT_FROM: usize = 576 + 480;
/// From so many on 16 bits differ by one step at most, where rounding falls the other way.
const EQUAL_FROM: usize = 1024;
/// One step of 16 bits, of full scale.
const STEP: f32 = 1.0 / 32_768.0;
/// Pauses a song in a short round, which takes one song of each kind.
const FEW_PAUSES: usize = 25;
/// Frames between pauses without carriers: damage lasts longer than between those with.
const FAR_APART: usize = 14;

/// Streams of the conformance suite whose sound no decoder complains of.
const CONFORMANCE: &[&str] = &[
    "l3-compl.bit",
    "l3-he_32khz.bit",
    "l3-he_44khz.bit",
    "l3-he_48khz.bit",
    "l3-he_mode.bit",
    "l3-hecommon.bit",
    "l3-si.bit",
    "l3-si_block.bit",
    "l3-si_huff.bit",
    "l3-sin1k0db.bit",
    "l3-test45.bit",
    "l3-test46.bit",
    "M2L3_bitrate_16_all.bit",
    "M2L3_bitrate_22_all.bit",
    "M2L3_bitrate_24_all.bit",
    "M2L3_compl24.bit",
    "M2L3_noise.bit",
];

/// Where a song comes from.
enum Source {
    Recipe(&'static Recipe),
    File(&'static str, PathBuf),
}

impl Source {
    fn all() -> Vec<Self> {
        let mut all: Vec<Self> = RECIPES.iter().map(Self::Recipe).collect();
        if let Some(music) = shared("music") {
            let mut paths: Vec<PathBuf> =
                fs::read_dir(music).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            all.extend(paths.into_iter().map(|path| Self::File("music", path)));
        }
        if let Some(suite) = shared("corpus/iso") {
            let paths = CONFORMANCE.iter().map(|name| suite.join(name));
            all.extend(paths.map(|path| Self::File("conformance suite", path)));
        }
        all
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Recipe(recipe) => recipe.kind,
            Self::File(kind, _) => kind,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Recipe(recipe) => recipe.name(),
            Self::File(_, path) => path.file_name().unwrap().to_string_lossy().into_owned(),
        }
    }

    fn song(&self, folder: &Path) -> Option<Song> {
        match self {
            Self::Recipe(recipe) => Song::read(&recipe.encode(folder)),
            Self::File(_, path) => Song::read(path),
        }
    }
}

/// What one decoder made of the pauses of one song.
#[derive(Default)]
struct Heard {
    /// Samples until all is equal, in floating point and in 16 bits.
    exact: Vec<usize>,
    short: Vec<usize>,
    /// The largest difference behind [`EQUAL_FROM`], of the song's peak where that is beyond full scale.
    late_peak: f32,
    /// Samples until nothing differs by more than [`STEP`], of the song's peak as above: with
    /// carriers, and without.
    coarse: Vec<usize>,
    bare: Vec<usize>,
    complaints: Vec<String>,
    /// What it complained of without carriers.
    bare_complaints: usize,
    /// Frames that it gave, of the song as it is and with carriers.
    frames: usize,
}

struct Outcome {
    pauses: usize,
    largest_back: usize,
    most_carriers: usize,
    /// Streams that each decoder was given, of the song as it is and with carriers, and their frames.
    streams: usize,
    frames: usize,
    heard: [Heard; 3],
}

fn decode(decoder: Decoder, bytes: &[u8]) -> Decoded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream.mp3");
    fs::write(&path, bytes).unwrap();
    decoder.decode(&path)
}

/// Decodes with all decoders at once.
fn decode_all(bytes: &[u8]) -> [Decoded; 3] {
    thread::scope(|scope| {
        Decoder::ALL
            .map(|decoder| scope.spawn(move || decode(decoder, bytes)))
            .map(|thread| thread.join().unwrap())
    })
}

/// Frames that make up [`EXACT_FROM`] samples and one more, in which nothing may differ.
fn apart(header: Header) -> usize {
    EXACT_FROM.div_ceil(usize::from(header.samples())) + 1
}

fn outcome(song: &Song, pauses: usize, dice: &mut Dice) -> Outcome {
    let header = song.header();
    let samples = usize::from(header.samples());
    let step = usize::from(header.channels()) * SAMPLE_LEN;
    let frame_len = samples * step;
    // The song as it is, for each turn of a decoder: what is behind so many silent frames.
    let whole = decode_all(&song.bytes());
    let plain: Vec<Vec<Decoded>> = Decoder::ALL
        .into_iter()
        .zip(whole)
        .map(|(decoder, whole)| {
            let behind = 1..decoder.turn(samples);
            let behind = behind.map(|frames| {
                let mut decoded = decode(decoder, &song.behind_silence(frames));
                decoded.pcm.drain(..frames * frame_len);
                decoded
            });
            [whole].into_iter().chain(behind).collect()
        })
        .collect();
    // A stream of the conformance suite is many times louder than full scale, and so is what
    // rounding does to it.
    let loud: Vec<f32> = plain.iter().map(|plain| plain[0].peak().max(1.0)).collect();
    let mut heard: [Heard; 3] = Default::default();
    for (heard, plain) in heard.iter_mut().zip(&plain) {
        for plain in plain {
            assert_eq!(plain.pcm.len(), song.frames.len() * frame_len, "not every frame came");
            heard.complaints.extend_from_slice(&plain.complaints);
        }
        heard.frames = plain[0].pcm.len() / frame_len;
    }
    let frames = song.frames.len();
    let mut outcome =
        Outcome { pauses: 0, largest_back: 0, most_carriers: 0, streams: 1, frames, heard };
    // A short song is spliced again and again, at other frames each time.
    while outcome.pauses < pauses {
        let places = song.places(pauses - outcome.pauses, apart(header), dice);
        assert!(!places.is_empty(), "the song is too short");
        let spliced = song.with_pauses(&places, true, dice);
        outcome.pauses += spliced.pauses.len();
        outcome.most_carriers = outcome.most_carriers.max(spliced.most_carriers);
        let backs = spliced.pauses.iter().map(|pause| pause.back);
        outcome.largest_back = backs.max().unwrap_or(0).max(outcome.largest_back);
        outcome.streams += 1;
        outcome.frames += frames + spliced.silent_frames();
        let paused = decode_all(&spliced.bytes);
        for (number, paused) in paused.iter().enumerate() {
            let (heard, plain) = (&mut outcome.heard[number], &plain[number]);
            let before = ..spliced.first() * frame_len;
            assert!(plain[0].pcm[before] == paused.pcm[before], "before the first pause");
            let turned = |silent: usize| plain[silent % plain.len()].pcm.as_slice();
            let behind = spliced.behind_pauses(turned, &paused.pcm, frame_len, |one, other| {
                Difference::of(one, other, step, EQUAL_FROM, STEP * loud[number])
            });
            for difference in behind {
                heard.exact.push(difference.samples);
                heard.short.push(difference.in_16_bits);
                heard.coarse.push(difference.coarse);
                heard.late_peak = heard.late_peak.max(difference.late_peak / loud[number]);
            }
            heard.complaints.extend_from_slice(&paused.complaints);
            heard.frames += paused.pcm.len() / frame_len;
        }
    }
    // What it would be without carriers: told, not tested.
    let places = song.places(pauses.div_ceil(4), FAR_APART, dice);
    let bare = song.with_pauses(&places, false, dice);
    let paused = decode_all(&bare.bytes);
    for (number, heard) in outcome.heard.iter_mut().enumerate() {
        let (plain, paused) = (&plain[number], &paused[number]);
        // A decoder that leaves out what it misses rounds as behind fewer frames, or half of one.
        heard.bare = bare.behind_pauses(
            |_| &plain[0].pcm,
            &paused.pcm,
            frame_len,
            |one, other| Difference::of(one, other, step, EQUAL_FROM, STEP * loud[number]).coarse,
        );
        heard.bare_complaints = paused.complaints.len();
    }
    outcome
}

fn worst(samples: &[usize]) -> usize {
    samples.iter().copied().max().unwrap_or(0)
}

fn median(samples: &[usize]) -> usize {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

/// The line of a song that tests/bench/exact.sh reads.
fn row(source: &Source, outcome: &Outcome) -> String {
    let Outcome { pauses, largest_back, most_carriers, streams, frames, heard } = outcome;
    let (kind, name) = (source.kind(), source.name());
    let mut row = format!("exact\t{kind}\t{name}\t{pauses}\t{largest_back}\t{most_carriers}");
    for heard in heard {
        let figures = [
            worst(&heard.exact),
            median(&heard.exact),
            worst(&heard.short),
            median(&heard.short),
            worst(&heard.coarse),
            worst(&heard.bare),
        ];
        row.extend(figures.map(|figure| format!("\t{figure}")));
        row += &format!("\t{:.3}", heard.late_peak / STEP);
        let counts = [heard.complaints.len(), heard.bare_complaints, heard.frames];
        row.extend(counts.map(|count| format!("\t{count}")));
    }
    row + &format!("\t{streams}\t{frames}")
}

/// `MUSICDB_PAUSES` takes all songs with so many pauses each, `MUSICDB_PART=2/6` the second sixth
/// of them.
#[test]
#[ignore = "needs lame, mpg123 and ffmpeg"]
fn behind_a_pause_every_decoder_goes_on_as_if_there_had_been_none() {
    let pauses: Option<usize> = env::var("MUSICDB_PAUSES").ok().map(|n| n.parse().unwrap());
    let part = env::var("MUSICDB_PART").unwrap_or_else(|_| "1/1".to_owned());
    let (part, parts) = part.split_once('/').expect("MUSICDB_PART is like 2/6");
    let (part, parts): (usize, usize) = (part.parse().unwrap(), parts.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (mut kinds, mut failures, mut damaged) = (BTreeSet::new(), Vec::new(), 0);
    for (number, source) in Source::all().iter().enumerate() {
        let first = kinds.insert(source.kind());
        if pauses.is_none() && !first || number % parts != part - 1 {
            continue;
        }
        let Some(song) = source.song(folder.path()) else {
            println!("left out: {} changes between mono and stereo", source.name());
            continue;
        };
        let outcome = outcome(&song, pauses.unwrap_or(FEW_PAUSES), &mut Dice(number as u64));
        println!("{}", row(source, &outcome));
        for (heard, decoder) in outcome.heard.iter().zip(Decoder::ALL) {
            let exact = worst(&heard.exact);
            if exact > EXACT_FROM || heard.late_peak > STEP || !heard.complaints.is_empty() {
                let said: Vec<&String> = heard.complaints.iter().take(3).collect();
                let (name, peak) = (source.name(), heard.late_peak);
                failures.push(format!("{name}: {decoder:?}: {exact} samples, {peak}, {said:?}"));
            }
            damaged += usize::from(worst(&heard.bare) > EXACT_FROM);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(damaged > 0, "without carriers nothing was damaged: this test sees nothing");
}
