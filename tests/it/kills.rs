//! The real program, killed with -9 at random moments: queue, wish and position are there again.

use std::{fs, thread, time::Duration};

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    mp3::{self, Shape},
    served::Served,
};

const PATIENCE: Duration = Duration::from_secs(10);
const SONGS: u32 = 20;

/// How many kills: MUSICDB_KILLS, else a slice.
fn kills() -> usize {
    std::env::var("MUSICDB_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

fn ids(queue: &Value) -> Vec<String> {
    let entries = queue["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["entry_id"].as_str().unwrap().to_owned()).collect()
}

/// One edit or command, as a person would give it; nothing of it may be lost once it is answered.
fn meddle(served: &Served, rng: &mut SmallRng) {
    let entries = ids(&served.ask("GET", "/api/v1/queue", "").1);
    let one_of = |rng: &mut SmallRng| entries[rng.random_range(0..entries.len())].clone();
    match rng.random_range(0..6) {
        0 => {
            served.next();
        }
        1 => {
            served.play(rng.random());
        }
        2 => {
            let path = format!("/api/v1/queue/{}", one_of(rng));
            served.ask("DELETE", &path, "");
        }
        3 => {
            let (entry, after) = (one_of(rng), one_of(rng));
            let path = format!("/api/v1/queue/{entry}/move");
            served.ask("POST", &path, &format!("{{\"after\":\"{after}\"}}"));
        }
        _ => {
            let song = rng.random_range(1..=SONGS);
            let position = if rng.random() { "next" } else { "last" };
            let body = format!("{{\"song_id\":{song},\"position\":\"{position}\"}}");
            assert_eq!(served.ask("POST", "/api/v1/queue", &body).0, 201);
        }
    }
}

#[test]
#[ignore = "slow: thirty kills"]
fn item_11_no_kill_loses_or_doubles_an_entry_and_the_song_goes_on_within_a_second() {
    let home = TempDir::new().unwrap();
    let music = home.path().join("music");
    fs::create_dir(&music).unwrap();
    let shape = Shape::streams().next().unwrap();
    for song in 0..SONGS {
        fs::write(music.join(format!("{song}.mp3")), mp3::song(shape, 20_000 + song)).unwrap();
    }
    let data = home.path().join("data");
    let start = || Served::start(&data, &["--music", music.to_str().unwrap()], &[]);
    let mut served = start();
    served.wait_for(PATIENCE, |state| state["queue_length"].as_u64() >= Some(2));
    let found = |state: &Value| state["songs"].as_array().unwrap().len() == SONGS as usize;
    while !found(&served.ask("GET", "/api/v1/songs?limit=100", "").1) {
        thread::sleep(Duration::from_millis(20));
    }
    let seed = rand::random();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    for kill in 0..kills() {
        for _ in 0..rng.random_range(0..4) {
            meddle(&served, &mut rng);
        }
        thread::sleep(Duration::from_millis(rng.random_range(0..1500)));
        let queue = ids(&served.ask("GET", "/api/v1/queue", "").1);
        let before = served.state();
        served.kill();
        served = start();
        assert_eq!(ids(&served.ask("GET", "/api/v1/queue", "").1), queue, "kill {kill}");
        served.wait_for(PATIENCE, |state| state["entry_id"] == before["entry_id"]);
        let after = served.state();
        assert_eq!(after["wanted"], before["wanted"], "kill {kill}");
        let seconds = |state: &Value| state["position_seconds"].as_f64().unwrap();
        let moved = seconds(&after) - seconds(&before);
        assert!((-1.2..1.2).contains(&moved), "kill {kill}: {moved:.2} s from {before}");
    }
    let (cpu, resident) = served.cost();
    println!("the last run: {cpu} CPU seconds, {resident} bytes resident");
    let (took, status) = served.terminate();
    assert!(took < Duration::from_secs(1) && status.success(), "{took:?}, {status}");
}
