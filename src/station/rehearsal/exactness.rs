//! What a decoder needs: wherever a song's frame goes out, the stream holds what it points back to.

use std::time::Duration;

use super::{File::*, *};
use crate::mpeg::{main_data_begin, reservoir::main_data};

const SECOND: Duration = Duration::from_secs(1);

/// A decoder's reservoir: of what came before, it keeps what the newest frame claimed.
#[derive(Default)]
struct Decoder {
    held: Vec<u8>,
    songs: usize,
}

impl Decoder {
    /// Every frame finds what it points back to, and a song's frame finds its own song's bytes.
    fn hear(&mut self, frames: &[Vec<u8>]) {
        for bytes in frames {
            let header = Header::parse(*bytes.first_chunk().unwrap()).unwrap();
            let back = main_data_begin(header, bytes).unwrap();
            assert!(back <= self.held.len(), "{:?} misses its reservoir", what(bytes));
            self.held.drain(..self.held.len() - back);
            if let Heard::Frame(song, index) = what(bytes) {
                assert_eq!(self.held, before(SongId(song), index, back), "{song} {index}");
                self.songs += 1;
            }
            self.held.extend_from_slice(main_data(header, bytes));
        }
    }
}

/// The last `back` bytes of main data before a frame of a song.
fn before(song: SongId, index: u64, back: usize) -> Vec<u8> {
    let earlier = (0..index).rev().take(2).map(|index| frame(song, index)).collect::<Vec<_>>();
    let bytes = earlier.iter().rev().flat_map(|frame| main_data(header(), frame)).copied();
    let bytes: Vec<u8> = bytes.collect();
    bytes[bytes.len() - back..].to_vec()
}

#[test]
fn a_resume_finds_what_it_points_back_to() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    let mut decoder = Decoder::default();
    for step in 1..40_u32 {
        r.command(Command::Play(step % 2 == 0));
        r.pass(Duration::from_millis(u64::from(step % 7) * 61));
        decoder.hear(&r.heard_frames());
    }
    assert!(decoder.songs > 100);
}

#[test]
fn a_skip_begins_with_a_frame_that_points_back_to_nothing() {
    let mut r = Rehearsal::new(options(), true, &[Whole(1000); 5]);
    let mut decoder = Decoder::default();
    for _ in 0..4 {
        r.pass(SECOND);
        r.command(Command::PlayNextSong);
        r.pass(Duration::from_millis(3));
        decoder.hear(&r.heard_frames());
    }
    assert!(decoder.songs > 100);
}

#[test]
fn a_song_that_goes_on_after_an_outage_of_icecast_finds_its_past() {
    let mut r = Rehearsal::new(options(), true, &[Whole(2000), Whole(1000)]);
    let mut decoder = Decoder::default();
    for _ in 0..5 {
        r.pass(SECOND);
        r.link(false);
        r.pass(3 * SECOND);
        r.link(true);
    }
    r.pass(SECOND);
    decoder.hear(&r.heard_frames());
    assert!(decoder.songs > 200);
}

#[test]
fn a_disk_that_came_too_late_costs_silence_and_no_frame() {
    let mut r = Rehearsal::new(options(), true, &[Slow, Whole(1000)]);
    let mut decoder = Decoder::default();
    for part in 0..6 {
        r.pass(SECOND / 2);
        r.deliver_range(SongId(1), part * 10..part * 10 + 10);
    }
    r.pass(SECOND);
    decoder.hear(&r.heard_frames());
    assert_eq!(decoder.songs, 60);
}

#[test]
fn a_start_inside_a_song_carries_what_was_before_it() {
    let mut r = Rehearsal::unconnected_at(options(), true, &[Whole(2000), Whole(1000)], 700);
    r.link(true);
    r.pass(SECOND);
    let heard = r.heard_frames();
    Decoder::default().hear(&heard);
    let first = heard.iter().map(|frame| what(frame)).find(|heard| *heard != Heard::Silence);
    assert_eq!(first, Some(Heard::Frame(1, 700)));
}

#[test]
fn the_frame_of_an_effect_is_the_songs_and_not_its_carriers() {
    let mut r = Rehearsal::new(options(), false, &[Whole(2000), Whole(1000)]);
    r.command(Command::Play(true));
    r.pass(SECOND);
    r.command(Command::Play(false));
    r.pass(SECOND);
    let before = r.relay.next_frame();
    let sounded = r.sounded().len();
    let ack = r.command(Command::Play(true));
    r.pass(Duration::ZERO);
    let effect = ack.wait(Duration::ZERO).unwrap().unwrap();
    let heard = r.heard();
    let at = usize::try_from(effect.frame - before).unwrap();
    assert_eq!(heard[at], Heard::Frame(1, sounded as u64));
    assert!(at > 0 && heard[..at].iter().all(|heard| *heard == Heard::Silence));
}

#[test]
fn an_effect_is_told_with_the_songs_frame_where_carriers_fill_a_group() {
    let one_frame = PlayerOptions { tick: Duration::from_millis(26), ..options() };
    let mut r = Rehearsal::new(one_frame, false, &[Whole(2000), Whole(1000)]);
    r.command(Command::Play(true));
    r.pass(SECOND);
    r.command(Command::Play(false));
    r.pass(SECOND);
    let (before, sounded) = (r.relay.next_frame(), r.sounded().len());
    let ack = r.command(Command::Play(true));
    r.pass(SECOND);
    let effect = ack.wait(Duration::ZERO).unwrap().unwrap();
    let heard = r.heard();
    let at = usize::try_from(effect.frame - before).unwrap();
    assert!(at > 0 && heard[..at].iter().all(|heard| *heard == Heard::Silence));
    assert_eq!(heard[at], Heard::Frame(1, sounded as u64));
}
