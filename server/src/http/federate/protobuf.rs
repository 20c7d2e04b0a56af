//! Families as delimited `io.prometheus.client.MetricFamily` messages (client_model `metrics.proto`).

use kymo_engine::metrics::{CUSTOM_BUCKETS, Histogram, Span};
use kymo_proto::wire::{put_bytes, put_fixed64, put_varint, zigzag};

use super::family::{Family, Member, Type, Value, classic_buckets, counts};

/// Appends all families.
pub(super) fn write(families: &[Family], out: &mut Vec<u8>) {
    for family in families {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, family.name.as_bytes());
        let kind = match family.kind {
            Type::Untyped => 3,
            Type::Histogram => 4,
            Type::GaugeHistogram => 5,
        };
        put_number(&mut message, 3, kind);
        for member in &family.members {
            put_bytes(&mut message, 4, &metric(member));
        }
        put_varint(out, message.len() as u64);
        out.extend(message);
    }
}

/// Appends an integer field, zero too: in this schema fields that are set are told from those that are not.
fn put_number(out: &mut Vec<u8>, field: u32, n: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, n);
}

fn put_double(out: &mut Vec<u8>, field: u32, value: f64) {
    put_fixed64(out, field, value.to_bits());
}

fn metric(member: &Member) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in &member.labels {
        let mut pair = Vec::new();
        put_bytes(&mut pair, 1, name.as_bytes());
        put_bytes(&mut pair, 2, value.as_bytes());
        put_bytes(&mut out, 1, &pair);
    }
    match &member.value {
        Value::Float(value) => {
            let mut untyped = Vec::new();
            put_double(&mut untyped, 1, *value);
            put_bytes(&mut out, 5, &untyped);
        }
        Value::Histogram(histogram) => put_bytes(&mut out, 7, &distribution(histogram)),
    }
    put_number(&mut out, 6, member.time.cast_unsigned());
    out
}

fn distribution(h: &Histogram) -> Vec<u8> {
    let mut out = Vec::new();
    let (count, zero, positive, negative) = counts(h);
    put_double(&mut out, 2, h.sum);
    if h.schema == CUSTOM_BUCKETS {
        for (bound, cumulated) in classic_buckets(h) {
            let mut bucket = Vec::new();
            put_double(&mut bucket, 2, bound);
            put_double(&mut bucket, 4, cumulated);
            put_bytes(&mut out, 3, &bucket);
        }
        put_double(&mut out, 4, count);
        return out;
    }
    put_double(&mut out, 4, count);
    put_number(&mut out, 5, zigzag(i64::from(h.schema)));
    put_double(&mut out, 6, h.zero_threshold);
    put_double(&mut out, 8, zero);
    put_spans(&mut out, 9, &h.negative_spans);
    negative.iter().for_each(|n| put_double(&mut out, 11, *n));
    put_spans(&mut out, 12, &h.positive_spans);
    positive.iter().for_each(|n| put_double(&mut out, 14, *n));
    if h.positive_spans.is_empty() && h.negative_spans.is_empty() && zero == 0.0 {
        // An empty span tells a native histogram without observations from a classic one.
        put_spans(&mut out, 12, &[Span::default()]);
    }
    out
}

fn put_spans(out: &mut Vec<u8>, field: u32, spans: &[Span]) {
    for span in spans {
        let mut message = Vec::new();
        put_number(&mut message, 1, zigzag(i64::from(span.offset)));
        put_number(&mut message, 2, u64::from(span.length));
        put_bytes(out, field, &message);
    }
}
