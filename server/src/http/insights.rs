//! `/api/v1/insights/query`: tables of log lines, asked for in the manner of CloudWatch Logs Insights and answered as its
//! `GetQueryResults` does, at once. Not for what queries mean, which is the query crate's.

mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use kymo_engine::logs::{Logs, Scan};
use kymo_engine::store::Snapshot;
use kymo_query::insights::{self, Answer, ParseError, QueryOptions, ast::Command};
use kymo_query::logql::eval::store::Part;
use kymo_query::promql::eval::Budget;

use super::caller::Caller;
use super::document::Document;
use super::json::{list, object};
use super::loki::ask::failed;
use super::prom::governed::governed;
use super::{ApiError, json};
use crate::app::App;
use crate::governor::{Gate, Running};
use request::Asked;

/// Rows of an answer where nothing asks for more, as in CloudWatch.
const ROWS_DEFAULT: usize = 10_000;

/// Most rows that can be asked for.
const ROWS_MAX: usize = 1_000_000;

pub(crate) async fn query(
    State(app): State<Arc<App>>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&headers, uri.query().unwrap_or_default(), &body)?;
    let query =
        insights::parse(&asked.query).map_err(|error: ParseError| ApiError::bad_data(error.to_string()))?;
    let limits = query.commands.iter().filter_map(|command| match command {
        Command::Limit(most) => Some(*most),
        _ => None,
    });
    let options = QueryOptions {
        limit: asked
            .limit
            .unwrap_or_else(|| limits.max().unwrap_or(0).max(ROWS_DEFAULT))
            .min(ROWS_MAX),
        selector: asked.selector,
        from: asked.from,
        until: asked.until,
    };
    let ms = |nanos: i64| nanos / 1_000_000;
    let shown = caller.asks("insights", &asked.query, (ms(options.from), ms(options.until), 0));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let (db, with) = (app.reading(&caller.tenant), Arc::clone(&app));
    let document = governed(&app, Gate::Samples, shown, timeout, move |admitted, cost| {
        let answer = match &db {
            Some(db) => answer(&query, &options, &db.logs.snapshot(), &with, &admitted.running)?,
            None => Answer::default(),
        };
        cost.samples_read = answer.stats.lines;
        Ok(Document::json(body_of(&answer)))
    });
    Ok(document.await?.into_response())
}

fn answer(
    query: &insights::Query,
    options: &QueryOptions,
    snapshot: &Snapshot<Logs>,
    app: &App,
    running: &Running,
) -> Result<Answer, ApiError> {
    let interrupted = || running.check();
    let executor = |n: usize, task: &(dyn Fn(usize) + Sync)| app.pool.run(n, task);
    let budget = Budget {
        max_samples: usize::try_from(app.config.query.samples_max).unwrap_or(usize::MAX),
        memory: Arc::clone(&running.account),
        interrupted: &interrupted,
        executor: &executor,
    };
    let store = |scan: &Scan| Ok(snapshot.scan(scan)?.into_iter().map(Part::of).collect());
    insights::query(query, &store, options, &budget).map_err(failed)
}

/// An answer as CloudWatch writes it: rows are lists of fields, those without a value left out.
fn body_of(answer: &Answer) -> Vec<u8> {
    let mut body = Vec::new();
    object(&mut body, |o| {
        o.text("status", "Complete");
        o.text("queryLanguage", "CWLI");
        list(o.name("results"), &answer.rows, |out, row| {
            let cells = answer.columns.iter().zip(row);
            let there = cells.filter_map(|(name, value)| Some((name, value.as_ref()?)));
            list(out, there, |out, (name, value)| {
                object(out, |o| {
                    o.text_even_empty("field", name);
                    o.text_even_empty("value", value);
                });
            });
        });
        o.object("statistics", |o| {
            let stats = [
                ("recordsMatched", answer.stats.lines_kept),
                ("recordsScanned", answer.stats.lines),
                ("bytesScanned", answer.stats.bytes),
            ];
            for (name, count) in stats {
                json::double(o.name(name), count as f64);
            }
        });
    });
    body
}
