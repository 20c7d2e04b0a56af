//! The Prometheus HTTP API below `/api/v1`, one module per group of endpoints.

pub(crate) mod active;
pub(crate) mod deletes;
pub(crate) mod empty;
mod evaluate;
pub(crate) mod exemplars;
pub(crate) mod features;
pub(crate) mod governed;
pub(crate) mod labels;
pub(crate) mod metadata;
pub(crate) mod notices;
pub(crate) mod query;
pub(crate) mod read;
mod render;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod status;
mod stream;
pub(crate) mod syntax;
pub(crate) mod tsdb;
