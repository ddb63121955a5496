//! Carriers: behind any silence every frame of a song finds the bytes that it points back to.

use musicdb_stream::mpeg::{
    CARRIERS_LIMIT, Carriers, Header, Silence, Tail, is_silent_forgery, main_data_begin,
    reservoir::{MAX_BACK, claim, main_data_at, max_back, side_info_at},
};
use proptest::prelude::*;

use crate::support::mp3::Shape;

/// A decoder's reservoir, as strict as a decoder may be: it keeps what the latest frame claimed
/// and brought, and nothing else.
#[derive(Default)]
struct Decoder {
    kept: Vec<u8>,
}

impl Decoder {
    /// The main data that the frame begins with and its own area; nothing where bytes are missing.
    fn frame(&mut self, header: Header, frame: &[u8]) -> Option<&[u8]> {
        let back = main_data_begin(header, frame)?;
        let from = self.kept.len().checked_sub(back)?;
        self.kept.drain(..from);
        self.kept.extend_from_slice(&frame[main_data_at(header)..]);
        Some(&self.kept)
    }
}

/// A small generator, so that one seed makes a song.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// Frames with random main data, each claiming at most what a strict decoder has.
fn song(shape: Shape, constant: bool, frames: usize, dice: &mut Dice) -> Vec<(Header, Vec<u8>)> {
    let mut decoder = Decoder::default();
    (0..frames)
        .map(|_| {
            let bitrate_index = if constant {
                shape.bitrate_index
            } else {
                u8::try_from(dice.roll(14)).unwrap() + 1
            };
            let header = Shape { bitrate_index, padded: dice.roll(2) == 1, ..shape }.header();
            let most = decoder.kept.len().min(max_back(header));
            // The far end is where it is difficult, and no claim at all is common.
            let back = [0, most, dice.roll(most + 1)][dice.roll(3)];
            let mut frame = header.to_bytes().to_vec();
            frame.resize(side_info_at(header), 0x77);
            frame.extend(claim(header, back));
            frame.resize(main_data_at(header), 0x11);
            frame.resize_with(header.frame_len(), || dice.roll(256).try_into().unwrap());
            decoder.frame(header, &frame).unwrap();
            (header, frame)
        })
        .collect()
}

/// Every version and rate with every bitrate, channel mode, with and without CRC: 1,008 shapes.
fn shapes() -> impl Iterator<Item = Shape> {
    Shape::streams().flat_map(|shape| {
        (1..=14).flat_map(move |bitrate_index| {
            (0..8).map(move |n| Shape { bitrate_index, mode: n % 4, crc: n > 3, ..shape })
        })
    })
}

/// Plays a song with silence before each frame for which `pause` says so, and holds what each of
/// its frames finds against what it finds without.
fn play(
    song: &[(Header, Vec<u8>)],
    mut silence: Silence,
    mut pause: impl FnMut() -> Option<usize>,
) {
    let (mut plain, mut paused) = (Decoder::default(), Decoder::default());
    let mut tail = Tail::default();
    for (header, frame) in song {
        if let Some(silent) = pause() {
            let mut out = Vec::new();
            for _ in 0..silent {
                out.clear();
                let made = silence.append_frame(&mut out);
                assert!(paused.frame(made, &out).is_some());
            }
            let carriers = Carriers::before(*header, frame, &tail, &mut silence).unwrap();
            assert!(carriers.len() <= CARRIERS_LIMIT);
            assert_eq!(carriers.is_empty(), main_data_begin(*header, frame) == Some(0));
            for (made, carrier) in carriers.frames() {
                assert_eq!(carrier.len(), made.frame_len());
                assert!(is_silent_forgery(carrier) && made.continues(*header));
                assert!(made.channels() == header.channels());
                assert!(paused.frame(made, carrier).is_some(), "a carrier claims too much");
            }
        }
        assert!(!tail.misses(*header, frame));
        tail.push(*header, frame);
        let found = paused.frame(*header, frame).expect("bytes are missing behind silence");
        assert_eq!(Some(found), plain.frame(*header, frame), "other bytes behind silence");
    }
    assert!(tail.held() <= MAX_BACK);
}

#[test]
fn in_every_shape_every_frame_finds_its_bytes_behind_silence() {
    let mut dice = Dice(3);
    for shape in shapes() {
        for constant in [true, false] {
            let song = song(shape, constant, 24, &mut dice);
            let silence = Silence::beside(shape.header(), 0, 0);
            let mut n = 0;
            play(&song, silence, || {
                n += 1;
                Some(n % 3)
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the song, its mean and its pauses are: nothing is missing, and nothing is other.
    #[test]
    fn a_song_with_any_pauses_is_the_song(
        number in 0usize..1008, constant: bool, seed: u64, mean in 20u64..1500, often in 1usize..6,
    ) {
        let shape = shapes().nth(number).unwrap();
        let mut dice = Dice(seed);
        let song = song(shape, constant, 60, &mut dice);
        let silence = Silence::beside(shape.header(), mean * 10, 10);
        play(&song, silence, || (dice.roll(often) == 0).then(|| dice.roll(4)));
    }

    /// Carriers are silence's own frames where these hold enough: the bytes are those of silence.
    #[test]
    fn carriers_of_silences_own_shapes_change_no_byte_a_second(
        number in 0usize..1008, seed: u64, mean in 20u64..1500,
    ) {
        let shape = shapes().nth(number).unwrap();
        let mut silence = Silence::beside(shape.header(), mean * 10, 10);
        let mut only = silence.clone();
        let mut dice = Dice(seed);
        let mut tail = Tail::default();
        let lens = |frames: &[usize]| frames.iter().sum::<usize>();
        let (mut with, mut without, mut out) = (Vec::new(), Vec::new(), Vec::new());
        for (header, frame) in song(shape, false, 30, &mut dice) {
            let carriers = Carriers::before(header, &frame, &tail, &mut silence).unwrap();
            let before = with.len();
            with.extend(carriers.frames().map(|(_, frame)| frame.len()));
            without.extend((0..carriers.len()).map(|_| only.append_frame(&mut out).frame_len()));
            if with[before..] != without[before..] {
                // Larger frames stood in, and only where silence's own did not suffice.
                let area = |len: usize| len - 4 - header.side_info_len();
                let own: usize = without[before..].iter().map(|&len| area(len)).sum();
                prop_assert!(own < main_data_begin(header, &frame).unwrap());
                prop_assert!(lens(&with) > lens(&without));
                break;
            }
            tail.push(header, &frame);
        }
    }
}
