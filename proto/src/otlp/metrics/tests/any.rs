//! Requests of every shape, drawn from a number.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::*;
use opentelemetry_proto::tonic::resource::v1::Resource;

/// A source of numbers that look random.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 29)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn many<T>(&mut self, max: u64, mut one: impl FnMut(&mut Dice) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| one(self)).collect()
    }

    /// A number of any magnitude.
    pub(crate) fn int(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }

    fn double(&mut self) -> f64 {
        match self.below(4) {
            0 => 0.0,
            1 => self.int() as f64,
            2 => -(self.int() as f64) / 7.0,
            _ => self.below(1000) as f64 / 10.0,
        }
    }

    fn maybe(&mut self) -> Option<f64> {
        (self.below(2) == 0).then(|| self.double())
    }

    pub(crate) fn text(&mut self) -> String {
        let n = self.below(1000);
        ["", "a", "service.name", "\u{e4}"][self.below(4) as usize].to_owned() + &n.to_string()
    }

    pub(crate) fn attributes(&mut self, depth: u64) -> Vec<KeyValue> {
        self.many(4, |d| KeyValue {
            key: d.text(),
            value: Some(d.value(depth)),
            key_strindex: 0,
        })
    }

    pub(crate) fn value(&mut self, depth: u64) -> AnyValue {
        let kinds = if depth == 0 { 5 } else { 7 };
        let value = match self.below(kinds) {
            0 => Value::StringValue(self.text()),
            1 => Value::BoolValue(self.below(2) == 0),
            2 => Value::IntValue(self.int().cast_signed()),
            3 => Value::DoubleValue(self.double()),
            4 => Value::BytesValue(self.many(4, |d| d.next() as u8)),
            5 => Value::ArrayValue(ArrayValue {
                values: self.many(3, |d| d.value(depth - 1)),
            }),
            _ => Value::KvlistValue(KeyValueList {
                values: self.attributes(depth - 1),
            }),
        };
        AnyValue { value: Some(value) }
    }

    fn exemplars(&mut self) -> Vec<Exemplar> {
        self.many(2, |d| Exemplar {
            filtered_attributes: d.attributes(0),
            time_unix_nano: d.int(),
            span_id: vec![d.next() as u8; 8],
            trace_id: vec![d.next() as u8; 16],
            value: Some(match d.below(2) {
                0 => exemplar::Value::AsInt(d.int().cast_signed()),
                _ => exemplar::Value::AsDouble(d.double()),
            }),
        })
    }

    fn numbers(&mut self) -> Vec<NumberDataPoint> {
        self.many(3, |d| NumberDataPoint {
            attributes: d.attributes(2),
            start_time_unix_nano: d.int(),
            time_unix_nano: d.int(),
            exemplars: d.exemplars(),
            flags: d.below(2) as u32,
            value: Some(match d.below(2) {
                0 => number_data_point::Value::AsInt(d.int().cast_signed()),
                _ => number_data_point::Value::AsDouble(d.double()),
            }),
        })
    }

    fn histograms(&mut self) -> Vec<HistogramDataPoint> {
        self.many(3, |d| HistogramDataPoint {
            attributes: d.attributes(1),
            start_time_unix_nano: d.int(),
            time_unix_nano: d.int(),
            count: d.int(),
            sum: d.maybe(),
            bucket_counts: d.many(5, Dice::int),
            explicit_bounds: d.many(5, Dice::double),
            exemplars: d.exemplars(),
            flags: d.below(2) as u32,
            min: d.maybe(),
            max: d.maybe(),
        })
    }

    fn exponentials(&mut self) -> Vec<ExponentialHistogramDataPoint> {
        let buckets = |d: &mut Dice| {
            Some(Buckets {
                offset: d.int() as i32,
                bucket_counts: d.many(5, Dice::int),
            })
        };
        self.many(3, |d| ExponentialHistogramDataPoint {
            attributes: d.attributes(1),
            start_time_unix_nano: d.int(),
            time_unix_nano: d.int(),
            count: d.int(),
            sum: d.maybe(),
            scale: d.below(40) as i32 - 20,
            zero_count: d.int(),
            positive: buckets(d),
            negative: buckets(d),
            flags: d.below(2) as u32,
            exemplars: d.exemplars(),
            min: d.maybe(),
            max: d.maybe(),
            zero_threshold: d.double(),
        })
    }

    fn summaries(&mut self) -> Vec<SummaryDataPoint> {
        self.many(3, |d| SummaryDataPoint {
            attributes: d.attributes(1),
            start_time_unix_nano: d.int(),
            time_unix_nano: d.int(),
            count: d.int(),
            sum: d.double(),
            quantile_values: d.many(3, |d| summary_data_point::ValueAtQuantile {
                quantile: d.double(),
                value: d.double(),
            }),
            flags: d.below(2) as u32,
        })
    }

    fn metric(&mut self) -> Metric {
        let aggregation_temporality = self.below(3) as i32;
        let data = match self.below(5) {
            0 => metric::Data::Gauge(Gauge {
                data_points: self.numbers(),
            }),
            1 => metric::Data::Sum(Sum {
                data_points: self.numbers(),
                aggregation_temporality,
                is_monotonic: self.below(2) == 0,
            }),
            2 => metric::Data::Histogram(Histogram {
                data_points: self.histograms(),
                aggregation_temporality,
            }),
            3 => metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.exponentials(),
                aggregation_temporality,
            }),
            _ => metric::Data::Summary(Summary {
                data_points: self.summaries(),
            }),
        };
        Metric {
            name: self.text(),
            description: self.text(),
            unit: self.text(),
            metadata: self.attributes(0),
            data: Some(data),
        }
    }

    /// A request.
    pub(crate) fn request(&mut self) -> ExportMetricsServiceRequest {
        let resource_metrics = self.many(2, |d| ResourceMetrics {
            resource: Some(Resource {
                attributes: d.attributes(2),
                ..Resource::default()
            }),
            scope_metrics: d.many(2, |d| ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: d.text(),
                    version: d.text(),
                    attributes: d.attributes(0),
                    dropped_attributes_count: 0,
                }),
                metrics: d.many(4, Dice::metric),
                schema_url: d.text(),
            }),
            schema_url: d.text(),
        });
        ExportMetricsServiceRequest { resource_metrics }
    }
}
