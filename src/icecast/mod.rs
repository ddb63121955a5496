//! icecast.
