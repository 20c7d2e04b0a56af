//! The responses as `opentelemetry-proto` reads them.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;

use super::*;

#[test]
fn a_partial_success_reads_back() {
    let bytes = export_response(3, "why");
    let partial = ExportMetricsServiceResponse::decode(&bytes[..])
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(
        (partial.rejected_data_points, partial.error_message.as_str()),
        (3, "why")
    );
    assert_eq!(read_export_response(&bytes).unwrap(), (3, "why".to_owned()));
    assert!(export_response(0, "").is_empty());
    assert_eq!(export_response_json("rejectedDataPoints", 0, ""), "{}");
    assert_eq!(
        export_response_json("rejectedDataPoints", 3, "why"),
        r#"{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"why"}}"#
    );
}
