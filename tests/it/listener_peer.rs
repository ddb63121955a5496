//! listener_peer.
