//! From a YAML text, variables and flags to a [`Config`], or to all that is wrong with them at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::keys;
use super::{
    AcceptedMessages, Config, CorsOrigin, Features, Generate, Limits, Log, LogFormat, Logs, MemoryTotal,
    Otlp, QueryLimits, RemoteRead, Retention, WalSync, Web,
};

/// What overrides the file: values by key path.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// From variables, weaker than flags: key path and value.
    pub variables: BTreeMap<String, String>,
    /// From flags: key path and value.
    pub flags: BTreeMap<String, String>,
}

/// All problems of a configuration, one line each, with their key paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl Overrides {
    /// The `KYMO_*` variables of this process that name a key.
    pub fn from_environment() -> Overrides {
        let variables = keys::all()
            .filter_map(|key| Some((key.path.to_owned(), std::env::var(key.variable()).ok()?)))
            .collect();
        Overrides {
            variables,
            flags: BTreeMap::new(),
        }
    }
}

/// Reads the file, when there is one, and applies the overrides.
///
/// # Errors
/// Every problem of the file and of the overrides.
pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Config, Problems> {
    let text = match file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|e| Problems(vec![format!("cannot read {}: {e}", path.display())]))?,
    };
    parse(&text, overrides)
}

/// Reads a YAML text and applies the overrides.
///
/// # Errors
/// Every problem of the text and of the overrides.
pub fn parse(yaml: &str, overrides: &Overrides) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let mut values = BTreeMap::new();
    match document(yaml) {
        Ok(tree) => flatten("", &tree, &mut values, &mut problems),
        Err(problem) => problems.push(problem),
    }
    let sources = [
        ("", &values),
        (" (variable)", &overrides.variables),
        (" (flag)", &overrides.flags),
    ];
    let mut config = blank();
    for key in keys::all() {
        let stated = sources
            .iter()
            .rev()
            .find_map(|(name, values)| Some((*name, values.get(key.path)?)));
        let (source, value) = match stated {
            Some((source, value)) => (source, value.as_str()),
            None => ("", key.default),
        };
        if let Err(problem) = (key.apply)(&mut config, value) {
            problems.push(format!("{}{source}: {problem}", key.path));
        }
    }
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(Problems(problems))
    }
}

fn document(yaml: &str) -> Result<Value, String> {
    let blank = yaml
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if blank {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str::<Value>(yaml).map_err(|e| format!("not a YAML document: {e}"))
}

/// Collects the leaves of the tree by key path; sections and keys the table does not know are problems.
fn flatten(path: &str, tree: &Value, values: &mut BTreeMap<String, String>, problems: &mut Vec<String>) {
    match tree {
        Value::Null => {}
        // A list of NAME=VALUE may be written as a map, as Prometheus writes labels.
        Value::Object(map) if keys::find(path).is_some_and(|key| key.list) => {
            let pairs = map.iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            });
            values.insert(path.to_owned(), pairs.collect::<Vec<_>>().join(","));
        }
        Value::Object(map) => {
            for (name, value) in map {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                if known(&path) {
                    flatten(&path, value, values, problems);
                } else {
                    problems.push(format!("{path}: unknown key"));
                }
            }
        }
        Value::Array(items) if keys::find(path).is_some_and(|key| key.list) => {
            let texts = items.iter().map(|item| match item {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            values.insert(path.to_owned(), texts.collect::<Vec<_>>().join(","));
        }
        Value::Array(_) => problems.push(format!("{}: a list is not expected here", shown(path))),
        _ if keys::find(path).is_none() => {
            problems.push(format!("{}: a section with keys is expected here", shown(path)));
        }
        Value::String(text) => drop(values.insert(path.to_owned(), text.clone())),
        scalar => drop(values.insert(path.to_owned(), scalar.to_string())),
    }
}

fn known(path: &str) -> bool {
    keys::all().any(|key| {
        key.path == path
            || key
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "document" } else { path }
}

/// A configuration whose every field is overwritten by the table, which a test checks.
fn blank() -> Config {
    Config {
        data_dir: PathBuf::new(),
        listen: String::new(),
        retention: Retention {
            time_ms: 0,
            size_bytes: 0,
        },
        wal_sync: WalSync::Always,
        limits: Limits {
            label_name_bytes_max: 0,
            label_value_bytes_max: 0,
            labels_per_series_max: 0,
            series_max: 0,
            body_bytes_max: 0,
            in_flight_bytes_max: 0,
            future_ms_max: 0,
        },
        moved_labels: Vec::new(),
        remote_write: AcceptedMessages { v1: false, v2: false },
        otlp: Otlp::default(),
        logs: Logs::default(),
        generate: Generate::default(),
        tempo_listen: None,
        jaeger_listen: None,
        track_ids: Vec::new(),
        query: QueryLimits {
            timeout_ms: 0,
            samples_max: 0,
            memory_max: 0,
            memory_total: MemoryTotal::Auto,
            concurrency: 0,
            queue_length: 0,
            queue_timeout_ms: 0,
            remember_bytes: 0,
            lookback_ms: 0,
            log_slow_ms: 0,
            log_file: None,
        },
        remote_read: RemoteRead {
            samples_max: 0,
            concurrency: 0,
            frame_bytes: 0,
        },
        external_labels: Vec::new(),
        features: Features::default(),
        log: Log {
            format: LogFormat::Text,
            level: String::new(),
        },
        tenancy: false,
        web: Web {
            admin_api: true,
            external_url: String::new(),
            route_prefix: String::new(),
            cors_origin: CorsOrigin {
                text: String::new(),
                regex: regex::Regex::new("").expect("the empty pattern compiles"),
            },
        },
    }
}
