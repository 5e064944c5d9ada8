//! A minded child as a mio event source.
