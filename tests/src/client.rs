//! A plain blocking HTTP client for tests: every status is an answer, nothing is retried.

use std::time::Duration;

use kymo_proto::remote_write::{RequestEncoder, v2};
use serde_json::Value;
use ureq::http::{HeaderMap, Request};

/// Talks to one server.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    agent: ureq::Agent,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("not JSON ({e}), status {}: {}", self.status, self.text()))
    }

    /// The `data` of a success.
    ///
    /// # Panics
    /// When the answer is no success.
    pub fn data(&self) -> Value {
        let mut json = self.json();
        assert_eq!(
            (self.status, &json["status"]),
            (200, &Value::from("success")),
            "{json}"
        );
        json["data"].take()
    }

    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> String {
        let values: Vec<_> = self
            .headers
            .get_all(name)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .collect();
        values.join(", ")
    }

    /// Status, error type and text of a failure.
    pub fn error(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |name: &str| json[name].as_str().unwrap_or("").to_owned();
        assert_eq!(json["status"], "error", "{json}");
        (self.status, text("errorType"), text("error"))
    }
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:9090`.
    pub fn new(base: impl Into<String>) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)))
            .max_idle_connections_per_host(8)
            .build();
        Client {
            base: base.into(),
            agent: ureq::Agent::new_with_config(config),
        }
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends any request; `None` when no answer came.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            [] => self.agent.run(request.body(()).ok()?).ok()?,
            _ => self.agent.run(request.body(body).ok()?).ok()?,
        };
        let body = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .ok()?;
        Some(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
        })
    }

    /// Sends any request.
    ///
    /// # Panics
    /// When no answer came.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body)
            .unwrap_or_else(|| panic!("no answer to {method} {}{path}", self.base))
    }

    /// GET with parameters.
    pub fn get(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        let query = encode(params);
        let separator = if params.is_empty() { "" } else { "?" };
        self.send("GET", &format!("{path}{separator}{query}"), &[], b"")
    }

    /// POST of a form.
    pub fn post(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, encode(params).as_bytes())
    }

    /// Sends a remote-write body as Prometheus does; `None` when no answer came.
    pub fn try_write_body(&self, body: &[u8]) -> Option<Answer> {
        let headers = [
            ("Content-Type", "application/x-protobuf"),
            ("Content-Encoding", "snappy"),
            ("X-Prometheus-Remote-Write-Version", "0.1.0"),
        ];
        self.try_send("POST", "/api/v1/write", &headers, body)
    }

    /// Sends a remote write of 2.0.
    pub fn write_v2(&self, request: &v2::Encoder) -> Answer {
        let headers = [
            (
                "Content-Type",
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            ),
            ("Content-Encoding", "snappy"),
            ("X-Prometheus-Remote-Write-Version", "2.0.0"),
        ];
        self.send("POST", "/api/v1/write", &headers, &request.compressed())
    }

    /// Sends a remote write.
    ///
    /// # Panics
    /// When no answer came.
    pub fn write(&self, request: &RequestEncoder) -> Answer {
        self.try_write_body(&request.compressed())
            .expect("an answer to a write")
    }

    /// Writes one series and expects it to be stored.
    ///
    /// # Panics
    /// When it is not.
    pub fn write_series(&self, labels: &[(&str, &str)], samples: &[(i64, f64)]) {
        let mut request = RequestEncoder::default();
        request.series(labels.iter().copied(), samples.iter().copied());
        let answer = self.write(&request);
        assert_eq!(answer.status, 204, "{}", answer.text());
    }
}

/// Parameters as a query string or form.
pub fn encode(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish()
}
