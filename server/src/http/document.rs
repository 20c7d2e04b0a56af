//! Answers outside Prometheus' envelope: a body of one content type, whose memory stays reserved until it is sent.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_query::promql::eval::Account;

use super::answer::held_body;
use super::prom::governed::Held;

/// A body and what it is.
pub(crate) struct Document {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    account: Option<Arc<Account>>,
}

impl Document {
    /// A success.
    pub(crate) fn new(content_type: &'static str, body: Vec<u8>) -> Document {
        Document {
            status: StatusCode::OK,
            content_type,
            body,
            account: None,
        }
    }

    /// A success in JSON.
    pub(crate) fn json(body: Vec<u8>) -> Document {
        Document::new("application/json", body)
    }
}

impl Held for Document {
    fn bytes(&self) -> usize {
        self.body.len()
    }

    fn held_by(mut self, account: Arc<Account>) -> Document {
        self.account = Some(account);
        self
    }
}

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        let mut response = Response::new(held_body(self.body, self.account));
        *response.status_mut() = self.status;
        let content_type = HeaderValue::from_static(self.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}
