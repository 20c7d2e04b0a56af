//! From the borrowing views back to the structs of `opentelemetry-proto`, so that the two decoders can be compared.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{self as common, InstrumentationScope};
use opentelemetry_proto::tonic::metrics::v1 as otel;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets as OtelBuckets;
use opentelemetry_proto::tonic::metrics::v1::{exemplar, metric, number_data_point, summary_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::super::*;
use crate::otlp::{AnyValue, KeyValues};

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn request(body: &[u8]) -> Result<ExportMetricsServiceRequest> {
    let mut request = Request::new(body);
    let mut resource_metrics = Vec::new();
    while let Some(mut resource) = request.next_resource()? {
        let mut scope_metrics = Vec::new();
        while let Some(mut scope) = resource.next_scope()? {
            let mut metrics = Vec::new();
            while let Some(found) = scope.next_metric()? {
                metrics.push(metric(found)?);
            }
            scope_metrics.push(otel::ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: text(scope.scope.name),
                    version: text(scope.scope.version),
                    attributes: key_values(KeyValues::new(&scope.scope.attributes))?,
                    dropped_attributes_count: 0,
                }),
                metrics,
                schema_url: text(scope.schema_url),
            });
        }
        resource_metrics.push(otel::ResourceMetrics {
            resource: Some(Resource {
                attributes: key_values(KeyValues::new(&resource.attributes))?,
                ..Resource::default()
            }),
            scope_metrics,
            schema_url: text(resource.schema_url),
        });
    }
    Ok(ExportMetricsServiceRequest { resource_metrics })
}

fn metric(found: Metric<'_>) -> Result<otel::Metric> {
    let temporality = |points: &Points<'_>| match points.temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    };
    let data = match found.data {
        Data::Absent => None,
        Data::Gauge(mut p) => Some(metric::Data::Gauge(otel::Gauge {
            data_points: numbers(&mut p)?,
        })),
        Data::Sum(mut p) => Some(metric::Data::Sum(otel::Sum {
            data_points: numbers(&mut p)?,
            aggregation_temporality: temporality(&p),
            is_monotonic: p.monotonic,
        })),
        Data::Histogram(mut p) => Some(metric::Data::Histogram(otel::Histogram {
            data_points: histograms(&mut p)?,
            aggregation_temporality: temporality(&p),
        })),
        Data::Exponential(mut p) => Some(metric::Data::ExponentialHistogram(otel::ExponentialHistogram {
            data_points: exponentials(&mut p)?,
            aggregation_temporality: temporality(&p),
        })),
        Data::Summary(mut p) => Some(metric::Data::Summary(otel::Summary {
            data_points: summaries(&mut p)?,
        })),
    };
    Ok(otel::Metric {
        name: text(found.name),
        description: text(found.description),
        unit: text(found.unit),
        metadata: key_values(KeyValues::new(&found.metadata))?,
        data,
    })
}

fn numbers(points: &mut Points<'_>) -> Result<Vec<otel::NumberDataPoint>> {
    let mut out = Vec::new();
    while let Some(p) = points.next_number()? {
        out.push(otel::NumberDataPoint {
            attributes: key_values(KeyValues::new(&p.attributes))?,
            start_time_unix_nano: p.start,
            time_unix_nano: p.time,
            exemplars: exemplars(&p.exemplars)?,
            flags: p.flags as u32,
            value: match p.value {
                Number::Absent => None,
                Number::Int(n) => Some(number_data_point::Value::AsInt(n)),
                Number::Double(n) => Some(number_data_point::Value::AsDouble(n)),
            },
        });
    }
    Ok(out)
}

fn histograms(points: &mut Points<'_>) -> Result<Vec<otel::HistogramDataPoint>> {
    let mut out = Vec::new();
    while let Some(p) = points.next_histogram()? {
        out.push(otel::HistogramDataPoint {
            attributes: key_values(KeyValues::new(&p.attributes))?,
            start_time_unix_nano: p.start,
            time_unix_nano: p.time,
            count: p.count,
            sum: p.sum,
            bucket_counts: p.bucket_counts,
            explicit_bounds: p.bounds,
            exemplars: exemplars(&p.exemplars)?,
            flags: p.flags as u32,
            min: p.min,
            max: p.max,
        });
    }
    Ok(out)
}

