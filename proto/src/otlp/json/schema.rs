//! The messages of opentelemetry-proto as tables: JSON name, field number and type.

/// The fields of a message.
pub(super) struct Schema(pub(super) &'static [Field]);

/// One field.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
    /// One of several, whose default says something, too.
    pub(super) chosen: bool,
}

/// How a field is written in both forms.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    String,
    Base64,
    Hex,
    Bool,
    Varint,
    Zigzag,
    Fixed64,
    Fixed32,
    Double,
    /// With the names of its numbers 0, 1, ...
    Enum(&'static [&'static str]),
    Message(&'static Schema),
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        number,
        kind,
        repeated: false,
        chosen: false,
    }
}

/// A field that is one of several, so that its default says something, too.
const fn chosen(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        chosen: true,
        ..one(number, name, kind)
    }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        number,
        kind,
        repeated: true,
        chosen: false,
    }
}

const TEMPORALITY: Kind = Kind::Enum(&[
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
]);

const SPAN_KIND: Kind = Kind::Enum(&[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
]);

const STATUS_CODE: Kind = Kind::Enum(&["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]);

pub(super) static METRICS_REQUEST: Schema =
    Schema(&[many(1, "resourceMetrics", Kind::Message(&RESOURCE_METRICS))]);

static RESOURCE_METRICS: Schema = Schema(&[
    one(1, "resource", Kind::Message(&RESOURCE)),
    many(2, "scopeMetrics", Kind::Message(&SCOPE_METRICS)),
    one(3, "schemaUrl", Kind::String),
]);

static RESOURCE: Schema = Schema(&[
    many(1, "attributes", Kind::Message(&KEY_VALUE)),
    one(2, "droppedAttributesCount", Kind::Varint),
    many(3, "entityRefs", Kind::Message(&ENTITY_REF)),
]);

static ENTITY_REF: Schema = Schema(&[
    one(1, "schemaUrl", Kind::String),
    one(2, "type", Kind::String),
    many(3, "idKeys", Kind::String),
    many(4, "descriptionKeys", Kind::String),
]);

static SCOPE_METRICS: Schema = Schema(&[
    one(1, "scope", Kind::Message(&SCOPE)),
    many(2, "metrics", Kind::Message(&METRIC)),
    one(3, "schemaUrl", Kind::String),
]);

static SCOPE: Schema = Schema(&[
    one(1, "name", Kind::String),
    one(2, "version", Kind::String),
    many(3, "attributes", Kind::Message(&KEY_VALUE)),
    one(4, "droppedAttributesCount", Kind::Varint),
]);

static METRIC: Schema = Schema(&[
    one(1, "name", Kind::String),
    one(2, "description", Kind::String),
    one(3, "unit", Kind::String),
    one(5, "gauge", Kind::Message(&GAUGE)),
    one(7, "sum", Kind::Message(&SUM)),
    one(9, "histogram", Kind::Message(&HISTOGRAM)),
    one(10, "exponentialHistogram", Kind::Message(&EXPONENTIAL)),
    one(11, "summary", Kind::Message(&SUMMARY)),
    many(12, "metadata", Kind::Message(&KEY_VALUE)),
]);

static GAUGE: Schema = Schema(&[many(1, "dataPoints", Kind::Message(&NUMBER_POINT))]);

static SUM: Schema = Schema(&[
    many(1, "dataPoints", Kind::Message(&NUMBER_POINT)),
    one(2, "aggregationTemporality", TEMPORALITY),
    one(3, "isMonotonic", Kind::Bool),
]);

static HISTOGRAM: Schema = Schema(&[
    many(1, "dataPoints", Kind::Message(&HISTOGRAM_POINT)),
    one(2, "aggregationTemporality", TEMPORALITY),
]);

static EXPONENTIAL: Schema = Schema(&[
    many(1, "dataPoints", Kind::Message(&EXPONENTIAL_POINT)),
    one(2, "aggregationTemporality", TEMPORALITY),
]);

static SUMMARY: Schema = Schema(&[many(1, "dataPoints", Kind::Message(&SUMMARY_POINT))]);

static NUMBER_POINT: Schema = Schema(&[
    one(2, "startTimeUnixNano", Kind::Fixed64),
    one(3, "timeUnixNano", Kind::Fixed64),
    chosen(4, "asDouble", Kind::Double),
    many(5, "exemplars", Kind::Message(&EXEMPLAR)),
    chosen(6, "asInt", Kind::Fixed64),
    many(7, "attributes", Kind::Message(&KEY_VALUE)),
    one(8, "flags", Kind::Varint),
]);

static HISTOGRAM_POINT: Schema = Schema(&[
    one(2, "startTimeUnixNano", Kind::Fixed64),
    one(3, "timeUnixNano", Kind::Fixed64),
    one(4, "count", Kind::Fixed64),
    one(5, "sum", Kind::Double),
    many(6, "bucketCounts", Kind::Fixed64),
    many(7, "explicitBounds", Kind::Double),
    many(8, "exemplars", Kind::Message(&EXEMPLAR)),
    many(9, "attributes", Kind::Message(&KEY_VALUE)),
    one(10, "flags", Kind::Varint),
    one(11, "min", Kind::Double),
    one(12, "max", Kind::Double),
]);

static EXPONENTIAL_POINT: Schema = Schema(&[
    many(1, "attributes", Kind::Message(&KEY_VALUE)),
    one(2, "startTimeUnixNano", Kind::Fixed64),
    one(3, "timeUnixNano", Kind::Fixed64),
    one(4, "count", Kind::Fixed64),
    one(5, "sum", Kind::Double),
    one(6, "scale", Kind::Zigzag),
    one(7, "zeroCount", Kind::Fixed64),
    one(8, "positive", Kind::Message(&BUCKETS)),
    one(9, "negative", Kind::Message(&BUCKETS)),
    one(10, "flags", Kind::Varint),
    many(11, "exemplars", Kind::Message(&EXEMPLAR)),
    one(12, "min", Kind::Double),
    one(13, "max", Kind::Double),
    one(14, "zeroThreshold", Kind::Double),
]);

static BUCKETS: Schema = Schema(&[
    one(1, "offset", Kind::Zigzag),
    many(2, "bucketCounts", Kind::Varint),
]);

static SUMMARY_POINT: Schema = Schema(&[
    one(2, "startTimeUnixNano", Kind::Fixed64),
    one(3, "timeUnixNano", Kind::Fixed64),
    one(4, "count", Kind::Fixed64),
    one(5, "sum", Kind::Double),
    many(6, "quantileValues", Kind::Message(&QUANTILE)),
    many(7, "attributes", Kind::Message(&KEY_VALUE)),
    one(8, "flags", Kind::Varint),
]);

static QUANTILE: Schema = Schema(&[one(1, "quantile", Kind::Double), one(2, "value", Kind::Double)]);

static EXEMPLAR: Schema = Schema(&[
    one(2, "timeUnixNano", Kind::Fixed64),
    chosen(3, "asDouble", Kind::Double),
    one(4, "spanId", Kind::Hex),
    one(5, "traceId", Kind::Hex),
    chosen(6, "asInt", Kind::Fixed64),
    many(7, "filteredAttributes", Kind::Message(&KEY_VALUE)),
]);

pub(super) static TRACE_REQUEST: Schema = Schema(&[many(1, "resourceSpans", Kind::Message(&RESOURCE_SPANS))]);

static RESOURCE_SPANS: Schema = Schema(&[
    one(1, "resource", Kind::Message(&RESOURCE)),
    many(2, "scopeSpans", Kind::Message(&SCOPE_SPANS)),
    one(3, "schemaUrl", Kind::String),
]);

static SCOPE_SPANS: Schema = Schema(&[
    one(1, "scope", Kind::Message(&SCOPE)),
    many(2, "spans", Kind::Message(&SPAN)),
    one(3, "schemaUrl", Kind::String),
]);

static SPAN: Schema = Schema(&[
    one(1, "traceId", Kind::Hex),
    one(2, "spanId", Kind::Hex),
    one(3, "traceState", Kind::String),
    one(4, "parentSpanId", Kind::Hex),
    one(5, "name", Kind::String),
    one(6, "kind", SPAN_KIND),
    one(7, "startTimeUnixNano", Kind::Fixed64),
    one(8, "endTimeUnixNano", Kind::Fixed64),
    many(9, "attributes", Kind::Message(&KEY_VALUE)),
    one(10, "droppedAttributesCount", Kind::Varint),
    many(11, "events", Kind::Message(&EVENT)),
    one(12, "droppedEventsCount", Kind::Varint),
    many(13, "links", Kind::Message(&LINK)),
    one(14, "droppedLinksCount", Kind::Varint),
    one(15, "status", Kind::Message(&STATUS)),
    one(16, "flags", Kind::Fixed32),
]);

static EVENT: Schema = Schema(&[
    one(1, "timeUnixNano", Kind::Fixed64),
    one(2, "name", Kind::String),
    many(3, "attributes", Kind::Message(&KEY_VALUE)),
    one(4, "droppedAttributesCount", Kind::Varint),
]);

static LINK: Schema = Schema(&[
    one(1, "traceId", Kind::Hex),
    one(2, "spanId", Kind::Hex),
    one(3, "traceState", Kind::String),
    many(4, "attributes", Kind::Message(&KEY_VALUE)),
    one(5, "droppedAttributesCount", Kind::Varint),
    one(6, "flags", Kind::Fixed32),
]);

static STATUS: Schema = Schema(&[one(2, "message", Kind::String), one(3, "code", STATUS_CODE)]);

const SEVERITY: Kind = Kind::Enum(&[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
]);

pub(super) static LOGS_REQUEST: Schema = Schema(&[many(1, "resourceLogs", Kind::Message(&RESOURCE_LOGS))]);

static RESOURCE_LOGS: Schema = Schema(&[
    one(1, "resource", Kind::Message(&RESOURCE)),
    many(2, "scopeLogs", Kind::Message(&SCOPE_LOGS)),
    one(3, "schemaUrl", Kind::String),
]);

static SCOPE_LOGS: Schema = Schema(&[
    one(1, "scope", Kind::Message(&SCOPE)),
    many(2, "logRecords", Kind::Message(&LOG_RECORD)),
    one(3, "schemaUrl", Kind::String),
]);

static LOG_RECORD: Schema = Schema(&[
    one(1, "timeUnixNano", Kind::Fixed64),
    one(2, "severityNumber", SEVERITY),
    one(3, "severityText", Kind::String),
    one(5, "body", Kind::Message(&ANY_VALUE)),
    many(6, "attributes", Kind::Message(&KEY_VALUE)),
    one(7, "droppedAttributesCount", Kind::Varint),
    one(8, "flags", Kind::Fixed32),
    one(9, "traceId", Kind::Hex),
    one(10, "spanId", Kind::Hex),
    one(11, "observedTimeUnixNano", Kind::Fixed64),
    one(12, "eventName", Kind::String),
]);

static KEY_VALUE: Schema = Schema(&[
    one(1, "key", Kind::String),
    one(2, "value", Kind::Message(&ANY_VALUE)),
]);

static ANY_VALUE: Schema = Schema(&[
    chosen(1, "stringValue", Kind::String),
    chosen(2, "boolValue", Kind::Bool),
    chosen(3, "intValue", Kind::Varint),
    chosen(4, "doubleValue", Kind::Double),
    chosen(5, "arrayValue", Kind::Message(&ARRAY)),
    chosen(6, "kvlistValue", Kind::Message(&MAP)),
    chosen(7, "bytesValue", Kind::Base64),
]);

static ARRAY: Schema = Schema(&[many(1, "values", Kind::Message(&ANY_VALUE))]);

static MAP: Schema = Schema(&[many(1, "values", Kind::Message(&KEY_VALUE))]);
