//! Who asks: the tenant, and the address that lists of queries show. Not for deciding who may.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::http::request::Parts;
use axum::serve::IncomingStream;

use super::answer::ApiError;
use super::tenant::Tenant;
use crate::app::App;
use crate::governor::Asked;
use crate::listener::BoundedListener;

/// Bytes of `X-Forwarded-For` that are kept.
const FORWARDED_BYTES_MAX: usize = 200;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, BoundedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, BoundedListener>) -> Peer {
        Peer(*stream.remote_addr())
    }
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Whose data is meant.
    pub(crate) tenant: String,
    /// The other end, and whom it says that it asks for.
    remote: String,
    /// Whether there is more than one tenant.
    tenancy: bool,
}

impl Caller {
    /// What is asked, as lists of queries show it.
    pub(crate) fn asks(&self, kind: &str, text: &str, (start, end, step): (i64, i64, i64)) -> Asked {
        Asked {
            kind: kind.to_owned(),
            text: text.to_owned(),
            start,
            end,
            step,
            tenant: self.tenant.clone(),
            remote: self.remote.clone(),
            received_ms: 0,
        }
    }

    /// The tenant whose queries it may see, `None` for all.
    pub(crate) fn sees(&self) -> Option<&str> {
        self.tenancy.then_some(self.tenant.as_str())
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, ApiError> {
        let Tenant(tenant) = Tenant::from_request_parts(parts, app).await?;
        let peer = parts.extensions.get::<ConnectInfo<Peer>>();
        let mut remote = peer.map_or_else(String::new, |ConnectInfo(Peer(address))| address.to_string());
        let forwarded = parts.headers.get("x-forwarded-for").and_then(|v| v.to_str().ok());
        if let Some(forwarded) = forwarded {
            let cut = &forwarded[..forwarded.floor_char_boundary(FORWARDED_BYTES_MAX)];
            remote.push_str(&format!(", X-Forwarded-For: {cut}"));
        }
        Ok(Caller {
            tenant,
            remote,
            tenancy: app.config.tenancy,
        })
    }
}
