//! How a command reaches what it works on: a server over HTTP, or a data directory through the same routes without a
//! listener, so that both give the same answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use clap::Args;
use serde_json::Value;
use tower::ServiceExt;

use super::{FAILED, Failure, USAGE};
use crate::app::App;
use crate::config::{self, Overrides};
use crate::http::router;
use crate::run::{Opened, runtime};

/// How long a server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// Where a command works.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Base URL of a server.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        env = "KYMO_SERVER"
    )]
    server: String,
    /// Data directory to work on instead of asking a server; no server may be using it.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Tenant, sent as X-Scope-OrgID.
    #[arg(long, global = true, value_name = "NAME")]
    tenant: Option<String>,
}

impl Target {
    /// Sends a request and returns the answer's JSON: the whole envelope of a success.
    pub(crate) fn call(&self, method: Method, path: &str, params: &[(&str, &str)]) -> Result<Value, Failure> {
        let (_, body) = self.ask(method, path, params)?;
        // 204: done, and nothing to say.
        if body.is_empty() {
            return Ok(serde_json::json!({"status": "success", "data": null}));
        }
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|_| Failure::failed(format!("not JSON: {}", String::from_utf8_lossy(&body).trim())))?;
        if answer["status"] == "success" {
            return Ok(answer);
        }
        let text = |name: &str| answer[name].as_str().unwrap_or("").to_owned();
        Err(Failure::new(
            FAILED,
            format!("{}: {}", text("errorType"), text("error")),
        ))
    }

    /// Sends a request to an API without an envelope and returns the JSON of its success.
    pub(crate) fn call_plain(&self, path: &str, params: &[(&str, &str)]) -> Result<Value, Failure> {
        let (status, body) = self.ask(Method::GET, path, params)?;
        if status != 200 {
            let text = String::from_utf8_lossy(&body).trim().to_owned();
            return Err(Failure::new(FAILED, text));
        }
        serde_json::from_slice(&body).map_err(|e| Failure::failed(format!("not JSON: {e}")))
    }

    /// Sends a request; gives the status and the body of the answer.
    fn ask(&self, method: Method, path: &str, params: &[(&str, &str)]) -> Result<(u16, Vec<u8>), Failure> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(params);
        let path_and_query = format!("{path}?{}", query.finish());
        match &self.data {
            Some(dir) => self.call_directory(dir, method, &path_and_query),
            None => self.call_server(&method, &path_and_query),
        }
    }

    fn call_server(&self, method: &Method, path_and_query: &str) -> Result<(u16, Vec<u8>), Failure> {
        let url = format!("{}{path_and_query}", self.server.trim_end_matches('/'));
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(ANSWER_TIMEOUT))
                .build(),
        );
        let mut request = ureq::http::Request::builder().method(method.as_str()).uri(&url);
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        let request = request
            .body(())
            .map_err(|e| Failure::new(USAGE, format!("{url}: {e}")))?;
        let unreachable = |e: ureq::Error| Failure::failed(format!("{url}: {e}"));
        let mut response = agent.run(request).map_err(unreachable)?;
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec();
        Ok((response.status().as_u16(), body.map_err(unreachable)?))
    }

    fn call_directory(
        &self,
        dir: &Path,
        method: Method,
        path_and_query: &str,
    ) -> Result<(u16, Vec<u8>), Failure> {
        if !dir.is_dir() {
            return Err(Failure::new(
                USAGE,
                format!("{} is not a directory", dir.display()),
            ));
        }
        let mut overrides = Overrides::from_environment();
        let mut set = |key: &str, value: String| drop(overrides.flags.insert(key.to_owned(), value));
        set("data_dir", dir.display().to_string());
        // A command must not drop data by age because it runs without the server's configuration.
        set("retention.time", "0s".to_owned());
        set("retention.size", "0".to_owned());
        set("web.route_prefix", "/".to_owned());
        set(
            "tenancy",
            if self.tenant.is_some() { "on" } else { "off" }.to_owned(),
        );
        let config = config::load(None, &overrides).map_err(|p| Failure::new(USAGE, p.to_string()))?;
        let app = Arc::new(App::new(config));
        let opened = Opened::open(&app)?;
        let mut request = Request::builder().method(method).uri(path_and_query);
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        let request = request
            .header(header::HOST, "localhost")
            .body(Body::empty())
            .map_err(Failure::failed)?;
        let runtime = runtime().map_err(Failure::failed)?;
        let (status, body) = runtime.block_on(async {
            let response = router(Arc::clone(&app))
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            let status = response.status().as_u16();
            (status, to_bytes(response.into_body(), usize::MAX).await)
        });
        opened.close_unflushed();
        Ok((status, body.map(Vec::from).map_err(Failure::failed)?))
    }
}
