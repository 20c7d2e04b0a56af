//! Keys of what questions about logs may ask for, and of deleting lines.

use super::Key;
use super::values::{count, deletion_mode, duration, positive_duration};
use crate::units::duration_text;

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "logs.max_entries",
        default: "5000",
        doc: "Most lines of an answer of Loki's API (`max_entries_limit_per_query`); 0 for no limit.",
        list: false,
        apply: |c, v| count(v, 0, 1_000_000_000).map(|v| c.logs.asking.entries_max = v),
        show: |c| c.logs.asking.entries_max.to_string(),
    },
    Key {
        path: "logs.max_series",
        default: "500",
        doc: "Most series of an answer of Loki's API (`max_query_series`), counted in the answer and not on the way to it.",
        list: false,
        apply: |c, v| count(v, 1, 1_000_000_000).map(|v| c.logs.asking.series_max = v),
        show: |c| c.logs.asking.series_max.to_string(),
    },
    Key {
        path: "logs.tails",
        default: "10",
        doc: "Most tails at a time (`max_concurrent_tail_requests`).",
        list: false,
        apply: |c, v| count(v, 0, 10_000).map(|v| c.logs.asking.tails_max = v),
        show: |c| c.logs.asking.tails_max.to_string(),
    },
    Key {
        path: "logs.tail_time",
        default: "1h",
        doc: "Longest time of a tail (`tail_max_duration`).",
        list: false,
        apply: |c, v| positive_duration(v).map(|v| c.logs.asking.tail_ms_max = v),
        show: |c| duration_text(c.logs.asking.tail_ms_max),
    },
    Key {
        path: "logs.deletion",
        default: "filter-and-delete",
        doc: "What `/loki/api/v1/delete` does (`deletion_mode`): `filter-and-delete` hides lines at once and takes them out of the blocks later, `filter-only` hides them, `disabled` refuses.",
        list: false,
        apply: |c, v| deletion_mode(v).map(|v| c.logs.deletion.mode = v),
        show: |c| c.logs.deletion.mode.as_str().to_owned(),
    },
    Key {
        path: "logs.delete_cancel_period",
        default: "24h",
        doc: "How long a deletion may be taken back before the lines are taken out of the blocks (`delete_request_cancel_period`).",
        list: false,
        apply: |c, v| duration(v).map(|v| c.logs.deletion.cancel_ms = v),
        show: |c| duration_text(c.logs.deletion.cancel_ms),
    },
];
