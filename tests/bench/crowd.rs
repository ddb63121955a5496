//! Ours beside a real icecast2 and beside bare sends: what a crowd of listeners gets, and what it costs.
//!
//! `cargo bench --bench crowd -- --rows "1000 5000 10000" --seconds 10 --rounds 3` prints Markdown;
//! `--stalled`, `--tls` and `--churn MINUTES` add tables of their own.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod ciphered;
mod driver;
mod figures;
mod floor;
mod process;
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

use std::{collections::BTreeMap, time::Duration};

use ciphered::Issued;
use driver::{Crowd, Heard, Manner};
use figures::{argument, is_asked, percentile};
use process::{Cores, raise_open_files};
use rivals::{Rival, Which};

/// Listeners that come in a second.
const RATE: f64 = 4_000.0;
/// From the last arrival on: everyone has the burst, and the kernel has what it needs.
const SETTLE: Duration = Duration::from_secs(3);
/// Milliseconds from one flush of a listener to the next; a gap twice as long is one too many.
const FLUSH_MS: f64 = 250.0;
/// Who never reads beside so many who do.
const STALLED: usize = 1_000;
/// Handshakes in a second: both sides of each are work.
const TLS_RATE: f64 = 200.0;
/// How often somebody leaves and somebody else comes, in a second.
const CHANGES: f64 = 2_000.0;

/// What one server did for one crowd.
#[derive(Debug, Clone, Copy)]
struct Row {
    held: f64,
    cpu: f64,
    first_median: f64,
    first_late: f64,
    gap: f64,
    memory: f64,
    kbit: f64,
}

impl Row {
    /// Of each figure the median.
    fn median(rows: &[Self]) -> Self {
        let of =
            |figure: fn(&Self) -> f64| percentile(&rows.iter().map(figure).collect::<Vec<_>>(), 50);
        Self {
            held: of(|row| row.held),
            cpu: of(|row| row.cpu),
            first_median: of(|row| row.first_median),
            first_late: of(|row| row.first_late),
            gap: of(|row| row.gap),
            memory: of(|row| row.memory),
            kbit: of(|row| row.kbit),
        }
    }
}

/// A crowd in front of a server, and what the server paid for it in the window.
struct Window {
    heard: Heard,
    /// CPU seconds in a second.
    load: f64,
    /// Bytes of resident memory over those of the idle server.
    grown: f64,
}

fn window(rival: &Rival, count: usize, stalled: usize, span: Duration) -> Window {
    let idle = rival.process().resident();
    let mut crowd = Crowd::before(rival.address, rival.path);
    crowd.join(count, RATE, Manner::Listens);
    crowd.join(stalled, RATE, Manner::NeverReads);
    crowd.run_until_all_came();
    crowd.run(SETTLE);
    crowd.begin_window();
    let before = rival.process().cpu();
    crowd.run(span);
    let spent = rival.process().cpu() - before;
    let heard = crowd.heard();
    let load = spent / heard.window.as_secs_f64();
    Window { heard, load, grown: rival.process().resident() - idle }
}

fn row(rival: &Rival, count: usize, span: Duration) -> Row {
    let Window { heard, load, grown } = window(rival, count, 0, span);
    let held = heard.held as f64;
    let millis = |values: &[f64], percent| percentile(values, percent) * 1e3;
    Row {
        held,
        cpu: load / held * 1e6,
        first_median: millis(&heard.first_bytes, 50),
        first_late: millis(&heard.first_bytes, 99),
        gap: millis(&heard.gaps, 100),
        memory: grown / held,
        kbit: heard.bytes as f64 * 8.0 / 1e3 / heard.window.as_secs_f64() / held,
    }
}

fn seconds(millis: f64) -> String {
    if millis < 1_000.0 { format!("{millis:.1} ms") } else { format!("{:.1} s", millis / 1e3) }
}

/// The table of the README; tells whether all that was wanted was met.
fn compare(cores: &Cores, sizes: &[usize], span: Duration, rounds: usize) -> bool {
    let mut rows: BTreeMap<(usize, Which), Vec<Row>> = BTreeMap::new();
    for count in sizes {
        for round in 0..rounds {
            for which in Which::ALL {
                let rival = Rival::start(which, cores);
                let row = row(&rival, *count, span);
                eprintln!("round {round}, {count} at {which}: {row:?}");
                rows.entry((*count, which)).or_default().push(row);
            }
        }
    }
    println!(
        "| listeners | server | held | CPU for a listener | of bare sends | first byte, median | p99 | worst gap | memory for a listener |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut is_met = true;
    for count in sizes {
        let of = |which| Row::median(&rows[&(*count, which)]);
        let floor = of(Which::Floor);
        for which in Which::ALL {
            let row = of(which);
            println!(
                "| {count} | {which} | {} | {:.1} µs/s | {:.2} | {} | {} | {} | {:.0} B |",
                row.held,
                row.cpu,
                row.cpu / floor.cpu,
                seconds(row.first_median),
                seconds(row.first_late),
                seconds(row.gap),
                row.memory,
            );
        }
        let (ours, icecast) = (of(Which::Ours), of(Which::Icecast));
        is_met &= ours.held >= *count as f64
            && ours.gap < 2.0 * FLUSH_MS
            && (*count < 5_000
                || ours.cpu <= 1.3 * floor.cpu
                    && ours.cpu < icecast.cpu / 2.0
                    && ours.memory <= 256.0)
            && (*count < 10_000 || ours.cpu <= 1.2 * floor.cpu && ours.first_late < 25.0);
    }
    println!();
    is_met
}

/// What those cost who never read.
fn stalled(cores: &Cores, span: Duration, rounds: usize) -> bool {
    println!(
        "| server | {STALLED} listeners | and {STALLED} that never read | each of these costs |"
    );
    println!("|---|---|---|---|");
    let mut is_met = true;
    for which in [Which::Ours, Which::Icecast] {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            for (stalled, loads) in [(0, &mut alone), (STALLED, &mut beside)] {
                let rival = Rival::start(which, cores);
                loads.push(window(&rival, STALLED, stalled, span).load * 100.0);
            }
        }
        let (alone, beside) = (percentile(&alone, 50), percentile(&beside, 50));
        let more = beside - alone;
        let each = more * 1e4 / STALLED as f64;
        println!("| {which} | {alone:.1} % of a core | {more:+.1} % | {each:.1} µs/s |");
        is_met &= which != Which::Ours || more < 5.0;
    }
    println!();
    is_met
}

