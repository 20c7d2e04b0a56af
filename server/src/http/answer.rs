//! The envelope of the Prometheus API: `{"status":..,"data":..}` and the status code of each error type.
//! Not for endpoints outside `/api/v1`, which answer plain text.

mod body;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_engine::{BudgetExceeded, Error, ErrorKind};
use kymo_query::promql::eval::Account;
use serde::Serialize;

/// The content type Prometheus uses, without a charset.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Data from this many bytes on is sent as it is, not copied into one piece with what surrounds it.
const PARTS_BYTES_MIN: usize = 16 << 10;

/// What an API handler returns.
pub(crate) type Reply = Result<Answer, ApiError>;

/// A successful answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The `data` as JSON; `None` is answered 204 without a body.
    pub(crate) data: Option<String>,
    /// Warnings, as shown.
    pub(crate) warnings: Vec<String>,
    /// Infos, as shown.
    pub(crate) infos: Vec<String>,
    /// What keeps the memory of the data reserved until it is sent.
    pub(crate) account: Option<Arc<Account>>,
}

/// Prometheus' error types (`web/api/v1/api.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorType {
    /// The request is wrong.
    BadData,
    /// The query failed.
    Execution,
    /// The client went away.
    Canceled,
    /// The deadline passed.
    Timeout,
    /// The server failed.
    Internal,
    /// The thing asked for does not exist.
    NotFound,
    /// The function is not there now. It has no status of its own in Prometheus and goes out as 500.
    Unavailable,
    /// There is too much to do now. It goes out as 503, to be asked again.
    Overloaded,
    /// The caller did not say which tenant it is.
    Unauthorized,
}

/// A failed answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    /// Its type, which decides the status code.
    pub(crate) kind: ErrorType,
    /// Its text.
    pub(crate) text: String,
    /// The query asked for more than a limit of the configuration allows.
    pub(crate) over_limit: bool,
}

impl Answer {
    /// An answer of plain data.
    pub(crate) fn json(data: &impl Serialize) -> Reply {
        let data =
            serde_json::to_string(data).map_err(|e| ApiError::new(ErrorType::Internal, e.to_string()))?;
        Ok(Answer::raw(data))
    }

    /// An answer whose data is JSON already.
    pub(crate) fn raw(data: String) -> Answer {
        Answer {
            data: Some(data),
            ..Answer::default()
        }
    }
}

impl ErrorType {
    /// The name in the envelope.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ErrorType::BadData => "bad_data",
            ErrorType::Execution => "execution",
            ErrorType::Canceled => "canceled",
            ErrorType::Timeout => "timeout",
            ErrorType::Internal => "internal",
            ErrorType::NotFound => "not_found",
            ErrorType::Unavailable | ErrorType::Overloaded => "unavailable",
            ErrorType::Unauthorized => "unauthorized",
        }
    }

    /// The HTTP status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            ErrorType::BadData => StatusCode::BAD_REQUEST,
            ErrorType::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorType::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            ErrorType::Timeout | ErrorType::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            ErrorType::Internal | ErrorType::Unavailable => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorType::NotFound => StatusCode::NOT_FOUND,
            ErrorType::Unauthorized => StatusCode::UNAUTHORIZED,
        }
    }
}

impl ApiError {
    /// An error of a type.
    pub(crate) fn new(kind: ErrorType, text: impl Into<String>) -> ApiError {
        ApiError {
            kind,
            text: text.into(),
            over_limit: false,
        }
    }

    /// A query that asked for more than a limit allows.
    pub(crate) fn over_limit(text: impl Into<String>) -> ApiError {
        ApiError {
            over_limit: true,
            ..ApiError::new(ErrorType::Execution, text)
        }
    }

    /// A wrong request.
    pub(crate) fn bad_data(text: impl Into<String>) -> ApiError {
        ApiError::new(ErrorType::BadData, text)
    }

    /// A wrong parameter, in Prometheus' words.
    pub(crate) fn parameter(name: &str, cause: impl std::fmt::Display) -> ApiError {
        ApiError::bad_data(format!("invalid parameter \"{name}\": {cause}"))
    }
}

/// The one place where the engine's kinds become API errors.
impl From<Error> for ApiError {
    fn from(error: Error) -> ApiError {
        let kind = match (&error, error.kind()) {
            (Error::Budget(BudgetExceeded::Canceled), _) => ErrorType::Canceled,
            (Error::Budget(BudgetExceeded::Deadline), _) | (_, ErrorKind::Timeout) => ErrorType::Timeout,
            (_, ErrorKind::Invalid) => ErrorType::BadData,
            (_, ErrorKind::TooLarge) => ErrorType::Execution,
            (_, ErrorKind::Overloaded | ErrorKind::Unavailable) => ErrorType::Unavailable,
            (_, ErrorKind::Corrupt | ErrorKind::Internal) => ErrorType::Internal,
        };
        ApiError::new(kind, error.to_string())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Some(data) = self.data else {
            return StatusCode::NO_CONTENT.into_response();
        };
        let mut end = String::new();
        for (name, texts) in [("warnings", &self.warnings), ("infos", &self.infos)] {
            if !texts.is_empty() {
                end.push_str(&format!(",\"{name}\":"));
                push_json(&mut end, texts);
            }
        }
        end.push('}');
        const BEGIN: &str = "{\"status\":\"success\",\"data\":";
        if data.len() < PARTS_BYTES_MIN {
            return json_response(StatusCode::OK, [BEGIN, &data, &end].concat());
        }
        let parts = [Bytes::from_static(BEGIN.as_bytes()), data.into(), end.into()];
        let body = body::Parts {
            parts: parts.into(),
            account: self.account,
        };
        let mut response = Response::new(Body::new(body));
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = format!(
            "{{\"status\":\"error\",\"errorType\":\"{}\",\"error\":",
            self.kind.as_str()
        );
        push_json(&mut body, &self.text);
        body.push('}');
        let mut response = json_response(self.kind.status(), body);
        if self.kind == ErrorType::Overloaded {
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}

/// A body of one part that keeps its memory reserved until it is sent.
pub(crate) fn held_body(bytes: Vec<u8>, account: Option<Arc<Account>>) -> Body {
    Body::new(body::Parts {
        parts: [Bytes::from(bytes)].into(),
        account,
    })
}

/// Appends a value as JSON.
pub(crate) fn push_json(out: &mut String, value: &(impl Serialize + ?Sized)) {
    out.push_str(&serde_json::to_string(value).expect("strings and plain structs always serialise"));
}

/// A JSON response in the content type Prometheus uses, without a charset.
pub(crate) fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}
