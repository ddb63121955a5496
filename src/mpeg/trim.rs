//! The trim: whole frames at a song's edges that hold nothing but the encoder's delay or padding.
//!
//! An encoder puts `delay` samples before the sound and `padding` samples behind it, so that
//! N frames of s samples hold `delay + sound + padding = N * s`. A decoder of Layer III is late by
//! [`DECODER_DELAY`] samples, which LAME's tag leaves out. Frame j's output is `[s*j, s*(j+1))`, and
//! in all output together the sound lies in
//!
//! ```text
//! [ delay + 529 , N*s - padding + 529 )
//! ```
//!
//! **Behind.** A frame's output depends on no later frame. The last t frames go where all that they
//! put out lies behind the sound: `s*(N-t) >= N*s - padding + 529`, so `t = (padding - 529) / s`.
//! LAME pads 576 to 1,727 samples (to 1,151 in MPEG-2): none or one. N is counted: where the tag
//! claims another number, the file was cut or grew, its padding is not at its end, and nothing goes.
//!
//! **Before.** The output of one slot (32 samples) takes the 15 slots before it, which the filter
//! bank remembers, and a granule's slots (18) take the coefficients of the granule before it, which
//! overlap. With the sound's first slot `f = (delay + 529) / 32`, the first granule that any of it
//! needs is `(f - 15) / 18 - 1`. Frames before that granule's may go: none with a delay under 1,679
//! samples (1,103 in MPEG-2), so none with LAME's usual 576. What they held of main data goes with
//! them, so the first frame that stays must not point back; those behind it can then not point
//! further than to its start.
//!
//! A tag whose delay and padding leave no sample for sound in the frames that it counts is wrong
//! somewhere: it trims nothing.
//!
//! VBRI tells a delay too, but no document says from where it counts (with its own frame or without,
//! with a decoder's part or without): it trims nothing.

use super::{
    header::{Header, Version},
    info::{InfoFrame, InfoKind},
};

/// Samples by which a decoder of Layer III is late: 528 + 1.
pub const DECODER_DELAY: u32 = 529;
/// Samples of a slot: one step of the filter bank, ISO 11172-3 2.4.3.2.
const SLOT: u32 = 32;
/// Slots before one that the filter bank remembers.
const FILTER_SLOTS: u32 = 15;
/// Slots of a granule.
const GRANULE_SLOTS: u32 = 18;
/// Frames that may go at either edge: the tag's fields have twelve bits, which are seven frames of
/// MPEG-2 less the decoder's part.
pub const MAX_TRIM: usize = 7;

/// How many frames the tag allows to leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trim {
    /// Samples of a frame.
    samples: u32,
    /// Samples before and behind the sound in the decode of all frames.
    edges: Option<(u32, u32)>,
    /// Frames that the tag counts, without itself.
    claim: Option<u64>,
    lead: usize,
    tail: usize,
}

/// Samples of each channel that are no sound, in the decode of the frames that are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Before the sound, without what the song before it leaves in the decoder.
    pub before: u64,
    /// Behind the sound. Nothing: the tag counts other frames than there are.
    pub behind: Option<u64>,
}

impl Trim {
    /// What the tag before the frame `first` tells; nothing goes without one.
    #[must_use]
    pub fn of(first: Header, info: Option<&InfoFrame>) -> Self {
        let told = info.filter(|info| info.kind != InfoKind::Vbri);
        let samples = u32::from(first.samples());
        let claim = told.and_then(|info| info.frames).map(u64::from);
        let leaves_sound = |delay: u16, padding: u16| {
            claim.is_none_or(|n| u64::from(delay) + u64::from(padding) < n * u64::from(samples))
        };
        // Two zeros are fields that nobody filled: no encoder of Layer III has no delay.
        let edges = told
            .and_then(|info| info.delay.zip(info.padding))
            .filter(|edges| *edges != (0, 0))
            .filter(|&(delay, padding)| leaves_sound(delay, padding))
            .map(|(delay, padding)| {
                let behind = u32::from(padding).saturating_sub(DECODER_DELAY);
                (u32::from(delay) + DECODER_DELAY, behind)
            });
        let granules = if first.version() == Version::Mpeg1 { 2 } else { 1 };
        let (before, behind) = edges.unwrap_or((0, 0));
        let needed = (before / SLOT).saturating_sub(FILTER_SLOTS) / GRANULE_SLOTS;
        let lead = needed.saturating_sub(1) / granules;
        Self {
            samples,
            edges,
            claim,
            lead: usize::try_from(lead).unwrap_or(0).min(MAX_TRIM),
            tail: usize::try_from(behind / samples.max(1)).unwrap_or(0).min(MAX_TRIM),
        }
    }