fn exponentials(points: &mut Points<'_>) -> Result<Vec<otel::ExponentialHistogramDataPoint>> {
    let buckets = |b: Buckets| {
        Some(OtelBuckets {
            offset: b.offset,
            bucket_counts: b.counts,
        })
    };
    let mut out = Vec::new();
    while let Some(p) = points.next_exponential()? {
        out.push(otel::ExponentialHistogramDataPoint {
            attributes: key_values(KeyValues::new(&p.attributes))?,
            start_time_unix_nano: p.start,
            time_unix_nano: p.time,
            count: p.count,
            sum: p.sum,
            scale: p.scale,
            zero_count: p.zero_count,
            positive: buckets(p.positive),
            negative: buckets(p.negative),
            flags: p.flags as u32,
            exemplars: exemplars(&p.exemplars)?,
            min: p.min,
            max: p.max,
            zero_threshold: p.zero_threshold,
        });
    }
    Ok(out)
}

fn summaries(points: &mut Points<'_>) -> Result<Vec<otel::SummaryDataPoint>> {
    let mut out = Vec::new();
    while let Some(p) = points.next_summary()? {
        let quantile = |(quantile, value)| summary_data_point::ValueAtQuantile { quantile, value };
        out.push(otel::SummaryDataPoint {
            attributes: key_values(KeyValues::new(&p.attributes))?,
            start_time_unix_nano: p.start,
            time_unix_nano: p.time,
            count: p.count,
            sum: p.sum,
            quantile_values: p.quantiles.into_iter().map(quantile).collect(),
            flags: p.flags as u32,
        });
    }
    Ok(out)
}

fn exemplars(all: &[Exemplar<'_>]) -> Result<Vec<otel::Exemplar>> {
    let one = |e: &Exemplar<'_>| {
        Ok(otel::Exemplar {
            filtered_attributes: key_values(KeyValues::new(&e.attributes))?,
            time_unix_nano: e.time,
            span_id: e.span_id.to_vec(),
            trace_id: e.trace_id.to_vec(),
            value: match e.value {
                Number::Absent => None,
                Number::Int(n) => Some(exemplar::Value::AsInt(n)),
                Number::Double(n) => Some(exemplar::Value::AsDouble(n)),
            },
        })
    };
    all.iter().map(one).collect()
}

pub(crate) fn key_values(mut all: KeyValues<'_>) -> Result<Vec<common::KeyValue>> {
    let mut out = Vec::new();
    while let Some(found) = all.next_value()? {
        out.push(common::KeyValue {
            key: text(found.key),
            value: Some(any_value(found.value)?),
            key_strindex: 0,
        });
    }
    Ok(out)
}

pub(crate) fn any_value(value: AnyValue<'_>) -> Result<common::AnyValue> {
    let value = match value {
        AnyValue::Empty => None,
        AnyValue::String(bytes) => Some(Value::StringValue(text(bytes))),
        AnyValue::Bool(b) => Some(Value::BoolValue(b)),
        AnyValue::Int(n) => Some(Value::IntValue(n)),
        AnyValue::Double(n) => Some(Value::DoubleValue(n)),
        AnyValue::Bytes(bytes) => Some(Value::BytesValue(bytes.to_vec())),
        AnyValue::Map(map) => Some(Value::KvlistValue(common::KeyValueList {
            values: key_values(map)?,
        })),
        AnyValue::Array(mut array) => {
            let mut values = Vec::new();
            while let Some(value) = array.next_value()? {
                values.push(any_value(value)?);
            }
            Some(Value::ArrayValue(common::ArrayValue { values }))
        }
    };
    Ok(common::AnyValue { value })
}