/// What a listener costs behind TLS.
fn ciphered(cores: &Cores, span: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::make(folder.path());
    let rival = Rival::ours_with_tls(&issued, cores);
    let idle = rival.process().resident();
    let mut crowd = Crowd::before(rival.address, rival.path).behind(issued.client());
    crowd.join(STALLED, TLS_RATE, Manner::Listens);
    let before = rival.process().cpu();
    crowd.run_until_all_came();
    let arrived = (rival.process().cpu() - before) / STALLED as f64 * 1e6;
    crowd.run(SETTLE);
    crowd.begin_window();
    let before = rival.process().cpu();
    crowd.run(span);
    let spent = rival.process().cpu() - before;
    let heard = crowd.heard();
    let held = heard.held as f64;
    println!(
        "| listeners behind TLS | held | CPU for a listener | to let one in | first byte, p99 | worst gap | memory for a listener |"
    );
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| {STALLED} at {TLS_RATE} a second | {held} | {:.1} µs/s | {arrived:.0} µs | {} | {} | {:.0} B |",
        spent / heard.window.as_secs_f64() / held * 1e6,
        seconds(percentile(&heard.first_bytes, 99) * 1e3),
        seconds(percentile(&heard.gaps, 100) * 1e3),
        (rival.process().resident() - idle) / held,
    );
    println!();
}

/// Whether memory stays where it is while people come and go.
fn churn(cores: &Cores, count: usize, minutes: u32) -> bool {
    let rival = Rival::start(Which::Ours, cores);
    let megabytes = || rival.process().resident() / 1e6;
    let idle = megabytes();
    let mut crowd = Crowd::before(rival.address, rival.path);
    crowd.join(count, RATE, Manner::Listens);
    crowd.run_until_all_came();
    crowd.run(SETTLE);
    println!("| minute | joined so far | held | resident memory | CPU of a core |");
    println!("|---|---|---|---|---|");
    println!("| idle | 0 | 0 | {idle:.1} MB | |");
    println!("| 0 | {} | {} | {:.1} MB | |", crowd.came(), crowd.heard().held, megabytes());
    crowd.change(CHANGES);
    let (mut first, mut last) = (0.0, 0.0);
    for minute in 1..=minutes {
        let before = rival.process().cpu();
        crowd.run(Duration::from_secs(60));
        let load = (rival.process().cpu() - before) / 60.0 * 100.0;
        last = megabytes();
        if minute == 1 {
            first = last;
        }
        let (came, held) = (crowd.came(), crowd.heard().held);
        println!("| {minute} | {came} | {held} | {last:.1} MB | {load:.0} % |");
    }
    crowd.change(0.0);
    crowd.run(SETTLE);
    let heard = crowd.heard();
    drop(crowd);
    let left = rival.wait_until_empty();
    println!("| all have left | | {left} | {:.1} MB | |", megabytes());
    println!();
    println!(
        "Refused or lost on the way: {}. {} of {count} held at the end.",
        heard.refused + heard.lost,
        heard.held
    );
    println!();
    heard.refused + heard.lost == 0 && left == 0 && last < first * 1.05
}

fn main() {
    if floor::is_wanted() {
        return floor::serve();
    }
    raise_open_files();
    let span = Duration::from_secs(argument("--seconds").map_or(10, |text| text.parse().unwrap()));
    let rounds = argument("--rounds").map_or(1, |text| text.parse().unwrap());
    let rows = argument("--rows").unwrap_or_else(|| "1000 5000 10000".to_owned());
    let sizes: Vec<usize> = rows.split_whitespace().map(|text| text.parse().unwrap()).collect();
    let cores = Cores::choose();
    println!("{cores}\n");
    let mut is_met = compare(&cores, &sizes, span, rounds);
    if is_asked("--stalled") {
        is_met &= stalled(&cores, span, rounds);
    }
    if is_asked("--tls") {
        ciphered(&cores, span);
    }
    if let Some(minutes) = argument("--churn") {
        let count = sizes.iter().max().copied().unwrap_or(10_000);
        is_met &= churn(&cores, count, minutes.parse().unwrap());
    }
    println!("wanted figures {}", if is_met { "met" } else { "missed" });
}
