//! The monitor: what goes out, decoded and played on this machine.

mod fault;
pub mod pcm;
mod sink;

pub use fault::Fault;
pub use sink::{Pace, Sink};
