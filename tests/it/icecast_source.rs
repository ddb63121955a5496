//! icecast_source.
