//! fake_icecast.
