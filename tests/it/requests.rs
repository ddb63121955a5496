//! Requests of every kind, changed at random, at the real program: each is answered rightly, nobody
//! who listens meanwhile loses a byte, and nothing is left over. `tests/bench/requests.sh` sends more.

use crate::support::ordeal::{Outcome, Plan};

fn run(requests: u64, shows: bool) -> Outcome {
    let seed = rand::random();
    println!("seed {seed}");
    let outcome = Plan { seed, warm_up: 5_000, requests, clients: 16, shows }.run();
    println!("{:?}, {:?}", outcome.took, outcome.tally.statuses);
    assert!(outcome.tally.failures.is_empty(), "{}", outcome.tally.failures.join("\n"));
    assert!(outcome.faults.is_empty(), "seed {seed}: {:#?}", outcome.faults);
    outcome
}

#[test]
fn requests_changed_at_random_get_right_answers_and_leave_nothing_behind() {
    let outcome = run(20_000, false);
    // They are what they are meant to be: every kind of answer is among them.
    for status in [200, 201, 204, 400, 401, 403, 404, 405, 431] {
        assert!(outcome.tally.statuses.contains_key(&status), "{status}: {:?}", outcome.tally);
    }
    let heard = outcome.in_common.filter(|_| outcome.tally.ends == 0);
    assert!(heard.is_some_and(|bytes| bytes > 20_000) || outcome.tally.ends > 0, "{heard:?}");
}

#[test]
fn they_do_no_harm_either_where_sources_may_take_the_stations_mount() {
    run(5_000, true);
}
