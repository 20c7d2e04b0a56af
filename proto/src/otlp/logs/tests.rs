//! OTLP logs: this decoder and the generated one of `opentelemetry-proto` see the same, on requests of every shape and on
//! what a real SDK sent (`../shared/data/wire` beside the repository; absent, that test says so and passes).

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1 as otel;
use opentelemetry_proto::tonic::resource::v1 as resource;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::metrics::tests::{Dice, any_value, key_values, sdk_bodies, text};
use crate::otlp::traces::tests::entity_ref;

/// From the borrowing views back to the generated structs, without schemas, which nobody asks for.
pub(crate) fn rebuilt(body: &[u8]) -> Result<ExportLogsServiceRequest> {
    let mut request = Request::new(body);
    let mut resource_logs = Vec::new();
    while let Some(mut found) = request.next_resource()? {
        let mut scope_logs = Vec::new();
        while let Some(mut scope) = found.next_scope()? {
            let mut log_records = Vec::new();
            while let Some(found) = scope.next_record()? {
                log_records.push(record(found)?);
            }
            scope_logs.push(otel::ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: text(scope.scope.name),
                    version: text(scope.scope.version),
                    attributes: key_values(scope.scope.attributes)?,
                    dropped_attributes_count: scope.scope.dropped_attributes,
                }),
                log_records,
                schema_url: String::new(),
            });
        }
        resource_logs.push(otel::ResourceLogs {
            resource: Some(resource::Resource {
                attributes: key_values(found.resource.attributes)?,
                dropped_attributes_count: found.resource.dropped_attributes,
                entity_refs: found.resource.entity_refs.iter().map(entity_ref).collect(),
            }),
            scope_logs,
            schema_url: String::new(),
        });
    }
    Ok(ExportLogsServiceRequest { resource_logs })
}

fn record(found: Record<'_>) -> Result<otel::LogRecord> {
    Ok(otel::LogRecord {
        time_unix_nano: found.time,
        observed_time_unix_nano: found.observed_time,
        severity_number: found.severity,
        severity_text: text(found.severity_text),
        // A record without a body and one with an empty body are the same.
        body: Some(any_value(found.body)?),
        attributes: key_values(found.attributes)?,
        dropped_attributes_count: found.dropped_attributes,
        flags: found.flags,
        trace_id: found.trace_id.to_vec(),
        span_id: found.span_id.to_vec(),
        event_name: text(found.event_name),
    })
}

impl Dice {
    fn record(&mut self) -> otel::LogRecord {
        otel::LogRecord {
            time_unix_nano: self.int(),
            observed_time_unix_nano: self.int(),
            severity_number: self.below(26) as i32,
            severity_text: self.text(),
            body: Some(self.value(2)),
            attributes: self.attributes(2),
            dropped_attributes_count: self.below(3) as u32,
            flags: self.int() as u32,
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    /// A request of logs.
    pub(crate) fn logs(&mut self) -> ExportLogsServiceRequest {
        let resource_logs = self.many(3, |d| otel::ResourceLogs {
            resource: Some(d.resource()),
            scope_logs: d.many(2, |d| otel::ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: d.text(),
                    version: d.text(),
                    attributes: d.attributes(0),
                    dropped_attributes_count: d.below(3) as u32,
                }),
                log_records: d.many(4, Dice::record),
                schema_url: String::new(),
            }),
            schema_url: String::new(),
        });
        ExportLogsServiceRequest { resource_logs }
    }
}

#[test]
fn the_bodies_of_a_real_sdk_decode_to_the_same() {
    let Some(bodies) = sdk_bodies("/v1/logs") else {
        return;
    };
    let mut records = 0;
    for body in bodies {
        let mut generated = ExportLogsServiceRequest::decode(&body[..]).unwrap();
        for resource in &mut generated.resource_logs {
            resource.schema_url.clear();
            for scope in &mut resource.scope_logs {
                scope.schema_url.clear();
                records += scope.log_records.len();
            }
        }
        assert_eq!(rebuilt(&body).unwrap(), generated);
    }
    assert!(records > 100, "{records}");
}

proptest! {
    #[test]
    fn both_decoders_see_the_same(seed: u64) {
        let request = Dice(seed).logs();
        prop_assert_eq!(rebuilt(&request.encode_to_vec()).unwrap(), request);
    }

    #[test]
    fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..300), seed: u64, at in any::<prop::sample::Index>(), byte: u8) {
        let mut mutated = Dice(seed).logs().encode_to_vec();
        if !mutated.is_empty() {
            let at = at.index(mutated.len());
            mutated[at] = byte;
        }
        for body in [body, mutated] {
            let mut request = Request::new(&body);
            while let Ok(Some(mut resource)) = request.next_resource() {
                while let Ok(Some(mut scope)) = resource.next_scope() {
                    while let Ok(Some(mut record)) = scope.next_record() {
                        while let Ok(Some(_)) = record.attributes.next_value() {}
                    }
                }
            }
        }
    }
}
