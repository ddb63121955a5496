//! Gear that several tests share.

#![allow(unreachable_pub, reason = "shared by the modules of one test binary")]

pub mod air;
pub mod barrage;
pub mod browser;
pub mod certificates;
pub mod corpus;
pub mod decoders;
pub mod differences;
pub mod ear;
pub mod encoded;
pub mod fake_icecast;
pub mod home;
pub mod lab;
pub mod ledger;
pub mod matrix;
pub mod monitored;
pub mod mp3;
pub mod mutation;
pub mod ordeal;
pub mod players;
pub mod radio;
pub mod record;
pub mod reservoirs;
pub mod served;
pub mod shared;
pub mod source;
pub mod source_clients;
pub mod spliced;
pub mod studio;
pub mod tools;
pub mod verdict;
pub mod witness;
