//! mpeg_fuzz.
