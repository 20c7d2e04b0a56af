//! OTLP bodies of the workload: a resource per target, every series a gauge whose data points have its other labels as
//! attributes. What an SDK's or a collector's export looks like, one point per series.

use kymo_proto::wire::{put_bytes, put_fixed64};

use super::wire::Places;

/// A label set as OTLP has it.
#[derive(Debug, Clone)]
pub(super) struct OtlpTemplate {
    name: String,
    /// The `attributes` fields of a `Resource`: the target.
    resource: Places,
    /// The `attributes` fields of a `NumberDataPoint`.
    attributes: Places,
}

impl OtlpTemplate {
    pub(super) fn new(labels: &[(String, String)]) -> OtlpTemplate {
        let (mut name, mut resource, mut attributes) = (String::new(), Vec::new(), Vec::new());
        for (label, value) in labels {
            match label.as_str() {
                "__name__" => name.clone_from(value),
                "job" => put_attribute(&mut resource, 1, "service.name", value),
                "instance" => put_attribute(&mut resource, 1, "service.instance.id", value),
                other => put_attribute(&mut attributes, 7, other, value),
            }
        }
        OtlpTemplate {
            name,
            resource: Places::new(resource),
            attributes: Places::new(attributes),
        }
    }
}

fn put_attribute(out: &mut Vec<u8>, field: u32, key: &str, value: &str) {
    let (mut any, mut pair) = (Vec::new(), Vec::new());
    put_bytes(&mut any, 1, value.as_bytes());
    put_bytes(&mut pair, 1, key.as_bytes());
    put_bytes(&mut pair, 2, &any);
    put_bytes(out, field, &pair);
}

/// An `ExportMetricsServiceRequest` that fills up. Neighbours of one target and one name share their messages.
#[derive(Debug, Default)]
pub(super) struct OtlpBody {
    message: Vec<u8>,
    /// The target whose metrics are being collected, and their messages.
    resource: Vec<u8>,
    metrics: Vec<u8>,
    /// The metric whose points are being collected, and their messages.
    name: String,
    points: Vec<u8>,
    part: Vec<u8>,
}

impl OtlpBody {
    pub(super) fn push(&mut self, template: &OtlpTemplate, identity: &str, time: i64, value: f64) {
        self.part.clear();
        template.resource.fill(identity, &mut self.part);
        if self.part != self.resource {
            self.close_resource();
            self.part.clear();
            template.resource.fill(identity, &mut self.part);
            self.resource.clone_from(&self.part);
        }
        if self.name != template.name {
            self.close_metric();
            self.name.clone_from(&template.name);
        }
        self.part.clear();
        put_fixed64(&mut self.part, 3, time.cast_unsigned() * 1_000_000);
        put_fixed64(&mut self.part, 4, value.to_bits());
        template.attributes.fill(identity, &mut self.part);
        put_bytes(&mut self.points, 1, &self.part);
    }

    fn close_metric(&mut self) {
        if self.points.is_empty() {
            return;
        }
        self.part.clear();
        put_bytes(&mut self.part, 1, self.name.as_bytes());
        put_bytes(&mut self.part, 5, &self.points);
        put_bytes(&mut self.metrics, 2, &self.part);
        self.points.clear();
    }

    fn close_resource(&mut self) {
        self.close_metric();
        if self.metrics.is_empty() {
            return;
        }
        self.part.clear();
        put_bytes(&mut self.part, 1, &self.resource);
        put_bytes(&mut self.part, 2, &self.metrics);
        put_bytes(&mut self.message, 1, &self.part);
        self.metrics.clear();
    }

    pub(super) fn finish(&mut self) -> Vec<u8> {
        self.close_resource();
        self.name.clear();
        self.resource.clear();
        std::mem::take(&mut self.message)
    }
}
