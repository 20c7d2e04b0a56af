//! Errors of both generations of Jaeger's API: a status, and a text in the JSON of each.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::envelope;
use crate::http::answer::{ApiError, ErrorType};
use crate::http::json::{object, text};

/// A failed answer.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

/// A failed answer of the older API.
pub(super) struct FailedV1(Failed);

/// A failed answer of the third API.
pub(super) struct FailedV3(Failed);

impl Failed {
    /// A wrong request.
    pub(super) fn bad(text: impl Into<String>) -> Failed {
        Failed {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }

    /// What is asked for is not there.
    pub(super) fn absent(text: impl Into<String>) -> Failed {
        Failed {
            status: StatusCode::NOT_FOUND,
            text: text.into(),
        }
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Failed {
        let status = match error.kind {
            ErrorType::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorType::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            ErrorType::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            kind => kind.status(),
        };
        Failed {
            status,
            text: error.text,
        }
    }
}

impl<E: Into<Failed>> From<E> for FailedV1 {
    fn from(error: E) -> FailedV1 {
        FailedV1(error.into())
    }
}

impl<E: Into<Failed>> From<E> for FailedV3 {
    fn from(error: E) -> FailedV3 {
        FailedV3(error.into())
    }
}

impl IntoResponse for FailedV1 {
    fn into_response(self) -> Response {
        let Failed { status, text } = self.0;
        response(status, envelope::error(status.as_u16(), &text))
    }
}

impl IntoResponse for FailedV3 {
    fn into_response(self) -> Response {
        let Failed {
            status,
            text: message,
        } = self.0;
        let mut body = Vec::new();
        object(&mut body, |o| {
            o.object("error", |o| {
                o.integer("httpCode", status.as_u16().into());
                text(o.name("message"), &message);
            });
        });
        response(status, body)
    }
}

fn response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if matches!(status.as_u16(), 429 | 503) {
        let soon = axum::http::HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    response
}
