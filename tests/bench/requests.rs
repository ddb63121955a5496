//! Millions of requests, changed at random: what is answered, what it costs the program, and whether
//! anyone who listens beside them loses a byte.
//!
//! `cargo bench --bench requests -- --requests 200000 --seed 1` prints Markdown.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../support/barrage.rs"]
#[allow(dead_code, unreachable_pub)]
mod barrage;
#[path = "../support/corpus.rs"]
#[allow(dead_code, unreachable_pub)]
mod corpus;
#[allow(dead_code)]
mod figures;
#[path = "../support/mp3.rs"]
#[allow(dead_code, unreachable_pub)]
mod mp3;
#[path = "../support/mutation.rs"]
#[allow(dead_code, unreachable_pub)]
mod mutation;
#[path = "../support/ordeal.rs"]
#[allow(dead_code, unreachable_pub)]
mod ordeal;
#[path = "../support/served.rs"]
#[allow(dead_code, unreachable_pub)]
mod served;
#[path = "../support/verdict.rs"]
#[allow(dead_code, unreachable_pub)]
mod verdict;
#[path = "../support/witness.rs"]
#[allow(dead_code, unreachable_pub)]
mod witness;

use figures::argument;
use ordeal::{Footprint, Plan};

fn main() {
    let number = |name: &str| argument(name).map(|text| text.parse::<u64>().unwrap());
    let seed = number("--seed").unwrap_or_else(rand::random);
    let requests = number("--requests").unwrap_or(200_000);
    let clients = number("--clients").map_or(32, |clients| usize::try_from(clients).unwrap());
    let shows = std::env::args().any(|argument| argument == "--shows");
    // A run that is cut off can be made again.
    eprintln!("seed {seed}");
    let warm_up = (requests / 10).clamp(1_000, 200_000);
    let outcome = Plan { seed, warm_up, requests, clients, shows }.run();
    let rate = requests as f64 / outcome.took.as_secs_f64();
    println!("| | |\n|---|---|");
    println!("| requests | {requests}, and {warm_up} before them to warm up |");
    println!("| seed | {seed} |");
    let live = if shows { "may take the station's mount" } else { "have other mounts" };
    println!("| source clients | {live} |");
    println!("| clients at a time | {clients} |");
    println!("| a second | {rate:.0} |");
    for (status, count) in &outcome.tally.statuses {
        println!("| answered {status} | {count} |");
    }
    println!("| closed without an answer, rightly | {} |", outcome.tally.wordless);
    println!("| not looked at after wrong passwords | {} |", outcome.tally.locked_out);
    println!("| wrong answers | {} |", outcome.tally.failures.len());
    let of = |Footprint { resident, files, threads }: Footprint| {
        let mib = resident as f64 / f64::from(1 << 20);
        format!("{mib:.1} MiB, {files} files and sockets, {threads} threads")
    };
    println!("| before | {} |", of(outcome.idle));
    println!("| after the warm-up | {} |", of(outcome.warm));
    println!("| after all | {} |", of(outcome.after));
    let heard = outcome.in_common.map_or("whole frames alone, not compared".to_owned(), |bytes| {
        format!("{bytes} bytes, the same at both, and {} titles", outcome.titles)
    });
    println!("| two listeners beside them heard | {heard} |");
    println!("| their longest gap | {} ms |", outcome.worst_gap.as_millis());
    let is_met = outcome.tally.failures.is_empty() && outcome.faults.is_empty();
    println!("\nwanted figures {}", if is_met { "met" } else { "missed" });
    for fault in outcome.tally.failures.iter().chain(&outcome.faults) {
        println!("\n{fault}");
    }
}
