//! Wire messages of the dialects Kymo speaks: bytes to plain structs and back.
//!
//! Decoders borrow from the body they read and bound every allocation by what the body holds. Knows nothing of the engine.
