//! The Prometheus HTTP API below `/api/v1`, one module per group of endpoints.

pub(crate) mod active;
pub(crate) mod deletes;
pub(crate) mod empty;
mod evaluate;
pub(crate) mod exemplars;
mod governed;
pub(crate) mod labels;
pub(crate) mod metadata;
pub(crate) mod query;
mod render;
pub(crate) mod status;
pub(crate) mod syntax;
pub(crate) mod tsdb;
