//! Switches for what Prometheus keeps behind feature flags, under the flags' names and with the flags' defaults.

use super::Key;
use super::values::{on_off, on_off_text};

macro_rules! feature {
    ($name:ident, $doc:literal) => {
        Key {
            path: concat!("features.", stringify!($name)),
            default: "off",
            doc: $doc,
            list: false,
            apply: |c, v| on_off(v).map(|v| c.features.$name = v),
            show: |c| on_off_text(c.features.$name),
        }
    };
}

pub(super) const KEYS: &[Key] = &[
    feature!(
        promql_experimental_functions,
        "`on` accepts the functions and aggregations that Prometheus marks experimental."
    ),
    feature!(
        promql_extended_range_selectors,
        "`on` accepts the modifiers `anchored` and `smoothed`."
    ),
    feature!(
        promql_binop_fill_modifiers,
        "`on` accepts the modifiers `fill`, `fill_left` and `fill_right` of operators."
    ),
    feature!(
        promql_delayed_name_removal,
        "`on` drops metric names at the end of a query instead of in each function."
    ),
    feature!(
        promql_per_step_stats,
        "`on` lets `stats=all` answer samples by step."
    ),
    feature!(
        use_start_timestamps,
        "`on` lets functions over counters take resets from start timestamps beside the values."
    ),
    feature!(
        type_and_unit_labels,
        "`on` gives series the labels `__type__` and `__unit__` where their writer states type and unit with them (OTLP, remote write 2.0)."
    ),
    feature!(search_api, "`on` serves `/api/v1/search/*`."),
];
