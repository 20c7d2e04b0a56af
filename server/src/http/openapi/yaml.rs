//! JSON values as block YAML. Not for reading it.

use serde_json::Value;

/// Appends a value at an indentation; a mapping or list begins on a line of its own.
pub(super) fn push(out: &mut String, value: &Value, indent: usize) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                out.push_str(&format!("{pad}{}:", scalar(key)));
                push_after(out, value, indent + 2);
            }
        }
        Value::Array(items) => {
            for item in items {
                out.push_str(&format!("{pad}-"));
                push_after(out, item, indent + 2);
            }
        }
        leaf => out.push_str(&format!("{pad}{}\n", plain(leaf))),
    }
}

/// Appends what follows a key or a dash.
fn push_after(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            push(out, value, indent);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            push(out, value, indent);
        }
        leaf => out.push_str(&format!(" {}\n", plain(leaf))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        // Empty mappings and lists, numbers and truth values are the same in both.
        other => other.to_string(),
    }
}

/// Quoted unless no reader could take it for something else.
fn scalar(text: &str) -> String {
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        && !matches!(
            text,
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    match word {
        true => text.to_owned(),
        false => Value::from(text).to_string(),
    }
}
