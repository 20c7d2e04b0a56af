//! Helpers shared by the whole-server tests.
