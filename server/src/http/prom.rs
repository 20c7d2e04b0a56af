//! The Prometheus HTTP API below `/api/v1`, one module per group of endpoints.

pub(super) mod empty;
pub(super) mod exemplars;
pub(super) mod labels;
pub(super) mod metadata;
pub(super) mod query;
mod render;
pub(super) mod status;
pub(super) mod syntax;
pub(super) mod tsdb;
