//! Routes before the node is open: what answers, what waits and how it says so.

use axum::body::{Body, to_bytes};
use axum::http::Method;
use tower::ServiceExt;

use super::*;
use crate::config::Config;

async fn ask(app: &Arc<App>, method: Method, path: &str) -> (StatusCode, Option<String>, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let response = router(Arc::clone(app)).oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let stopping = headers
        .get("x-prometheus-stopping")
        .map(|v| v.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, stopping, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn until_the_node_is_open_data_endpoints_are_503_and_the_others_answer() {
    let app = Arc::new(App::new(Config::default()));
    for (method, path) in [
        (Method::GET, "/-/ready"),
        (Method::GET, "/api/v1/query?query=1"),
        (Method::POST, "/api/v1/write"),
        (Method::GET, "/api/v1/status/buildinfo"),
        (Method::GET, "/api/v1/admin/status"),
    ] {
        let (status, stopping, body) = ask(&app, method, path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(stopping.as_deref(), Some("false"));
        assert_eq!(body, "Service Unavailable");
    }
    for path in ["/-/healthy", "/metrics", "/version", "/api/v1/status/walreplay"] {
        let (status, ..) = ask(&app, Method::GET, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    let (_, _, progress) = ask(&app, Method::GET, "/api/v1/status/walreplay").await;
    assert!(progress.contains("\"current\":0"), "{progress}");
    app.stop();
    let (status, stopping, _) = ask(&app, Method::GET, "/-/ready").await;
    assert_eq!(
        (status, stopping.as_deref()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("true"))
    );
}
