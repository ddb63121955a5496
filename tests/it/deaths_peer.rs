//! A real icecast2 that dies again and again while the program plays to it.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::on_air_peer::OnAir;
use crate::support::reservoirs::Reservoirs;

const PATIENCE: Duration = Duration::from_secs(30);
/// How soon the program plays again after Icecast accepts connections.
const SOON: Duration = Duration::from_secs(1);

/// How many deaths: MUSICDB_DEATHS, else a slice.
fn deaths() -> usize {
    std::env::var("MUSICDB_DEATHS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// It accepts when a connection from outside was first accepted.
#[test]
#[ignore = "needs icecast2"]
fn every_death_of_icecast_is_survived_and_no_frame_is_broken() {
    let Some(mut air) = OnAir::start() else { return };
    let seed = rand::random();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let millis = |rng: &mut SmallRng, range| Duration::from_millis(rng.random_range(range));
    let (mut noticed, mut back) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for death in 0..deaths() {
        thread::sleep(millis(&mut rng, 0..1500));
        let before = air.served.state();
        air.icecast.kill();
        noticed.push(air.served.wait_for(PATIENCE, |state| state["is_connected"] == false));
        thread::sleep(millis(&mut rng, 200..1500));
        let held = air.served.state();
        assert_eq!((&held["is_playing"], &held["wanted"]), (&false.into(), &true.into()));
        let took = air.come_back();
        assert!(took < SOON, "death {death}: {took:?} after it accepted; {before}, {held}");
        let now = air.served.state();
        let place = |state: &serde_json::Value| state["position_seconds"].as_f64().unwrap();
        let same = now["entry_id"] == held["entry_id"];
        let moved = place(&now) - place(&held);
        assert!(!same || (0.0..2.0).contains(&moved), "death {death}: held {held}, now {now}");
        back.push(took);
    }
    let took = began.elapsed();
    // The last run is heard too.
    thread::sleep(Duration::from_secs(2));
    let connections = air.recorder.connections();
    let songs: Vec<_> = fs::read_dir(&air.music).unwrap().map(|e| e.unwrap().path()).collect();
    let (verdict, takes) = air.finish();
    let reservoirs = Reservoirs::read(&songs);
    let damaged: usize = takes.iter().map(|take| reservoirs.damaged(take)).sum();
    let count = back.len();
    println!("| deaths survived | {count} |");
    println!("| loss noticed after, ms: median, p90, worst | {} |", three(&mut noticed));
    println!("| playing again after it accepts, ms: median, p90, worst | {} |", three(&mut back));
    println!("| connections that the listener recorded | {connections} |");
    println!("| song frames recorded | {} |", verdict.song_frames);
    println!("| broken frames | {} |", verdict.foreign_bytes);
    println!("| frames repeated or out of order | {} |", verdict.repeated);
    println!("| frames without the bytes that they point back to | {damaged} |");
    let lost: usize = verdict.gaps.iter().map(|gap| gap.frames).sum();
    println!("| song frames lost, within Icecast or on the way to it | {lost} |");
    println!("| seconds for one death | {:.2} |", took.as_secs_f64() / count as f64);
    assert_eq!((verdict.foreign_bytes, verdict.repeated), (0, 0));
    assert_eq!(damaged, 0, "frames without the bytes that they point back to");
    // Where Icecast died before it had handed on its first block, the next gap is that of two deaths.
    let costs: usize = verdict.gaps.iter().map(|gap| gap.kills()).sum();
    assert!(costs <= count, "more was lost than {count} deaths may cost: {:?}", verdict.gaps);
}

fn three(times: &mut [Duration]) -> String {
    times.sort();
    let at = |percent: usize| times[((times.len() - 1) * percent + 50) / 100].as_millis();
    format!("{}, {}, {}", at(50), at(90), at(100))
}
