//! `/loki/api/v1/delete`: asking for lines to be deleted, the list of such requests, and taking one back
//! (`pkg/compactor/deletion/request_handler.go`). What is asked is gone from answers with the reply; what becomes of the bytes
//! is [`crate::deletes`]' to do.

mod request;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::JSON;
use super::error::LokiError;
use crate::app::App;
use crate::clock::now_ms;
use crate::config::DeletionMode;
use crate::deletes::{Listed, Refused};
use crate::http::ApiError;
use crate::http::json::{list, object};
use crate::http::params::Params;
use crate::http::tenant::Tenant;
use crate::units::go_duration_text;
use request::Request;

/// The header with the name of a request.
const ID: &str = "x-delete-request-id";

fn check_enabled(app: &App) -> Result<(), LokiError> {
    match app.config.logs.deletion.mode {
        DeletionMode::Disabled => Err(LokiError {
            status: StatusCode::FORBIDDEN,
            text: "deletion is not available for this tenant".to_owned(),
        }),
        _ => Ok(()),
    }
}

pub(super) async fn add(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let (Tenant(tenant), params) = (tenant?, params?);
    check_enabled(&app)?;
    let request = Request::of(&params, now_ms())?;
    let id = run(&app, move |app| {
        app.deletes.add(app, &tenant, request.deletion, request.times)
    })
    .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(ID, id);
    }
    Ok(response)
}

pub(super) async fn all(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
) -> Result<Response, LokiError> {
    let Tenant(tenant) = tenant?;
    check_enabled(&app)?;
    let listed = run(&app, move |app| app.deletes.list(app, &tenant)).await?;
    let seconds = |ms: i64, o: &mut crate::http::json::Object<'_>, name: &str| {
        crate::http::json::double(o.name(name), ms as f64 / 1000.0);
    };
    let mut body = Vec::new();
    list(&mut body, &listed, |out, Listed { made, status }| {
        object(out, |o| {
            o.text("request_id", &made.request);
            seconds(made.start_ms, o, "start_time");
            seconds(made.end_ms, o, "end_time");
            o.text("query", &made.query);
            o.text("status", status);
            seconds(made.created_ms, o, "created_at");
        });
    });
    Ok(([(header::CONTENT_TYPE, JSON)], body).into_response())
}

pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let (Tenant(tenant), params) = (tenant?, params?);
    check_enabled(&app)?;
    let id = params.first("request_id").to_owned();
    let force = match params.first("force") {
        "" => false,
        text => text
            .parse()
            .map_err(|_| LokiError::bad(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")))?,
    };
    run(&app, move |app| {
        app.deletes.cancel(app, &tenant, &id, force, now_ms())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `/loki/api/v1/cache/generation_numbers`: a number that changes when answers that were kept hold no more.
pub(super) async fn generation(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
) -> Result<Response, LokiError> {
    let Tenant(tenant) = tenant?;
    let removals = app.reading(&tenant).map_or(0, |db| db.logs.removals());
    Ok(([(header::CONTENT_TYPE, JSON)], format!("\"{removals}\"\n")).into_response())
}

async fn run<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, Refused> + Send + 'static,
) -> Result<T, LokiError> {
    let with = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || work(&with)).await;
    let refused = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(refused)) => refused,
        Err(panic) => {
            return Err(LokiError {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                text: panic.to_string(),
            });
        }
    };
    Err(match refused {
        Refused::Missing => LokiError {
            status: StatusCode::NOT_FOUND,
            text: "could not find delete request with given id".to_owned(),
        },
        Refused::Processed => {
            LokiError::bad("deletion of request which is in process or already processed is not allowed")
        }
        Refused::Late => LokiError::bad(format!(
            "Cancellation of partially completed delete request or delete request past the deadline of {} since its creation is not allowed. To force, use the ?force query parameter",
            go_duration_text(app.config.logs.deletion.cancel_ms)
        )),
        Refused::Store(error) => ApiError::from(error).into(),
        Refused::Io(error) => LokiError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: format!("cannot keep the list of delete requests: {error}"),
        },
    })
}
