//! What the Icecast output does not cost: wakes of its own thread.

#![cfg(target_os = "linux")]

use std::fs::{read_dir, read_to_string};

use crate::support::{
    air::{FRAME_LEN, OUTPUT_THREAD, OnAir},
    fake_icecast::FakeIcecast,
};

/// How often the output's thread went to sleep so far.
fn sleeps() -> u64 {
    let task = read_dir("/proc/self/task").unwrap().find_map(|task| {
        let task = task.unwrap().path();
        let name = read_to_string(task.join("comm")).unwrap_or_default();
        (name.trim() == OUTPUT_THREAD).then_some(task)
    });
    let status = read_to_string(task.unwrap().join("status")).unwrap();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}

#[test]
#[ignore = "needs its process alone: it counts a thread's sleeps by the thread's name"]
fn groups_go_out_without_a_wake_of_the_outputs_thread() {
    const GROUPS: usize = 300;
    let server = FakeIcecast::start([]);
    let mut air = OnAir::start(server.target());
    air.wait_up(1);
    air.push(4);
    server.wait_body(0, 4 * FRAME_LEN);
    let before = sleeps();
    for group in 2..GROUPS + 2 {
        air.push(4);
        server.wait_body(0, group * 4 * FRAME_LEN);
    }
    let slept = sleeps() - before;
    assert!(slept < GROUPS as u64 / 10, "{slept} sleeps for {GROUPS} groups");
}
