//! What a sender is told when the store refuses: retry, unless its own data is wrong.

use super::*;

#[test]
fn states_that_may_pass_are_503_so_that_the_sender_keeps_its_data() {
    let poisoned = Error::Poisoned {
        path: "wal".into(),
        cause: "input/output error".to_owned(),
    };
    let overloaded = Error::Overloaded {
        queued_bytes: 2,
        limit_bytes: 1,
    };
    for error in [Error::DiskFull, poisoned, overloaded, Error::Closed] {
        let Refusal(status, text) = from_engine(&error);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{error}");
        assert_eq!(text, format!("{error}\n"));
        let response = refusal(status, text);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }
    let invalid = Error::Invalid {
        what: "tenant name is empty or a path",
        value: "..".to_owned(),
    };
    assert_eq!(from_engine(&invalid).0, StatusCode::BAD_REQUEST);
}
