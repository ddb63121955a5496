//! icecast_peer.