    /// At most so many frames go at the start.
    #[must_use]
    pub fn lead_limit(&self) -> usize {
        self.lead
    }

    /// At most so many frames go at the end.
    #[must_use]
    pub fn tail_limit(&self) -> usize {
        self.tail
    }

    /// How many go at the start, by how far each of the first [`lead_limit`](Self::lead_limit) + 1
    /// frames points back ([`main_data_begin`](super::main_data_begin)).
    #[must_use]
    pub fn lead(&self, begins: impl IntoIterator<Item = Option<usize>>) -> usize {
        let begins = begins.into_iter().take(self.lead + 1).enumerate();
        begins.filter(|(_, begin)| *begin == Some(0)).map(|(frame, _)| frame).last().unwrap_or(0)
    }

    /// How many go at the end of a song of `frames` frames, of which `lead` went at the start; one
    /// frame stays, whatever the tag says.
    #[must_use]
    pub fn tail(&self, frames: u64, lead: usize) -> usize {
        let most = if self.claim == Some(frames) { self.tail } else { 0 };
        let spare = frames.saturating_sub(lead as u64 + 1);
        usize::try_from(spare).map_or(most, |spare| most.min(spare))
    }

    /// What is left of delay and padding where a song of `frames` frames is played without what may
    /// go; nothing where the tag does not tell.
    #[must_use]
    pub fn gap(&self, frames: u64, lead: usize) -> Option<Gap> {
        let (before, behind) = self.edges?;
        let left = |edge: u32, frames: usize| {
            u64::from(edge).saturating_sub(u64::from(self.samples) * frames as u64)
        };
        let known = self.claim == Some(frames);
        Some(Gap {
            before: left(before, lead),
            behind: known.then(|| left(behind, self.tail(frames, lead))),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trim(bytes: [u8; 4], delay: u16, padding: u16) -> Trim {
        counted(bytes, Some(100), delay, padding)
    }

    fn counted(bytes: [u8; 4], frames: Option<u32>, delay: u16, padding: u16) -> Trim {
        let info = InfoFrame {
            kind: InfoKind::Info,
            frames,
            bytes: None,
            delay: Some(delay),
            padding: Some(padding),
            encoder: Some("LAME3.100".into()),
        };
        Trim::of(Header::parse(bytes).unwrap(), Some(&info))
    }

    const MPEG1: [u8; 4] = [0xFF, 0xFB, 0x90, 0x64];
    const MPEG2: [u8; 4] = [0xFF, 0xF3, 0x90, 0x64];

    #[test]
    fn a_last_frame_goes_where_all_that_it_puts_out_lies_behind_the_sound() {
        for (header, samples) in [(MPEG1, 1152), (MPEG2, 576)] {
            assert_eq!(trim(header, 576, 529 + samples - 1).tail(100, 0), 0);
            assert_eq!(trim(header, 576, 529 + samples).tail(100, 0), 1);
            assert_eq!(trim(header, 576, 529 + 2 * samples).tail(100, 0), 2);
        }
        let gap = trim(MPEG1, 576, 1681 + 143).gap(100, 0).unwrap();
        assert_eq!(gap, Gap { before: 1105, behind: Some(143) });
        assert_eq!(trim(MPEG1, 576, 100).gap(100, 0).unwrap().behind, Some(0));
    }

    #[test]
    fn a_file_that_was_cut_keeps_its_end() {
        let trim = trim(MPEG1, 576, 4000);
        assert_eq!((trim.tail(100, 0), trim.tail(99, 0), trim.tail(101, 0)), (3, 0, 0));
        assert_eq!(trim.gap(99, 0).unwrap(), Gap { before: 1105, behind: None });
        let short = Trim { claim: Some(3), ..trim };
        assert_eq!((short.tail(3, 0), short.tail(3, 2)), (2, 0), "one frame stays");
    }

    #[test]
    fn a_tag_that_leaves_no_sound_trims_nothing() {
        for (header, samples) in [(MPEG1, 1152), (MPEG2, 576)] {
            let frames = 7 * 576 / u32::from(samples);
            let most = u16::try_from(frames).unwrap() * samples - 1;
            let told = counted(header, Some(frames), 0, most);
            assert_eq!(told.tail(frames.into(), 0), usize::from((most - 529) / samples));
            let told = counted(header, Some(frames), most, 0);
            assert!(told.lead_limit() > 0);
            for (delay, padding) in [(0, most + 1), (1, most), (most + 1, 0), (4095, 4095)] {
                let none = counted(header, Some(frames), delay, padding);
                assert_eq!((none.lead_limit(), none.tail_limit()), (0, 0), "{delay} {padding}");
                assert_eq!(none.gap(frames.into(), 0), None);
            }
        }
    }

    /// A number of frames as a tag may claim it of a file that has fewer than twelve.
    fn claims() -> impl Strategy<Value = Option<u32>> {
        prop_oneof![Just(None), Just(Some(0)), Just(Some(u32::MAX)), (1u32..12).prop_map(Some)]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            cases: 4096,
            ..ProptestConfig::default()
        })]

        /// What goes lies outside of the sound by the tag, with all that a decoder needs for that.
        #[test]
        fn the_sound_stays_whatever_a_tag_says(
            (is_mpeg1, delay, padding) in (any::<bool>(), 0u16..4096, 0u16..4096),
            (frames, claim, is_true) in (1u32..12, claims(), any::<bool>()),
            begins in prop::collection::vec(prop::option::of(0usize..2), 12),
        ) {
            let claim = if is_true { Some(frames) } else { claim };
            let trim = counted(if is_mpeg1 { MPEG1 } else { MPEG2 }, claim, delay, padding);
            let samples = |frames: u64| frames * u64::from(trim.samples);
            let (delay, padding, late) = (u64::from(delay), u64::from(padding), 529);
            let (all, read) = (u64::from(frames), begins.into_iter().take(frames as usize));
            let lead = trim.lead(read);
            let tail = trim.tail(all, lead);
            prop_assert!(lead + tail < frames as usize, "{lead} and {tail} of {frames} go");
            let memory = u64::from((FILTER_SLOTS + GRANULE_SLOTS) * SLOT);
            prop_assert!(lead == 0 || samples(lead as u64) + memory <= delay + late);
            let kept = samples(all - tail as u64);
            let is_behind = kept + padding >= samples(all) + late;
            prop_assert!(tail == 0 || claim == Some(frames) && is_behind);
            let is_sound = claim.is_none_or(|claim| delay + padding < samples(claim.into()));
            prop_assert!(is_sound || lead + tail == 0, "{lead} and {tail} of {frames} go");
            prop_assert!(trim.gap(all, lead).is_none() || is_sound);
        }
    }

