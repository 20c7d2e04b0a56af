//! Errors as Tempo answers them: a status and a plain text. Not for what the text says.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tonic::{Code, Status};

use crate::http::answer::{ApiError, ErrorType};

/// A failed answer.
#[derive(Debug, Clone)]
pub(crate) struct TempoError {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl TempoError {
    /// A wrong request.
    pub(crate) fn bad(text: impl Into<String>) -> TempoError {
        TempoError {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }

    /// The same for gRPC.
    pub(crate) fn to_grpc(&self) -> Status {
        let code = match self.status.as_u16() {
            400 | 422 => Code::InvalidArgument,
            401 => Code::Unauthenticated,
            404 => Code::NotFound,
            429 => Code::ResourceExhausted,
            499 => Code::Cancelled,
            503 => Code::Unavailable,
            504 => Code::DeadlineExceeded,
            _ => Code::Internal,
        };
        Status::new(code, self.text.clone())
    }
}

impl From<ApiError> for TempoError {
    fn from(error: ApiError) -> TempoError {
        let (status, text) = match error.kind {
            ErrorType::Overloaded => (429, "job queue full".to_owned()),
            ErrorType::Timeout => (504, error.text),
            ErrorType::Canceled => (499, error.text),
            ErrorType::Unavailable => (503, error.text),
            kind => (kind.status().as_u16(), error.text),
        };
        TempoError {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            text,
        }
    }
}

impl From<kymo_engine::Error> for TempoError {
    fn from(error: kymo_engine::Error) -> TempoError {
        ApiError::from(error).into()
    }
}

impl IntoResponse for TempoError {
    fn into_response(self) -> Response {
        let again = matches!(self.status.as_u16(), 429 | 503);
        let mut response = (self.status, self.text).into_response();
        if again {
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
