//! OTLP metrics to the engine's batch. A series is named by hashes of its resource, its metric and the bytes of the data
//! point's attributes; names and labels are translated (by the rules of Prometheus' OTLP endpoint) only for series the
//! store does not know. Not for the transports.

mod histogram;
mod info;
mod names;
mod points;
mod spell;
mod stated;
mod texts;
mod units;
mod values;

use std::borrow::Cow;
use std::cell::RefCell;

use kymo_engine::metrics::{
    LabelBuffer, LabelSource, LabelsFound, Metadata, MetricKind, SeriesKey, WriteBatch, series_key,
};
use kymo_proto::otlp::metrics::{Data, Metric, Points, ResourceMetrics, Scope, ScopeMetrics, Temporality};

use super::metrics::moved::take_off;
use super::metrics::{Incoming, RawLabel, Rules, Unit};
use super::{Fault, Reason, Rejects};
use crate::config::Otlp;
use names::Shape;
pub(crate) use stated::Stated;
pub(crate) use texts::Texts;
pub(super) use values::text as value_text;

/// What a request is read by.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// Time bounds and limits.
    pub(super) rules: Rules,
    /// How names and labels are made.
    pub(super) settings: &'a Otlp,
    /// Names of labels that become exemplars.
    pub(super) moved: &'a [String],
    /// Series get the labels `__type__` and `__unit__`.
    pub(super) type_and_unit: bool,
    /// How far queries look back: samples about resources stand half as far apart.
    pub(super) lookback_ms: i64,
    /// Keeps the names that metadata is stated under.
    pub(super) texts: &'a Texts,
    /// What was stated lately.
    pub(super) stated: &'a Stated,
    /// Hash of whose data it is.
    pub(super) tenant_hash: u128,
    /// Milliseconds since 1970.
    pub(super) now_ms: i64,
}

/// A decoded request. The same body in the same context always gives the same series in the same order.
pub(super) struct Request<'a> {
    batch: WriteBatch<'a>,
    rows: Vec<Row>,
    metrics: Vec<MetricRow<'a>>,
    scopes: Vec<ScopeRow<'a>>,
    resources: Vec<Cow<'a, [u8]>>,
    /// The attributes of each data point, by its number.
    points: Vec<Cow<'a, [u8]>>,
    context: Context<'a>,
    rejects: RefCell<Rejects>,
    scratch: Vec<u8>,
    span: TimeSpan,
}

/// A series of the batch.
struct Row {
    part: Part,
    /// The data point it comes from.
    point: u32,
}

/// What a series is of its metric.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    /// The value of a point of metric number so-and-so.
    Value(u32),
    /// The sum of a histogram or summary.
    Sum(u32),
    /// Its count.
    Count(u32),
    /// A bucket with its upper bound.
    Bucket(u32, f64),
    /// A quantile.
    Quantile(u32, f64),
    /// `target_info` of a resource.
    Target(u32),
    /// `otel_scope_info` of a scope.
    Scope(u32),
}

struct MetricRow<'a> {
    scope: u32,
    name: &'a [u8],
    unit: &'a [u8],
    shape: Shape,
    kind: MetricKind,
}

struct ScopeRow<'a> {
    resource: u32,
    scope: Scope<'a>,
    schema_url: &'a [u8],
}

/// First and last time of points, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct TimeSpan {
    first: i64,
    last: i64,
}

impl TimeSpan {
    const EMPTY: TimeSpan = TimeSpan {
        first: i64::MAX,
        last: i64::MIN,
    };

