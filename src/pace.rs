//! When a group of frames is due.
