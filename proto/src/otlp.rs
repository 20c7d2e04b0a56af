//! OTLP, the OpenTelemetry protocol: messages that borrow from the body, and its JSON form turned into the binary one.
//! <https://opentelemetry.io/docs/specs/otlp/>. Not for what the signals mean to the store.

pub mod json;
pub mod logs;
pub mod metrics;
pub mod reply;
pub mod traces;
mod value;

pub use value::{AnyValue, KeyValue, KeyValues, Values};
