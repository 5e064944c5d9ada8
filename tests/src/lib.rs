//! Whole-system tests of childminder.
