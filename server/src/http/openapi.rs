//! `/api/v1/openapi.yaml`: the API as OpenAPI 3.1 or 3.2 describes it, from one table of endpoints that a test holds against
//! the routes. Not for endpoints outside the Prometheus API.

mod table;
mod yaml;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::answer::ApiError;
use super::params::Params;
use crate::app::App;
use table::{Data, ENDPOINTS, Endpoint, Param};

/// Answers the description, in the version asked for.
pub(super) async fn openapi(State(app): State<Arc<App>>, params: Params) -> Result<Response, ApiError> {
    let version = match params.first("openapi_version") {
        "" | "3.1" | "3.1.0" => "3.1.0",
        "3.2" | "3.2.0" => "3.2.0",
        text => {
            let cause = format!("{text:?} is neither 3.1 nor 3.2");
            return Err(ApiError::parameter("openapi_version", cause));
        }
    };
    let mut out = String::new();
    yaml::push(&mut out, &document(version, &app.config.web.external_url), 0);
    let mut response = out.into_response();
    let content_type = HeaderValue::from_static("application/yaml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

fn document(version: &str, external_url: &str) -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        paths.insert(endpoint.path.to_owned(), path_item(endpoint));
    }
    let base = external_url.trim_end_matches('/');
    json!({
        "openapi": version,
        "info": {
            "title": "Kymo: the Prometheus API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": format!("{base}/api/v1")}],
        "paths": paths,
        "components": {"schemas": schemas()},
    })
}

fn path_item(endpoint: &Endpoint) -> Value {
    let mut item = Map::new();
    for method in endpoint.methods {
        item.insert(method.to_lowercase(), operation(endpoint, method));
    }
    Value::Object(item)
}

fn operation(endpoint: &Endpoint, method: &str) -> Value {
    let id = endpoint.path.replace(['{', '}'], "").replace('/', "-");
    let in_form = *method == *"POST" && endpoint.form;
    let mut operation = json!({
        "operationId": format!("{}{id}", method.to_lowercase()),
        "summary": endpoint.summary,
    });
    let in_path = endpoint.path.contains('{').then(|| {
        json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"},
            "description": "The label, also in its U__ spelling."})
    });
    let in_query = endpoint.params.iter().filter(|_| !in_form).map(|param| {
        json!({"name": param.name, "in": "query", "required": param.required,
            "description": param.doc, "schema": schema_of(param)})
    });
    let parameters: Vec<Value> = in_path.into_iter().chain(in_query).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if in_form {
        operation["requestBody"] = form(endpoint.params);
    }
    operation["responses"] = responses(endpoint.data);
    operation
}

fn schema_of(param: &Param) -> Value {
    match param.name.ends_with("[]") {
        true => json!({"type": "array", "items": {"type": "string"}}),
        false => json!({"type": "string"}),
    }
}

fn form(params: &[Param]) -> Value {
    let properties: Map<String, Value> = params
        .iter()
        .map(|param| (param.name.to_owned(), schema_of(param)))
        .collect();
    let required: Vec<&str> = params.iter().filter(|p| p.required).map(|p| p.name).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    json!({"required": true, "content": {"application/x-www-form-urlencoded": {"schema": schema}}})
}

fn responses(data: Data) -> Value {
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let body = |media: &str, schema: Value| json!({"description": "Success.", "content": {media: {"schema": schema}}});
    let enveloped = |data: Value| {
        let status = json!({"type": "string", "const": "success"});
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let properties = json!({"status": status, "data": data, "warnings": texts, "infos": texts});
        let schema = json!({"type": "object", "required": ["status"], "properties": properties});
        body("application/json", schema)
    };
    let success = match data {
        Data::Schema(name) => enveloped(reference(name)),
        Data::Texts => enveloped(json!({"type": "array", "items": {"type": "string"}})),
        Data::Text => enveloped(json!({"type": "string"})),
        Data::Objects => enveloped(json!({"type": "array", "items": {"type": "object"}})),
        Data::Object => enveloped(json!({"type": "object"})),
        Data::Media(media) => body(media, json!({})),
        Data::Nothing => {
            return json!({"204": {"description": "Done."}, "default": failure()});
        }
    };
    json!({"200": success, "default": failure()})
}

fn failure() -> Value {
    let schema = json!({"$ref": "#/components/schemas/Error"});
    json!({"description": "Failure.", "content": {"application/json": {"schema": schema}}})
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    let labels = json!({"type": "object", "additionalProperties": text});
    let point = json!({"type": "array", "description": "Seconds since 1970 and a value as text, or a histogram.",
        "minItems": 2, "maxItems": 2});
    let points = json!({"type": "array", "items": {"$ref": "#/components/schemas/Point"}});
    let series = json!({"type": "object", "properties": {"metric": {"$ref": "#/components/schemas/Labels"},
        "value": {"$ref": "#/components/schemas/Point"}, "histogram": {"$ref": "#/components/schemas/Point"},
        "values": points, "histograms": points}});
    json!({
        "Error": {"type": "object", "required": ["status", "errorType", "error"], "properties": {
            "status": {"type": "string", "const": "error"}, "errorType": text, "error": text}},
        "Labels": labels,
        "Point": point,
        "Series": series,
        "LabelSets": {"type": "array", "items": {"$ref": "#/components/schemas/Labels"}},
        "QueryData": {"type": "object", "required": ["resultType", "result"], "properties": {
            "resultType": {"type": "string", "enum": ["vector", "matrix", "scalar", "string"]},
            "result": {"description": "Series, or one point of a scalar or string.", "type": "array"},
            "stats": {"type": "object"},
            "explain": {"type": "array", "items": text}}},
    })
}

#[cfg(test)]
mod tests;