    #[test]
    fn first_frames_go_where_nothing_of_the_sound_needs_them() {
        for (header, delay, most) in [
            (MPEG1, 576, 0),
            (MPEG1, 1105, 0),
            (MPEG1, 1678, 0),
            (MPEG1, 1679, 1),
            (MPEG1, 4095, 3),
            (MPEG2, 1102, 0),
            (MPEG2, 1103, 1),
            (MPEG2, 4095, 6),
        ] {
            let trim = trim(header, delay, 0);
            assert_eq!(trim.lead_limit(), most, "{delay}");
            // What is kept before the sound: the filter bank's memory, the overlap, a slot begun.
            let kept =
                u32::from(delay) + DECODER_DELAY - trim.samples * u32::try_from(most).unwrap();
            assert!(kept >= (FILTER_SLOTS + GRANULE_SLOTS) * SLOT, "{delay}: {kept}");
        }
    }

    #[test]
    fn the_first_frame_that_stays_points_to_nothing_that_went() {
        let trim = trim(MPEG1, 4095, 0);
        let lead = |begins: [usize; 5]| trim.lead(begins.map(Some));
        assert_eq!(lead([0, 9, 0, 9, 0]), 2, "the fifth is beyond the limit");
        assert_eq!(lead([0, 0, 0, 0, 0]), 3);
        assert_eq!(lead([0, 9, 9, 9, 0]), 0);
        assert_eq!(lead([9, 9, 9, 9, 9]), 0);
        assert_eq!(trim.lead([Some(0), None, None]), 0);
    }

    #[test]
    fn nothing_goes_by_a_tag_that_tells_nothing() {
        let header = Header::parse(MPEG1).unwrap();
        let none = Trim::of(header, None);
        assert_eq!((none.lead_limit(), none.tail_limit(), none.gap(9, 0)), (0, 0, None));
        assert_eq!(trim(MPEG1, 0, 0).gap(100, 0), None);
        let vbri = InfoFrame {
            kind: InfoKind::Vbri,
            frames: Some(100),
            bytes: None,
            delay: Some(4000),
            padding: None,
            encoder: None,
        };
        assert_eq!(Trim::of(header, Some(&vbri)), Trim { samples: 1152, ..Trim::default() });
    }
}
