//! Request parameters as Go's `http.Request.Form` gives them: a form body first, then the URL's query, repeats kept.
//! Not for what the values mean (see `time` and the handlers).

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};

use super::answer::ApiError;

/// Go caps a form body at 10 MB.
const FORM_BYTES_MAX: usize = 10 << 20;

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of `name`, empty when absent.
    pub(crate) fn first(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or("")
    }

    /// All values of `name`, the body's before the URL's.
    pub(crate) fn all<'p>(&'p self, name: &str) -> impl Iterator<Item = &'p str> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// All names and values, the body's before the URL's.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Parameters as they are, for tests.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Params {
        Params(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// `limit`: how many elements are wanted, `None` without limit.
    ///
    /// # Errors
    /// A value that is not a number of 0 or more.
    pub(crate) fn limit(&self) -> Result<Option<usize>, ApiError> {
        self.count("limit")
            .map_err(|cause| ApiError::parameter("limit", cause))
    }

    /// A number of 0 or more under any name; `None` when absent or 0.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>, String> {
        let text = self.first(name);
        if text.is_empty() {
            return Ok(None);
        }
        let number: i64 = text
            .parse()
            .map_err(|_| format!("strconv.Atoi: parsing {text:?}: invalid syntax"))?;
        match usize::try_from(number) {
            Ok(0) => Ok(None),
            Ok(n) => Ok(Some(n)),
            Err(_) => Err("limit must be non-negative".to_owned()),
        }
    }

    fn extend(&mut self, encoded: &[u8]) {
        self.0.extend(form_urlencoded::parse(encoded).into_owned());
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Params, ApiError> {
        let query = request.uri().query().unwrap_or("").to_owned();
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| {
                v.trim()
                    .to_ascii_lowercase()
                    .starts_with("application/x-www-form-urlencoded")
            });
        let mut params = Params::default();
        // A body is read even when it is no form: a connection that closes with unread bytes may take the answer with it.
        let is_post = request.method() == Method::POST;
        if request.method() != Method::GET {
            let body = to_bytes(request.into_body(), FORM_BYTES_MAX)
                .await
                .map_err(|e| ApiError::bad_data(format!("error parsing form values: {e}")))?;
            if is_form && is_post {
                params.extend(&body);
            }
        }
        params.extend(query.as_bytes());
        Ok(params)
    }
}
