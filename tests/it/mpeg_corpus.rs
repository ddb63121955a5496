//! Real and odd files: frames counted as pinned here, and as other programs count them.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests may")]

use std::{collections::BTreeMap, fs::File, path::PathBuf, process::Command};

use musicdb_stream::mpeg::{FrameSource, Unplayable, walk};

use crate::support::shared::shared;

/// Frames and the bytes of a last frame that was cut short, or why there are none.
type Pinned = Result<(u64, u64), Unplayable>;

/// Every file of the corpus and of the music that is MP3, or claims to be.
const PINNED: &[(&str, Pinned)] = &[
    ("80s_vibe.mp3", Ok((3357, 0))),
    ("drums.mp3", Ok((3187, 0))),
    ("horns.mp3", Ok((3187, 0))),
    ("leadguitar.mp3", Ok((3187, 0))),
    ("outfoxing.mp3", Ok((3730, 0))),
    ("rave_digger.mp3", Ok((3631, 0))),
    ("running_out.mp3", Ok((2730, 0))),
    ("viper.mp3", Ok((1571, 0))),
    ("M2L3_bitrate_16_all.bit", Ok((476, 0))),
    ("M2L3_bitrate_22_all.bit", Ok((476, 0))),
    ("M2L3_bitrate_24_all.bit", Ok((476, 0))),
    ("M2L3_compl24.bit", Ok((212, 0))),
    ("M2L3_noise.bit", Ok((386, 0))),
    ("l1-fl1.bit", Err(Unplayable::LayerOne)),
    ("l2-fl10.bit", Err(Unplayable::LayerTwo)),
    ("l2-test32.bit", Err(Unplayable::LayerTwo)),
    ("l3-compl-cut.mp3", Ok((1, 0))),
    ("l3-compl.bit", Ok((216, 23))),
    ("l3-he_32khz.bit", Ok((150, 0))),
    ("l3-he_44khz.bit", Ok((410, 0))),
    ("l3-he_48khz.bit", Ok((150, 0))),
    ("l3-he_free.bit", Err(Unplayable::FreeFormat)),
    ("l3-he_mode.bit", Ok((128, 0))),
    ("l3-hecommon.bit", Ok((30, 0))),
    ("l3-nonstandard-apetag.bit", Ok((1, 0))),
    ("l3-nonstandard-big-iscf.bit", Err(Unplayable::FreeFormat)),
    ("l3-nonstandard-compl-sideinfo-bigvalues.bit", Ok((216, 23))),
    ("l3-nonstandard-compl-sideinfo-blocktype.bit", Ok((216, 23))),
    ("l3-nonstandard-compl-sideinfo-size.bit", Ok((216, 23))),
    ("l3-nonstandard-he_44_48khz.bit", Ok((560, 0))),
    ("l3-nonstandard-id3v1-apetag.bit", Ok((1, 0))),
    ("l3-nonstandard-id3v1.bit", Ok((1, 0))),
    ("l3-nonstandard-id3v2-only.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-id3v2.bit", Ok((1, 0))),
    ("l3-nonstandard-sideinfo-size.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-sin1k0db_lame_vbrtag.bit", Ok((316, 0))),
    ("l3-nonstandard-small.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-vbrtag-corrupted.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-vbrtag-empty.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-vbrtag-noframes.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-vbrtag-only.bit", Err(Unplayable::NoFrames)),
    ("l3-nonstandard-vbrtag-oob-read.bit", Err(Unplayable::NoFrames)),
    ("l3-si.bit", Ok((118, 0))),
    ("l3-si_block.bit", Ok((64, 0))),
    ("l3-si_huff.bit", Ok((75, 0))),
    ("l3-sin1k0db.bit", Ok((317, 412))),
    ("l3-test45.bit", Ok((822, 0))),
    ("l3-test46.bit", Ok((250, 0))),
    ("quodlibet-97-unknown-23-update.mp3", Ok((143, 0))),
    ("quodlibet-apev2-lyricsv2.mp3", Ok((75, 0))),
    ("quodlibet-audacious-trailing-id32-apev2.mp3", Ok((30, 0))),
    ("quodlibet-audacious-trailing-id32-id31.mp3", Ok((143, 0))),
    ("quodlibet-bad-POPM-frame.mp3", Err(Unplayable::NoFrames)),
    ("quodlibet-bad-TYER-frame.mp3", Ok((36, 0))),
    ("quodlibet-bad-xing.mp3", Ok((4, 427))),
    ("quodlibet-emptyfile.mp3", Err(Unplayable::Empty)),
    ("quodlibet-id3v1v2-combined.mp3", Ok((5, 283))),
    ("quodlibet-id3v22-test.mp3", Ok((5, 283))),
    ("quodlibet-lame-peak.mp3", Ok((4, 0))),
    ("quodlibet-lame.mp3", Ok((4, 0))),
    ("quodlibet-lame397v9short.mp3", Ok((3, 0))),
    ("quodlibet-no-tags.mp3", Ok((4, 0))),
    ("quodlibet-silence-44-s-mpeg2.mp3", Ok((157, 0))),
    ("quodlibet-silence-44-s-mpeg25.mp3", Ok((80, 0))),
    ("quodlibet-silence-44-s-v1.mp3", Ok((143, 0))),
    ("quodlibet-silence-44-s.mp3", Ok((143, 0))),
    ("quodlibet-too-short.mp3", Ok((1, 0))),
    ("quodlibet-vbri.mp3", Ok((16, 457))),
    ("quodlibet-xing.mp3", Ok((78, 58))),
    ("taglib-ape-id3v1.mp3", Ok((78, 58))),
    ("taglib-ape-id3v2.mp3", Ok((78, 58))),
    ("taglib-ape.mp3", Ok((78, 58))),
    ("taglib-bladeenc.mp3", Ok((136, 0))),
    ("taglib-compressed_id3_frame.mp3", Err(Unplayable::NoFrames)),
    ("taglib-compressed_id3_frame_invalid.mp3", Err(Unplayable::NoFrames)),
    ("taglib-duplicate_id3v2.mp3", Ok((5, 0))),
    ("taglib-excessive_alloc.mp3", Err(Unplayable::NoFrames)),
    ("taglib-extended-header.mp3", Err(Unplayable::NoFrames)),
    ("taglib-garbage.mp3", Ok((18, 0))),
    ("taglib-id3v22-tda.mp3", Ok((34, 31))),
    ("taglib-invalid-frames1.mp3", Ok((15, 0))),
    ("taglib-invalid-frames2.mp3", Ok((12, 0))),
    ("taglib-invalid-frames3.mp3", Ok((6, 959))),
    ("taglib-itunes10.mp3", Ok((2, 0))),
    ("taglib-lame_cbr.mp3", Ok((17, 128))),
    ("taglib-lame_vbr.mp3", Ok((7, 59))),
    ("taglib-mpeg2.mp3", Ok((196, 134))),
    ("taglib-rare_frames.mp3", Ok((16, 457))),
    ("taglib-toc_many_children.mp3", Ok((2, 0))),
    ("taglib-w000.mp3", Err(Unplayable::NoFrames)),
    ("taglib-xing.mp3", Ok((78, 58))),
];

