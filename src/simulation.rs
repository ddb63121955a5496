//! The simulation: days of radio on a clock, a disk and peers of the test's own, so that one seed
//! is one run.
//!
//! ```text
//!   day ── happens to ──► world ── turns ──► life:  keeper  (real worker, real SQLite)
//!                           │                       station (real ears, player, pacer, relay)
//!                         drive (songs that are     icecast (real line over a made-up socket)
//!                         made up frame by frame)      │ frames, reports, events
//!                                                      ▼
//!                                 record, witness, metronome, events, model: what must hold
//! ```
//!
//! Threads, the deck's file reader, the async part of the Icecast client and the embedded server are
//! not in it; they have tests of their own. Ids of entries are random in every run, and nothing
//! depends on them.

mod asked;
mod day;
mod dice;
mod drive;
mod events;
mod icecast;
mod life;
mod metronome;
mod model;
mod mount;
mod news;
mod plan;
mod playing;
mod record;
mod reservoir;
mod rest;
mod shelf;
mod witness;
mod world;

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicU64, Ordering},
        thread,
        time::{Duration, Instant},
    };

    use super::{
        plan::Plan,
        world::{Tally, World},
    };

    const DAY: Duration = Duration::from_secs(24 * 3600);
    /// Seeds in every run of the tests: the first for a whole day, the others for some hours.
    const SLICE: u64 = 6;
    const SLICE_HOURS: Duration = Duration::from_secs(2 * 3600);
    /// Spells in a row in every run of the tests.
    const ROW: u64 = 3;
    /// By so much may memory grow from the second day on, beyond the history that the simulation
    /// itself keeps and reads: pages that the allocator holds back, which no code here decides.
    const GROWTH_LIMIT: u64 = 512 * 1024;
    /// Of the current song and the next, and of two that were dropped and not looked at since.
    const OPEN_FILES: usize = 4;

    fn setting(name: &str) -> Option<u64> {
        std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
    }

    /// One day or a part of it; a fault names the seed.
    fn day(seed: u64, length: Duration) -> Tally {
        let run = || {
            let mut world = World::new(Plan::of(seed));
            let passed = catch_unwind(AssertUnwindSafe(|| world.pass(length)));
            if let Err(fault) = passed {
                let at = world.now - world.start;
                eprintln!("seed {seed} failed {at:?} into {:?}", world.plan);
                std::panic::resume_unwind(fault);
            }
            world.tally
        };
        catch_unwind(run).unwrap_or_else(|_| {
            panic!("seed {seed} fails; alone: MUSICDB_SEED={seed} cargo test --lib simulation::tests::days")
        })
    }

    #[test]
    fn days_of_chance_break_no_frame_lose_no_row_and_keep_their_order() {
        let alone = setting("MUSICDB_SEED");
        let days = setting("MUSICDB_DAYS");
        let seeds = alone.map_or(1..=days.unwrap_or(SLICE), |seed| seed..=seed);
        let first = setting("MUSICDB_FIRST").filter(|_| alone.is_none()).unwrap_or(*seeds.start());
        let seeds = first..=first + (seeds.end() - seeds.start());
        let is_whole = |seed: u64| seed == first || days.is_some();
        let length = |seed| if is_whole(seed) { DAY } else { SLICE_HOURS };
        let next = AtomicU64::new(*seeds.start());
        let began = Instant::now();
        let work = || {
            let mut tallies = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed > *seeds.end() {
                    return tallies;
                }
                // After a fault no other seed is begun: the run is lost and its words are wanted.
                let passed = catch_unwind(|| day(seed, length(seed))).unwrap_or_else(|fault| {
                    next.store(seeds.end() + 1, Ordering::Relaxed);
                    std::panic::resume_unwind(fault)
                });
                tallies.push(passed);
            }
        };
        let tallies: Vec<Tally> = thread::scope(|scope| {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined
                .flat_map(|tallies| tallies.unwrap_or_else(|f| std::panic::resume_unwind(f)))
                .collect()
        });
        report(&tallies, began.elapsed());
    }

    fn report(tallies: &[Tally], took: Duration) {
        let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
        println!("days: {} in {:.1} s, every invariant held", tallies.len(), took.as_secs_f64());
        for (name, number) in [
            ("frames", sum(|t| t.frames)),
            ("of them silent", sum(|t| t.silent)),
            ("songs played to their end", sum(|t| t.songs_played)),
            ("commands", sum(|t| t.commands)),
            ("queue edits", sum(|t| t.edits)),
            ("losses of Icecast", sum(|t| t.losses)),
            ("process kills", sum(|t| t.kills)),
            ("stalls of the clock", sum(|t| t.stalls)),
            ("spells without the database", sum(|t| t.refusals)),
        ] {
            println!("{name}: {number}");
        }
        let farthest = tallies.iter().map(|tally| tally.resume).max().unwrap_or_default();
        println!("farthest resume after a kill: {} ms", farthest.as_millis());
        let farthest = tallies.iter().map(|tally| tally.unreported).max().unwrap_or_default();
        println!("farthest from what was reported, on time: {} ms", farthest.as_millis());
    }

    #[test]
    fn days_in_a_row_drift_by_no_sample_and_memory_does_not_grow() {
        let setting = setting("MUSICDB_ROW");
        let (days, length) = setting.map_or((ROW, SLICE_HOURS), |days| (days, DAY));
        let mut world = World::new(Plan::uninterrupted(7));
        let mut sizes = Vec::new();
        for _ in 0..days {
            world.pass(length);
            sizes.push((world.kept(), resident()));
        }
        assert_eq!(world.tally.stalls, 0);
        let (_, after_two) = sizes[1.min(sizes.len() - 1)];
        let (kept, at_end) = sizes[sizes.len() - 1];
        let growth = at_end.saturating_sub(after_two + world.model.history_bytes());
        // In a slice other tests run in the same process, and grow as they like.
        assert!(setting.is_none() || growth <= GROWTH_LIMIT, "memory: {sizes:?}");
        assert!(kept.0 <= OPEN_FILES, "{} files are open", kept.0);
        println!("days in a row: {days}, {} frames, drift: 0 samples", world.tally.frames);
        println!("memory: {} KiB after day 2, {} KiB at the end", after_two / 1024, at_end / 1024);
        println!("open files and bytes of the stream that the simulation keeps: {kept:?}");
    }

    /// Resident memory in bytes; 0 where the system does not tell.
    fn resident() -> u64 {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
        pages.unwrap_or(0) * 4096
    }
}
