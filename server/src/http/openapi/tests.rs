//! The description: it is YAML that reads back, and every path in it is served with every method.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

use super::*;
use crate::config::Config;

#[test]
fn the_document_reads_back_as_it_was_meant() {
    let wanted = document("3.1.0", "https://kymo.example/x/");
    let mut text = String::new();
    yaml::push(&mut text, &wanted, 0);
    let read: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(read, wanted);
    assert_eq!(read["servers"][0]["url"], "https://kymo.example/x/api/v1");
    assert_eq!(read["paths"]["/series"]["post"]["requestBody"]["required"], true);
}

#[tokio::test]
async fn every_path_is_served_with_every_method() {
    let router = crate::http::router(Arc::new(App::new(Config::default())));
    for endpoint in ENDPOINTS {
        for method in endpoint.methods {
            let path = format!("/api/v1{}", endpoint.path.replace("{name}", "job"));
            let request = Request::builder().method(*method).uri(&path).body(Body::empty());
            let status = router.clone().oneshot(request.unwrap()).await.unwrap().status();
            // Not ready, as the node is not open: but neither unknown nor of another method.
            assert!(
                ![StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status),
                "{method} {path}: {status}"
            );
        }
    }
}