/// Where another program counts otherwise: the file, what ffprobe and mpg123 say, and why.
///
/// One difference has no line of its own: ffprobe counts a last frame that was cut short.
const DIFFERENT: &[(&str, Option<u64>, Option<u64>, &str)] = &[
    ("l1-fl1.bit", None, Some(49), "mpg123 plays Layer I, and completes the last frame"),
    ("l2-fl10.bit", None, Some(49), "mpg123 plays Layer II, and completes the last frame"),
    ("l2-test32.bit", None, Some(63), "mpg123 plays Layer II"),
    ("l3-he_free.bit", None, Some(68), "mpg123 plays free format"),
    ("l3-nonstandard-big-iscf.bit", None, Some(2), "free format by mpg123's reading too, broken"),
    ("l3-compl-cut.mp3", None, None, "one frame: both ask for a second one"),
    ("l3-nonstandard-apetag.bit", None, None, "one frame: both ask for a second one"),
    ("l3-nonstandard-id3v1-apetag.bit", None, None, "one frame: both ask for a second one"),
    ("l3-nonstandard-id3v1.bit", None, None, "one frame: both ask for a second one"),
    ("l3-nonstandard-id3v2.bit", None, None, "one frame: both ask for a second one"),
    ("quodlibet-too-short.mp3", None, None, "one frame: both ask for a second one"),
    ("quodlibet-lame397v9short.mp3", Some(3), None, "mpg123 trims all of it away: delay, padding"),
    ("quodlibet-vbri.mp3", Some(17), Some(17), "ffprobe: the cut frame; mpg123: the VBRI frame"),
    (
        "taglib-rare_frames.mp3",
        Some(17),
        Some(17),
        "ffprobe: the cut frame; mpg123: the VBRI frame",
    ),
    (
        "taglib-ape.mp3",
        Some(80),
        Some(79),
        "the APE tag fills up the cut frame; ffprobe cuts one more",
    ),
    ("taglib-ape-id3v1.mp3", Some(80), Some(79), "as taglib-ape.mp3"),
    ("taglib-ape-id3v2.mp3", Some(80), Some(79), "as taglib-ape.mp3"),
    (
        "taglib-garbage.mp3",
        Some(21),
        Some(19),
        "ffprobe: the Info frame and two packets of junk; mpg123: a Layer I frame found in junk",
    ),
];