    fn add(&mut self, first: i64, last: i64) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

/// What the points of a metric have in common.
#[derive(Clone, Copy)]
struct Of {
    metric: u32,
    /// Hash of everything that names the metric.
    hash: SeriesKey,
    delta: bool,
}

impl<'a> Request<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of the schema.
    pub(super) fn read(body: &'a [u8], context: Context<'a>) -> Result<Request<'a>, Fault> {
        let mut request = Request {
            batch: WriteBatch::default(),
            rows: Vec::new(),
            metrics: Vec::new(),
            scopes: Vec::new(),
            resources: Vec::new(),
            points: Vec::new(),
            context,
            rejects: RefCell::default(),
            scratch: Vec::new(),
            span: TimeSpan::EMPTY,
        };
        let mut resources = kymo_proto::otlp::metrics::Request::new(body);
        while let Some(resource) = resources.next_resource()? {
            request.add_resource(resource)?;
        }
        Ok(request)
    }

    fn add_resource(&mut self, mut resource: ResourceMetrics<'a>) -> kymo_proto::Result<()> {
        let number = self.resources.len() as u32;
        let hash = series_key(&resource.attributes);
        self.resources.push(std::mem::take(&mut resource.attributes));
        let mut span = TimeSpan::EMPTY;
        while let Some(scope) = resource.next_scope()? {
            self.span = TimeSpan::EMPTY;
            self.add_scope(scope, number, hash)?;
            span.add(self.span.first, self.span.last);
        }
        self.add_target_info(number, hash, span)
    }

    fn add_scope(
        &mut self,
        mut found: ScopeMetrics<'a>,
        resource: u32,
        hash: SeriesKey,
    ) -> kymo_proto::Result<()> {
        let number = self.scopes.len() as u32;
        let scope = std::mem::take(&mut found.scope);
        // A scope that is no part of the labels must not part series.
        let promoted = self.context.settings.promote_scope;
        let hash = if promoted || !scope.attributes.is_empty() {
            self.scope_hash(&scope, found.schema_url, hash)
        } else {
            hash
        };
        self.scopes.push(ScopeRow {
            resource,
            scope,
            schema_url: found.schema_url,
        });
        while let Some(metric) = found.next_metric()? {
            self.add_metric(metric, number, hash)?;
        }
        self.add_scope_info(number, hash);
        Ok(())
    }

    fn scope_hash(&mut self, scope: &Scope<'_>, schema_url: &[u8], resource: SeriesKey) -> SeriesKey {
        self.scratch.clear();
        self.scratch.extend_from_slice(&resource.to_le_bytes());
        for text in [scope.name, scope.version, schema_url, &scope.attributes] {
            self.scratch.extend_from_slice(&(text.len() as u64).to_le_bytes());
            self.scratch.extend_from_slice(text);
        }
        series_key(&self.scratch)
    }

    fn add_metric(&mut self, metric: Metric<'a>, scope: u32, hash: SeriesKey) -> kymo_proto::Result<()> {
        let (shape, kind, points) = match &metric.data {
            Data::Absent => return Ok(()),
            Data::Gauge(points) => (Shape::Gauge, MetricKind::Gauge, points),
            Data::Sum(points) if points.monotonic => (Shape::Counter, MetricKind::Counter, points),
            Data::Sum(points) => (Shape::Other, MetricKind::Gauge, points),
            Data::Histogram(points) | Data::Exponential(points) => {
                (Shape::Other, MetricKind::Histogram, points)
            }
            Data::Summary(points) => (Shape::Other, MetricKind::Summary, points),
        };
        let of = Of {
            metric: self.metrics.len() as u32,
            hash: self.metric_hash(&metric, points, hash),
            delta: points.temporality == Temporality::Delta,
        };
        self.metrics.push(MetricRow {
            scope,
            name: metric.name,
            unit: metric.unit,
            shape,
            kind,
        });
        self.state(&metric, shape, kind);
        self.add_points(metric.data, of)
    }

    fn metric_hash(&mut self, metric: &Metric<'_>, points: &Points<'_>, hash: SeriesKey) -> SeriesKey {
        let kind = match &metric.data {
            Data::Absent => 0,
            Data::Gauge(_) => 1,
            Data::Sum(_) => 2,
            Data::Histogram(_) => 3,
            Data::Exponential(_) => 4,
            Data::Summary(_) => 5,
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(&hash.to_le_bytes());
        self.scratch
            .extend_from_slice(&[kind, points.temporality as u8, u8::from(points.monotonic)]);
        self.scratch
            .extend_from_slice(&(metric.name.len() as u64).to_le_bytes());
        self.scratch.extend_from_slice(metric.name);
        self.scratch.extend_from_slice(metric.unit);
        series_key(&self.scratch)
    }

    /// States type, help and unit of a metric, unless that was done lately.
    fn state(&mut self, metric: &Metric<'a>, shape: Shape, kind: MetricKind) {
        let context = self.context;
        self.scratch.clear();
        self.scratch.push(kind as u8);
        for text in [metric.name, metric.unit, metric.description] {
            self.scratch.extend_from_slice(&(text.len() as u64).to_le_bytes());
            self.scratch.extend_from_slice(text);
        }
        if !context
            .stated
            .is_due(series_key(&self.scratch) ^ context.tenant_hash, context.now_ms)
        {
            return;
        }
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok();
        let (Some(name), Some(unit), Some(help)) =
            (text(metric.name), text(metric.unit), text(metric.description))
        else {
            return;
        };
        let strategy = context.settings.strategy;
        let family = names::metric(strategy, name, unit, shape);
        if family.is_empty() {
            return;
        }
        let (family, next) = context.texts.keep(family);
        let (unit, next) = next.keep(names::unit(strategy, unit));
        self.context.texts = next;
        self.batch.metadata.push(Metadata {
            family,
            kind,
            help,
            unit,
        });
    }

    fn add_points(&mut self, data: Data<'a>, of: Of) -> kymo_proto::Result<()> {
        match data {
            Data::Absent => Ok(()),
            Data::Gauge(points) => self.add_numbers(points, of, true),
            Data::Sum(points) => {
                let said = points.temporality != Temporality::Unspecified;
                self.add_numbers(points, of, said)
            }
            Data::Histogram(points) => self.add_histograms(points, of),
            Data::Exponential(points) => self.add_exponentials(points, of),
            Data::Summary(points) => self.add_summaries(points, of),
        }
    }

    /// True for what adds up: counts and sums, not what was measured or where quantiles lie.
    fn is_part(&self, part: Part) -> bool {
        match part {
            Part::Value(metric) => self.metrics[metric as usize].shape != Shape::Gauge,
            Part::Sum(_) | Part::Count(_) | Part::Bucket(..) => true,
            Part::Quantile(..) | Part::Target(_) | Part::Scope(_) => false,
        }
    }

    /// Refuses a data point.
    fn refuse(&mut self, point: u32, of: Of, reason: Reason, text: &str) {
        let name = self.metrics[of.metric as usize].name;
        self.rejects.get_mut().add_point(point, reason, || {
            format!("{}: {text}", String::from_utf8_lossy(name))
        });
    }
}

