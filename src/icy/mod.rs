//! icy.
