//! library.
