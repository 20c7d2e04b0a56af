//! The table of configuration keys: path, default, meaning, and how each is read and shown. Parsing, `--print-config`,
//! the `KYMO_*` names and the README's table all come from it.

use std::fmt::Write;
use std::path::PathBuf;

use regex::Regex;

use super::{AcceptedMessages, Config, CorsOrigin, LogFormat, Strategy, WalSync};
use crate::units::{duration_text, parse_duration_ms, parse_size_bytes, size_text};

/// The message of remote write 1.0.
pub const REMOTE_WRITE_V1: &str = "prometheus.WriteRequest";
/// The message of remote write 2.0.
pub const REMOTE_WRITE_V2: &str = "io.prometheus.write.v2.Request";

/// One configuration key.
pub struct Key {
    /// Path in the YAML file, sections parted by a dot.
    pub path: &'static str,
    /// Default, as written in a file.
    pub default: &'static str,
    /// One sentence for the README.
    pub doc: &'static str,
    /// Whether the file may also give a list.
    pub list: bool,
    /// Reads a value into the configuration; the error says what is expected.
    pub(crate) apply: fn(&mut Config, &str) -> Result<(), String>,
    /// Writes the value in the form in which it is read.
    pub show: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that overrides the key.
    pub fn variable(&self) -> String {
        format!("KYMO_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// All keys; keys of one section stand together.
pub const KEYS: &[Key] = &[
    Key {
        path: "data_dir",
        default: "./kymo-data",
        doc: "Directory of all data, created when absent, used by one process at a time.",
        list: false,
        apply: |c, v| non_empty(v).map(|v| c.data_dir = PathBuf::from(v)),
        show: |c| c.data_dir.display().to_string(),
    },
    Key {
        path: "listen",
        default: "127.0.0.1:9090",
        doc: "`HOST:PORT` of the main listener (HTTP/1.1 and h2c); port 0 takes a free one.",
        list: false,
        apply: |c, v| address(v).map(|v| c.listen = v),
        show: |c| c.listen.clone(),
    },
    Key {
        path: "tenancy",
        default: "off",
        doc: "`on`: `X-Scope-OrgID` picks the tenant and a request without it is answered 401; `off`: the header is ignored.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.tenancy = v),
        show: |c| if c.tenancy { "on" } else { "off" }.to_owned(),
    },
    Key {
        path: "retention.time",
        default: "15d",
        doc: "Age from which samples are dropped and refused; `0s` keeps everything.",
        list: false,
        apply: |c, v| duration(v).map(|v| c.retention.time_ms = v),
        show: |c| duration_text(c.retention.time_ms),
    },
    Key {
        path: "retention.size",
        default: "0",
        doc: "Size of all blocks above which the oldest are dropped; `0` is without limit.",
        list: false,
        apply: |c, v| size(v).map(|v| c.retention.size_bytes = v),
        show: |c| size_text(c.retention.size_bytes),
    },
    Key {
        path: "wal.sync",
        default: "always",
        doc: "`always`: synced before it is acknowledged; `interval`: synced in the background; `off`: left to the system.",
        list: false,
        apply: |c, v| wal_sync(v).map(|v| c.wal_sync = v),
        show: |c| c.wal_sync.to_string(),
    },
    Key {
        path: "limits.label_name_length",
        default: "1KiB",
        doc: "Longest label name; a series over it is refused.",
        list: false,
        apply: |c, v| bounded_size(v, 1, 1 << 20).map(|v| c.limits.label_name_bytes_max = v),
        show: |c| size_text(c.limits.label_name_bytes_max),
    },
    Key {
        path: "limits.label_value_length",
        default: "64KiB",
        doc: "Longest label value; a series over it is refused.",
        list: false,
        apply: |c, v| bounded_size(v, 1, (16 << 20) - 1).map(|v| c.limits.label_value_bytes_max = v),
        show: |c| size_text(c.limits.label_value_bytes_max),
    },
    Key {
        path: "limits.labels_per_series",
        default: "256",
        doc: "Most labels of one series, `__name__` included.",
        list: false,
        apply: |c, v| count(v, 1, 10_000).map(|v| c.limits.labels_per_series_max = v),
        show: |c| c.limits.labels_per_series_max.to_string(),
    },
    Key {
        path: "limits.active_series",
        default: "10000000",
        doc: "Most active series per tenant; samples of further series are refused.",
        list: false,
        apply: |c, v| count(v, 1, u64::from(u32::MAX)).map(|v| c.limits.series_max = v),
        show: |c| c.limits.series_max.to_string(),
    },
    Key {
        path: "limits.body_size",
        default: "32MiB",
        doc: "Largest decompressed body of a write; above it 413.",
        list: false,
        apply: |c, v| bounded_size(v, 1, 1 << 30).map(|v| c.limits.body_bytes_max = v),
        show: |c| size_text(c.limits.body_bytes_max),
    },
    Key {
        path: "limits.in_flight",
        default: "256MiB",
        doc: "Bytes of all writes in work; above it 503 with `Retry-After`.",
        list: false,
        apply: |c, v| bounded_size(v, 1 << 20, 1 << 40).map(|v| c.limits.in_flight_bytes_max = v),
        show: |c| size_text(c.limits.in_flight_bytes_max),
    },
    Key {
        path: "limits.future",
        default: "10m",
        doc: "How far ahead of the server's clock a sample may be.",
        list: false,
        apply: |c, v| duration(v).map(|v| c.limits.future_ms_max = v),
        show: |c| duration_text(c.limits.future_ms_max),
    },
    Key {
        path: "remote_write.accepted_messages",
        default: "prometheus.WriteRequest,io.prometheus.write.v2.Request",
        doc: "Messages of remote write that are taken; others are answered 415.",
        list: true,
        apply: |c, v| accepted_messages(v).map(|v| c.remote_write = v),
        show: |c| c.remote_write.to_string(),
    },
    Key {
        path: "otlp.grpc_listen",
        default: "127.0.0.1:4317",
        doc: "`HOST:PORT` of OTLP over gRPC, which the main listener takes too; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.otlp.grpc_listen = v),
        show: |c| c.otlp.grpc_listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "otlp.http_listen",
        default: "127.0.0.1:4318",
        doc: "`HOST:PORT` of OTLP over HTTP, which the main listener takes too; `off` for none.",
        list: false,
        apply: |c, v| address_or_off(v).map(|v| c.otlp.http_listen = v),
        show: |c| c.otlp.http_listen.clone().unwrap_or_else(|| "off".to_owned()),
    },
    Key {
        path: "otlp.translation_strategy",
        default: "UnderscoreEscapingWithSuffixes",
        doc: "How names are made: `UnderscoreEscapingWithSuffixes`, `NoUTF8EscapingWithSuffixes`, `UnderscoreEscapingWithoutSuffixes` or `NoTranslation`.",
        list: false,
        apply: |c, v| strategy(v).map(|v| c.otlp.strategy = v),
        show: |c| c.otlp.strategy.to_string(),
    },
    Key {
        path: "otlp.promote_resource_attributes",
        default: "",
        doc: "Resource attributes that become labels of every series.",
        list: true,
        apply: |c, v| {
            c.otlp.promoted = list(v);
            Ok(())
        },
        show: |c| c.otlp.promoted.join(","),
    },
    Key {
        path: "otlp.promote_all_resource_attributes",
        default: "off",
        doc: "`on`: all resource attributes become labels, except those of `otlp.ignore_resource_attributes`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.promote_all = v),
        show: |c| on_off_text(c.otlp.promote_all),
    },
    Key {
        path: "otlp.ignore_resource_attributes",
        default: "",
        doc: "Resource attributes that never become labels when all others do.",
        list: true,
        apply: |c, v| {
            c.otlp.ignored = list(v);
            Ok(())
        },
        show: |c| c.otlp.ignored.join(","),
    },
    Key {
        path: "otlp.keep_identifying_resource_attributes",
        default: "off",
        doc: "`on`: `target_info` has `service.name`, `service.namespace` and `service.instance.id` beside `job` and `instance`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.keep_identifying = v),
        show: |c| on_off_text(c.otlp.keep_identifying),
    },
    Key {
        path: "otlp.convert_histograms_to_nhcb",
        default: "off",
        doc: "`on`: histograms with explicit bounds are stored as native histograms with custom buckets.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.histograms_to_nhcb = v),
        show: |c| on_off_text(c.otlp.histograms_to_nhcb),
    },
    Key {
        path: "otlp.promote_scope_metadata",
        default: "off",
        doc: "`on`: name, version, schema and attributes of the scope become labels `otel_scope_*` of every series.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.promote_scope = v),
        show: |c| on_off_text(c.otlp.promote_scope),
    },
    Key {
        path: "otlp.label_name_underscore_sanitization",
        default: "on",
        doc: "`on`: a label that would begin with a single underscore gets `key` before it.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.otlp.sanitize_underscore = v),
        show: |c| on_off_text(c.otlp.sanitize_underscore),
    },
    Key {
        path: "query.timeout",
        default: "2m",
        doc: "Longest time of one query; a request may ask for less.",
        list: false,
        apply: |c, v| positive_duration(v).map(|v| c.query.timeout_ms = v),
        show: |c| duration_text(c.query.timeout_ms),
    },
    Key {
        path: "query.max_samples",
        default: "50000000",
        doc: "Most samples one query may hold in memory.",
        list: false,
        apply: |c, v| count(v, 1, u64::MAX >> 1).map(|v| c.query.samples_max = v),
        show: |c| c.query.samples_max.to_string(),
    },
    Key {
        path: "query.max_memory",
        default: "2GiB",
        doc: "Most memory the results of one query's expressions may take.",
        list: false,
        apply: |c, v| size(v).map(|v| c.query.bytes_max = v),
        show: |c| size_text(c.query.bytes_max),
    },
    Key {
        path: "query.concurrency",
        default: "20",
        doc: "Queries evaluated at the same time; more wait within their timeout.",
        list: false,
        apply: |c, v| count(v, 1, 400).map(|v| c.query.concurrency = v),
        show: |c| c.query.concurrency.to_string(),
    },
    Key {
        path: "query.lookback",
        default: "5m",
        doc: "How far an instant selector looks back for a sample.",
        list: false,
        apply: |c, v| positive_duration(v).map(|v| c.query.lookback_ms = v),
        show: |c| duration_text(c.query.lookback_ms),
    },
    Key {
        path: "query.experimental",
        default: "off",
        doc: "`on` accepts the functions, aggregations and modifiers that Prometheus keeps behind feature flags.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.query.experimental = v),
        show: |c| if c.query.experimental { "on" } else { "off" }.to_owned(),
    },
    Key {
        path: "log.format",
        default: "text",
        doc: "`text` or `json`, on standard error.",
        list: false,
        apply: |c, v| log_format(v).map(|v| c.log.format = v),
        show: |c| c.log.format.to_string(),
    },
    Key {
        path: "log.level",
        default: "info",
        doc: "`error`, `warn`, `info`, `debug`, `trace`, or a filter per module.",
        list: false,
        apply: |c, v| log_level(v).map(|v| c.log.level = v),
        show: |c| c.log.level.clone(),
    },
    Key {
        path: "web.admin_api",
        default: "on",
        doc: "`off` refuses `/api/v1/admin/tsdb/*` (deletion, cleaning, snapshots) as Prometheus does by default.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.web.admin_api = v),
        show: |c| if c.web.admin_api { "on" } else { "off" }.to_owned(),
    },
    Key {
        path: "web.external_url",
        default: "",
        doc: "URL under which users reach the server.",
        list: false,
        apply: |c, v| {
            c.web.external_url = v.to_owned();
            Ok(())
        },
        show: |c| c.web.external_url.clone(),
    },
    Key {
        path: "web.cors_origin",
        default: ".*",
        doc: "Anchored pattern of the origins that may call the API from a browser.",
        list: false,
        apply: |c, v| cors_origin(v).map(|v| c.web.cors_origin = v),
        show: |c| c.web.cors_origin.text.clone(),
    },
];

/// The README's table of keys.
pub fn markdown_table() -> String {
    let mut out = String::from("| key | default | meaning |\n|---|---|---|\n");
    for key in KEYS {
        let default = if key.default.is_empty() {
            "(empty)"
        } else {
            key.default
        };
        let _ = writeln!(out, "| `{}` | `{default}` | {} |", key.path, key.doc);
    }
    out
}

fn non_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(text)
    }
}

fn address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not HOST:PORT")),
    }
}

fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(format!("{text:?} is neither on nor off")),
    }
}

fn on_off_text(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn address_or_off(text: &str) -> Result<Option<String>, String> {
    match text {
        "off" | "false" => Ok(None),
        _ => address(text).map(Some),
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

fn accepted_messages(text: &str) -> Result<AcceptedMessages, String> {
    let mut accepted = AcceptedMessages { v1: false, v2: false };
    for name in list(text) {
        match name.as_str() {
            REMOTE_WRITE_V1 => accepted.v1 = true,
            REMOTE_WRITE_V2 => accepted.v2 = true,
            _ => {
                return Err(format!(
                    "{name:?} is neither {REMOTE_WRITE_V1} nor {REMOTE_WRITE_V2}"
                ));
            }
        }
    }
    Ok(accepted)
}

fn strategy(text: &str) -> Result<Strategy, String> {
    let known = Strategy::ALL.into_iter().find(|known| known.to_string() == text);
    known.ok_or_else(|| {
        let names = Strategy::ALL.map(|known| known.to_string()).join(", ");
        format!("{text:?} is none of {names}")
    })
}

fn duration(text: &str) -> Result<u64, String> {
    parse_duration_ms(text).ok_or_else(|| format!("{text:?} is not a duration such as 30d or 1h30m"))
}

fn positive_duration(text: &str) -> Result<u64, String> {
    match duration(text)? {
        0 => Err("must be longer than 0".to_owned()),
        millis => Ok(millis),
    }
}

fn size(text: &str) -> Result<u64, String> {
    parse_size_bytes(text).ok_or_else(|| format!("{text:?} is not a size such as 64MiB or 10GB"))
}

fn bounded_size(text: &str, min: u64, max: u64) -> Result<u64, String> {
    match size(text)? {
        n if (min..=max).contains(&n) => Ok(n),
        _ => Err(format!(
            "{text:?} is not between {} and {}",
            size_text(min),
            size_text(max)
        )),
    }
}

fn count(text: &str, min: u64, max: u64) -> Result<u64, String> {
    match text.replace('_', "").parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => Err(format!("{text:?} is not a number between {min} and {max}")),
    }
}

fn wal_sync(text: &str) -> Result<WalSync, String> {
    match text {
        "always" => Ok(WalSync::Always),
        "interval" => Ok(WalSync::Interval),
        "off" | "false" => Ok(WalSync::Off),
        _ => Err(format!("{text:?} is none of always, interval, off")),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is neither text nor json")),
    }
}

fn log_level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} is not a level or filter"))
}

fn cors_origin(text: &str) -> Result<CorsOrigin, String> {
    Regex::new(&format!("^(?s:{text})$"))
        .map(|regex| CorsOrigin {
            text: text.to_owned(),
            regex,
        })
        .map_err(|_| format!("{text:?} is not a regular expression"))
}
