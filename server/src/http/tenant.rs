//! Which tenant a request is for: `X-Scope-OrgID` with tenancy on, the one tenant with tenancy off.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::answer::{ApiError, ErrorType};
use crate::app::{App, DEFAULT_TENANT};

/// Longest tenant name, as in Mimir.
const NAME_BYTES_MAX: usize = 150;

/// The tenant's name, fit for a directory.
#[derive(Debug, Clone)]
pub(crate) struct Tenant(pub(crate) String);

impl FromRequestParts<Arc<App>> for Tenant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Tenant, ApiError> {
        if !app.config.tenancy {
            return Ok(Tenant(DEFAULT_TENANT.to_owned()));
        }
        let header = parts.headers.get("x-scope-orgid").map(|v| v.to_str());
        match header {
            None | Some(Ok("")) => Err(ApiError::new(ErrorType::Unauthorized, "no org id")),
            Some(Ok(name)) if is_valid(name) => Ok(Tenant(name.to_owned())),
            // The text of the peers, where they are not told to read several at once.
            Some(Ok(names)) if names.contains('|') => Err(ApiError::bad_data("multiple org IDs present")),
            Some(_) => Err(ApiError::bad_data(
                "X-Scope-OrgID: 1 to 150 of letters, digits and !-_.*'() are allowed, and not . or ..",
            )),
        }
    }
}

fn is_valid(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!-_.*'()".contains(c);
    name.len() <= NAME_BYTES_MAX && name != "." && name != ".." && name.chars().all(allowed)
}
