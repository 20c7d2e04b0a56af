//! Answers over small tables.
