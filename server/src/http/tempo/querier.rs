//! `/querier/api/*`: the query API as a querier of Tempo has it, which its frontend asks for parts of the data. Here every answer
//! is of all data, so a request for a part is refused rather than answered with more. Not for the answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

use super::error::TempoError;
use crate::app::App;

/// Parameters with which Tempo's frontend asks for some blocks, or some pages of one.
const OF_PARTS: [&str; 9] = [
    "blockStart",
    "blockEnd",
    "blockID",
    "startPage",
    "pagesToSearch",
    "encoding",
    "indexPageSize",
    "totalRecords",
    "footerSize",
];

/// Routes that refuse to answer for a part of the data.
pub(super) fn only_whole(routes: Router<Arc<App>>) -> Router<Arc<App>> {
    routes.layer(from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    match refused(request.uri().query().unwrap_or_default()) {
        None => next.run(request).await,
        Some(text) => TempoError::bad(text).into_response(),
    }
}

/// Why a query is refused.
fn refused(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| match &*name {
        "mode" if !matches!(&*value, "" | "all") => Some(format!(
            "invalid mode {value:?}: blocks and what is not in blocks yet are asked together, as \"all\""
        )),
        name if OF_PARTS.contains(&name) => Some(format!(
            "invalid {name}: parts of the data are not asked by themselves"
        )),
        _ => None,
    })
}
