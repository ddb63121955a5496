//! Gear that several tests share.

pub mod fake_icecast;
pub mod mp3;
pub mod shared;
pub mod tools;
