//! Real and odd files: frames counted as pinned here, and as other programs count them.

use std::{fs::File, path::PathBuf};

use musicdb_stream::mpeg::{FrameSource, walk};

use crate::support::shared::shared;

#[test]
fn print_all() {
    for dir in ["music", "corpus/iso", "corpus/odd"] {
        let Some(dir) = shared(dir) else { return };
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let summary = walk(File::open(&file).unwrap());
            let counted = FrameSource::open(File::open(&file).unwrap())
                .and_then(|mut s| s.skip_frames(u64::MAX));
            let name = file.file_name().unwrap().to_string_lossy();
            match summary {
                Ok(s) => {
                    println!(
                        "{name}\t{}\t{:?} trunc {} junk {}/{} tags {:?} splices {:?} info {:?}",
                        s.frames,
                        counted,
                        s.truncated_tail,
                        s.junk_bytes,
                        s.junk_spots,
                        s.tags,
                        s.splices,
                        s.info.map(|i| (i.kind, i.frames))
                    );
                }
                Err(e) => println!("{name}\t{e:?} {counted:?}"),
            }
        }
    }
}
