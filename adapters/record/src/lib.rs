//! Flight records of childminder runs: read, write, replay.