impl LabelSource for Request<'_> {
    fn labels(&self, series: u32, out: &mut LabelBuffer) -> LabelsFound {
        let row = &self.rows[series as usize];
        let checked = self.spell(row).and_then(|labels| {
            let raw: Vec<RawLabel<'_>> = labels.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
            let rules = &self.context.rules;
            rules
                .check_labels(&raw, out)
                .map_err(|reason| (reason, super::metrics::sent_text(&raw)))?;
            let sent = self.batch.series_at(series as usize);
            let mut rejects = self.rejects.borrow_mut();
            Ok(take_off(
                self.context.moved,
                self.is_part(row.part),
                sent,
                &raw,
                &mut rejects,
                out,
            ))
        });
        match checked {
            Ok(found) => found,
            Err((reason, text)) => {
                if row.point != info::NO_POINT {
                    self.rejects.borrow_mut().add_point(row.point, reason, || text);
                }
                LabelsFound::Refused
            }
        }
    }
}

impl Incoming for Request<'_> {
    fn batch(&self) -> &WriteBatch<'_> {
        &self.batch
    }

    fn take_rejects(&self) -> Rejects {
        self.rejects.take()
    }

    fn unit(&self, series: u32) -> Unit {
        match self.rows[series as usize].point {
            info::NO_POINT => Unit::Nothing,
            point => Unit::Point(point),
        }
    }
}

#[cfg(test)]
mod tests;
