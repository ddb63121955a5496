//! The net: what every connection of ours is made of; it knows nothing of audio.

pub mod backoff;
pub mod dial;
pub mod guard;
pub mod head;
pub mod own;
pub mod percent;
pub mod tls;
