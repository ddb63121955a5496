//! mpeg_corpus.
