//! Errors as Loki answers them: a status and a plain text (`pkg/util/server/error.go`). Not for what the text says.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::answer::{ApiError, ErrorType};

/// Loki's text for a query whose time is up.
const TIMEOUT: &str = "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed";

/// A failed answer.
#[derive(Debug, Clone)]
pub(crate) struct LokiError {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl LokiError {
    /// A wrong request.
    pub(crate) fn bad(text: impl Into<String>) -> LokiError {
        LokiError {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }
}

impl From<ApiError> for LokiError {
    fn from(error: ApiError) -> LokiError {
        let (status, text) = match error.kind {
            ErrorType::Overloaded => (429, "too many outstanding requests".to_owned()),
            ErrorType::Timeout => (504, TIMEOUT.to_owned()),
            ErrorType::Canceled => (499, error.text),
            ErrorType::Unavailable => (503, error.text),
            kind => (kind.status().as_u16(), error.text),
        };
        LokiError {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            text,
        }
    }
}

impl IntoResponse for LokiError {
    fn into_response(self) -> Response {
        let again = matches!(self.status.as_u16(), 429 | 503);
        let mut response = (self.status, self.text).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        if again {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
