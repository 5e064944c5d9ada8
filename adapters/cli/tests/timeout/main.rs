//! `childminder timeout`, beside coreutils' and alone.

mod alone;
mod beside;
mod support;
