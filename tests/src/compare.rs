//! Whether two query results say the same: labels exactly, times exactly, values within a relative tolerance.

use serde_json::Value;

/// The first difference between `got` and `wanted` (each with `resultType` and `result`), `None` when they agree.
/// Vectors and matrices are compared by labels, not by order.
pub fn difference(got: &Value, wanted: &Value, tolerance: f64) -> Option<String> {
    if got["resultType"] != wanted["resultType"] {
        return Some(format!(
            "type {} instead of {}",
            got["resultType"], wanted["resultType"]
        ));
    }
    let (got, wanted) = (&got["result"], &wanted["result"]);
    match (got.as_array(), wanted.as_array()) {
        (Some(g), Some(w)) if w.first().or(g.first()).is_some_and(Value::is_object) => {
            series(g, w, tolerance)
        }
        _ => same_points(
            &Value::from(vec![got.clone()]),
            &Value::from(vec![wanted.clone()]),
            tolerance,
        )
        .then_some(())
        .map_or_else(|| Some(format!("{got} instead of {wanted}")), |()| None),
    }
}

fn series(got: &[Value], wanted: &[Value], tolerance: f64) -> Option<String> {
    let sorted = |all: &[Value]| {
        let mut keyed: Vec<(String, Value)> = all.iter().map(|s| (key(s), s.clone())).collect();
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed
    };
    let (got, wanted) = (sorted(got), sorted(wanted));
    let keys = |all: &[(String, Value)]| all.iter().map(|(k, _)| k.clone()).collect::<Vec<_>>();
    if keys(&got) != keys(&wanted) {
        return Some(format!(
            "{} series instead of {}; first of either alone: {:?} / {:?}",
            got.len(),
            wanted.len(),
            got.iter()
                .find(|(k, _)| !wanted.iter().any(|(w, _)| w == k))
                .map(|(k, _)| k),
            wanted
                .iter()
                .find(|(k, _)| !got.iter().any(|(g, _)| g == k))
                .map(|(k, _)| k),
        ));
    }
    for ((key, got), (_, wanted)) in got.iter().zip(&wanted) {
        for name in ["value", "values"] {
            let (g, w) = (&got[name], &wanted[name]);
            let (g, w) = if name == "value" {
                (Value::from(vec![g.clone()]), Value::from(vec![w.clone()]))
            } else {
                (g.clone(), w.clone())
            };
            if !same_points(&g, &w, tolerance) {
                return Some(format!("{key}: {g} instead of {w}"));
            }
        }
    }
    None
}

fn key(series: &Value) -> String {
    let labels: std::collections::BTreeMap<_, _> =
        series["metric"].as_object().into_iter().flatten().collect();
    format!("{labels:?}")
}

fn same_points(got: &Value, wanted: &Value, tolerance: f64) -> bool {
    let (Some(got), Some(wanted)) = (got.as_array(), wanted.as_array()) else {
        return got == wanted;
    };
    got.len() == wanted.len() && got.iter().zip(wanted).all(|(g, w)| same_point(g, w, tolerance))
}

fn same_point(got: &Value, wanted: &Value, tolerance: f64) -> bool {
    if got == wanted {
        return true;
    }
    let number = |v: &Value| v[1].as_str().and_then(|text| text.parse::<f64>().ok());
    let time = |v: &Value| v[0].as_f64();
    match (time(got), time(wanted), number(got), number(wanted)) {
        (Some(gt), Some(wt), Some(g), Some(w)) if gt == wt => close(g, w, tolerance),
        _ => false,
    }
}

/// Equal within a relative tolerance; not-a-number equals itself.
pub fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * a.abs().max(b.abs())
}
