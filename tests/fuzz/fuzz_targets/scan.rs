//! Any bytes through the walk and the frame source: both end, agree and invent nothing.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use musicdb_stream::mpeg::{FrameSource, walk};

fuzz_target!(|bytes: &[u8]| {
    let mut frames = 0;
    let mut total = 0;
    let sent = FrameSource::open(Cursor::new(bytes)).and_then(|mut source| {
        while let Some((header, frame)) = source.next_frame()? {
            assert_eq!(header.frame_len(), frame.len());
            assert_eq!(header.to_bytes(), frame[..4]);
            frames += 1;
            total += frame.len();
        }
        Ok(())
    });
    assert!(total <= bytes.len());
    match walk(Cursor::new(bytes)) {
        Ok(summary) => {
            assert_eq!(sent, Ok(()));
            assert_eq!((summary.frames, summary.audio_bytes), (frames, total as u64));
        }
        Err(reason) => assert_eq!(sent, Err(reason)),
    }
});
