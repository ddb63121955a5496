//! Healthy listeners beside listeners that never read and requests that never end: the healthy ones'
//! worst gap, and what the server pays.
//!
//! `cargo bench --bench storm -- --seconds 15` prints Markdown.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[allow(dead_code)]
mod ciphered;
#[allow(dead_code)]
mod driver;
mod figures;
#[allow(dead_code)]
mod floor;
mod process;
#[allow(dead_code)]
mod rivals;

/// What the gear that starts an icecast2 asks of the module beside it.
#[allow(dead_code)]
mod air {
    pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
}
#[path = "../support/mp3.rs"]
#[allow(dead_code, unreachable_pub)]
mod mp3;
#[path = "../support/served.rs"]
#[allow(dead_code, unreachable_pub)]
mod served;
#[path = "../support/tools.rs"]
#[allow(dead_code, unreachable_pub)]
mod tools;

use std::time::{Duration, Instant};

use driver::{Crowd, Heard, Manner};
use figures::{argument, percentile};
use process::{Cores, raise_open_files};
use rivals::{Rival, Which};

/// Milliseconds from one flush of a listener to the next; a gap twice as long is one too many.
const FLUSH_MS: f64 = 250.0;
/// Connections that come in a second.
const RATE: f64 = 4_000.0;
/// Until the healthy ones have their bursts.
const SETTLE: Duration = Duration::from_secs(3);
/// The server's memory is looked at so often.
const LOOK: Duration = Duration::from_millis(250);
/// Of memory over the idle process: what docs/operating.md allows a plain listener and a
/// connection that has not said what it wants.
const A_LISTENER: f64 = 1_024.0;
const A_GUEST: f64 = 1_024.0;
/// What an allocator takes before it is needed.
const IN_ADVANCE: f64 = 1e6;
/// Connections at once that are no listeners, at most; those behind them wait in the kernel.
const GUESTS: f64 = 4_096.0;

/// Who is there.
#[derive(Debug, Clone, Copy)]
struct Storm {
    healthy: usize,
    stalled: usize,
    half_open: usize,
}

/// What a storm showed.
struct Seen {
    heard: Heard,
    /// Per cent of a core.
    load: f64,
    /// Bytes over the idle process, at most.
    grown: f64,
    /// Listeners that the server counted, at most.
    listeners: usize,
}

fn weather(rival: &Rival, idle: f64, storm: Storm, span: Duration) -> Seen {
    let mut crowd = Crowd::before(rival.address, rival.path);
    crowd.join(storm.healthy, RATE, Manner::Listens);
    crowd.run_until_all_came();
    crowd.run(SETTLE);
    crowd.begin_window();
    crowd.join(storm.stalled, RATE, Manner::NeverReads);
    crowd.join(storm.half_open, RATE, Manner::SaysHalf);
    let (before, begun) = (rival.process().cpu(), Instant::now());
    let (mut most, mut listeners) = (0.0_f64, 0);
    while begun.elapsed() < span {
        crowd.run(LOOK);
        most = most.max(rival.process().resident());
        if begun.elapsed() < span / 2 && storm.half_open == 0 {
            listeners = listeners.max(rival.listeners());
        }
    }
    let load = (rival.process().cpu() - before) / begun.elapsed().as_secs_f64() * 100.0;
    Seen { heard: crowd.heard(), load, grown: most - idle, listeners }
}

fn main() {
    if floor::is_wanted() {
        return floor::serve();
    }
    let seconds = argument("--seconds").map_or(15, |text| text.parse().unwrap());
    let span = Duration::from_secs(seconds);
    raise_open_files();
    let cores = Cores::choose();
    let rival = Rival::start(Which::Ours, &cores);
    let idle = rival.process().resident();
    println!("{cores}\n");
    println!(
        "| listeners | that never read | half-open requests | worst gap, median listener | worst of all | lost | CPU | memory over idle |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let (mut is_met, mut alone, mut bound) = (true, 0.0, IN_ADVANCE);
    for (healthy, stalled, half_open) in
        [(50, 0, 0), (50, 1_000, 5_000), (1_000, 0, 0), (1_000, 1_000, 0)]
    {
        let storm = Storm { healthy, stalled, half_open };
        let Seen { heard, load, grown, listeners } = weather(&rival, idle, storm, span);
        let gap = |percent| percentile(&heard.gaps, percent) * 1e3;
        let lost = healthy - heard.held;
        is_met &= gap(100) < 2.0 * FLUSH_MS && lost == 0;
        is_met &= half_open > 0 || listeners == healthy + stalled;
        // What the rows before took is kept for those who come.
        bound += (healthy + stalled) as f64 * A_LISTENER + GUESTS.min(half_open as f64) * A_GUEST;
        is_met &= grown < bound;
        if healthy == 1_000 && stalled == 0 {
            alone = load;
        } else if healthy == 1_000 {
            is_met &= load - alone < 5.0;
        }
        println!(
            "| {healthy} | {stalled} | {half_open} | {:.0} ms | {:.0} ms | {lost} | {load:.1} % | {:.1} MB |",
            gap(50),
            gap(100),
            grown / 1e6
        );
        // What came for this row is closed by now; the server is to have noticed.
        let left = rival.wait_until_empty();
        assert_eq!(left, 0, "listeners are left that have closed their connections");
    }
    println!();
    println!("wanted figures {}", if is_met { "met" } else { "missed" });
}