/// The files by name, PCM left out; empty where there are none beside the checkout.
fn files() -> BTreeMap<String, PathBuf> {
    ["music", "corpus/iso", "corpus/odd"]
        .into_iter()
        .filter_map(shared)
        .flat_map(|dir| std::fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "pcm"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .collect()
}

#[test]
fn every_file_has_the_frames_that_are_pinned() {
    let files = files();
    for (name, pinned) in PINNED {
        let Some(path) = files.get(*name) else { continue };
        let summary = walk(File::open(path).unwrap());
        let found = summary.as_ref().map(|s| (s.frames, s.truncated_tail)).map_err(Clone::clone);
        assert_eq!(&found, pinned, "{name}");
        let sent = FrameSource::open(File::open(path).unwrap())
            .and_then(|mut source| source.skip_frames(u64::MAX));
        assert_eq!(sent, pinned.clone().map(|(frames, _)| frames), "{name} frame by frame");
    }
    let unknown: Vec<_> =
        files.keys().filter(|name| PINNED.iter().all(|(pinned, _)| pinned != name)).collect();
    assert!(unknown.is_empty(), "not pinned: {unknown:?}");
}

#[test]
fn raw_pcm_is_no_mp3() {
    let Some(dir) = shared("corpus/iso") else { return };
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pcm") {
            let error = walk(File::open(&path).unwrap()).unwrap_err();
            assert!(matches!(error, Unplayable::NoFrames | Unplayable::Empty), "{path:?}: {error}");
        }
    }
}

#[test]
#[ignore = "needs ffprobe and mpg123"]
fn frames_are_counted_as_ffprobe_and_mpg123_count_them() {
    let mut wrong = Vec::new();
    for (name, path) in files() {
        let ours = walk(File::open(&path).unwrap()).ok();
        let frames = ours.as_ref().map(|summary| summary.frames);
        let with_cut = ours.map(|summary| summary.frames + u64::from(summary.truncated_tail > 0));
        let expected = DIFFERENT
            .iter()
            .find(|(different, ..)| *different == name)
            .map_or((with_cut, frames), |(_, ffprobe, mpg123, _)| (*ffprobe, *mpg123));
        let found = (ffprobe(&path), mpg123(&path));
        if found != expected {
            wrong.push(format!("{name}: {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn ffprobe(path: &PathBuf) -> Option<u64> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "a:0", "-count_packets", "-of", "csv=p=0"])
        .args(["-show_entries", "stream=codec_name,nb_read_packets"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().trim_end_matches(',').strip_prefix("mp3,")?.parse().ok()
}

/// The frame number in the last status line, `> 3357+0000  01:27.66+...`.
fn mpg123(path: &PathBuf) -> Option<u64> {
    let output = Command::new("mpg123").args(["-v", "-t"]).arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let (number, _) = text.rsplit_once("\r> ").or(text.rsplit_once("\n> "))?.1.split_once('+')?;
    number.trim().parse().ok()
}
