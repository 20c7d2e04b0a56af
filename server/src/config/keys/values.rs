//! How the values of keys are read and shown. Not for which keys there are.

use regex::Regex;

use crate::config::{AcceptedMessages, CorsOrigin, DeletionMode, LogFormat, MemoryTotal, Strategy, WalSync};
use crate::units::{parse_duration_ms, parse_size_bytes, size_text};

use super::{REMOTE_WRITE_V1, REMOTE_WRITE_V2};

pub(super) fn non_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        Err("must not be empty".to_owned())
    } else {
        Ok(text)
    }
}

pub(super) fn address(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not HOST:PORT")),
    }
}

pub(super) fn on_off(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(format!("{text:?} is neither on nor off")),
    }
}

pub(super) fn on_off_text(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

pub(super) fn address_or_off(text: &str) -> Result<Option<String>, String> {
    match text {
        "off" | "false" => Ok(None),
        _ => address(text).map(Some),
    }
}

pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(super) fn accepted_messages(text: &str) -> Result<AcceptedMessages, String> {
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

pub(super) fn strategy(text: &str) -> Result<Strategy, String> {
    let known = Strategy::ALL.into_iter().find(|known| known.to_string() == text);
    known.ok_or_else(|| {
        let names = Strategy::ALL.map(|known| known.to_string()).join(", ");
        format!("{text:?} is none of {names}")
    })
}

pub(super) fn duration(text: &str) -> Result<u64, String> {
    parse_duration_ms(text).ok_or_else(|| format!("{text:?} is not a duration such as 30d or 1h30m"))
}

pub(super) fn positive_duration(text: &str) -> Result<u64, String> {
    match duration(text)? {
        0 => Err("must be longer than 0".to_owned()),
        millis => Ok(millis),
    }
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    parse_size_bytes(text).ok_or_else(|| format!("{text:?} is not a size such as 64MiB or 10GB"))
}

pub(super) fn bounded_size(text: &str, min: u64, max: u64) -> Result<u64, String> {
    match size(text)? {
        n if (min..=max).contains(&n) => Ok(n),
        _ => Err(format!(
            "{text:?} is not between {} and {}",
            size_text(min),
            size_text(max)
        )),
    }
}

/// Pairs `NAME=VALUE`, by name.
pub(super) fn labels(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    for item in list(text) {
        match item.split_once('=') {
            Some((name, value)) if !name.is_empty() && name != "__name__" => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => return Err(format!("{item:?} is not NAME=VALUE")),
        }
    }
    pairs.sort();
    match pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!("{:?} is given twice", pair[0].0)),
        None => Ok(pairs),
    }
}

pub(super) fn memory(text: &str) -> Result<MemoryTotal, String> {
    match text {
        "auto" => Ok(MemoryTotal::Auto),
        _ => bounded_size(text, 1 << 20, 1 << 50).map(MemoryTotal::Bytes),
    }
}

pub(super) fn count(text: &str, min: u64, max: u64) -> Result<u64, String> {
    match text.replace('_', "").parse::<u64>() {
        Ok(n) if (min..=max).contains(&n) => Ok(n),
        _ => Err(format!("{text:?} is not a number between {min} and {max}")),
    }
}

pub(super) fn wal_sync(text: &str) -> Result<WalSync, String> {
    match text {
        "always" => Ok(WalSync::Always),
        "interval" => Ok(WalSync::Interval),
        "off" | "false" => Ok(WalSync::Off),
        _ => Err(format!("{text:?} is none of always, interval, off")),
    }
}

pub(super) fn deletion_mode(text: &str) -> Result<DeletionMode, String> {
    let known = DeletionMode::ALL.into_iter().find(|known| known.as_str() == text);
    known.ok_or_else(|| format!("{text:?} is none of disabled, filter-only, filter-and-delete"))
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("{text:?} is neither text nor json")),
    }
}

pub(super) fn log_level(text: &str) -> Result<String, String> {
    tracing_subscriber::EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} is not a level or filter"))
}

pub(super) fn route_prefix(text: &str) -> Result<String, String> {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/-_.~".contains(c));
    if plain && (text.is_empty() || text.starts_with('/')) && !text.contains("//") {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a path such as /prometheus"))
    }
}

pub(super) fn cors_origin(text: &str) -> Result<CorsOrigin, String> {
    Regex::new(&format!("^(?s:{text})$"))
        .map(|regex| CorsOrigin {
            text: text.to_owned(),
            regex,
        })
        .map_err(|_| format!("{text:?} is not a regular expression"))
}
