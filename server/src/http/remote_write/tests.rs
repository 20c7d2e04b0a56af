//! What a sender is told when the store refuses: retry, unless its own data is wrong.

use kymo_engine::Error;

use super::*;
use crate::config::Config;

#[test]
fn states_that_may_pass_are_503_so_that_the_sender_keeps_its_data() {
    let app = App::new(Config::default());
    let poisoned = Error::Poisoned {
        path: "wal".into(),
        cause: "input/output error".to_owned(),
    };
    let overloaded = Error::Overloaded {
        queued_bytes: 2,
        limit_bytes: 1,
    };
    for error in [Error::DiskFull, poisoned, overloaded, Error::Closed] {
        let response = failed(&app, &Fault::from(&error));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{error}");
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }
    let invalid = Error::Invalid {
        what: "tenant name is empty or a path",
        value: "..".to_owned(),
    };
    assert_eq!(
        failed(&app, &Fault::from(&invalid)).status(),
        StatusCode::BAD_REQUEST
    );
}
