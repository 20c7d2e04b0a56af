//! Keys of what surrounds the data: logs and browsers.

use super::Key;
use super::values::{cors_origin, log_format, log_level, on_off, route_prefix};

pub(super) const KEYS: &[Key] = &[
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
        path: "web.route_prefix",
        default: "",
        doc: "Path before all routes of the main listener; empty takes that of `web.external_url`, `/` is none.",
        list: false,
        apply: |c, v| route_prefix(v).map(|v| c.web.route_prefix = v),
        show: |c| c.web.route_prefix.clone(),
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
