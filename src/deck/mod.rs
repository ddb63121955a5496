//! deck.
