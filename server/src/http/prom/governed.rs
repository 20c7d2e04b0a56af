//! The way of every question that reads data: through its gate, away from the threads that serve connections, within its
//! time, and into the books. Not for what the question does.

use std::sync::Arc;
use std::time::Duration;

use kymo_query::promql::eval::{BudgetExceeded, EvalError, OutOfMemory};

use crate::app::App;
use crate::governor::{Admitted, Asked, Cost, Gate, Outcome, Refused, Running};
use crate::http::answer::{ApiError, ErrorType, Reply};

/// How long an evaluation may take to notice by itself that it must end; lookups do not look at the clock.
const NOTICE: Duration = Duration::from_secs(2);

/// Runs `work` when its turn has come and answers what it answers, or that its time is up.
pub(crate) async fn governed(
    app: &Arc<App>,
    gate: Gate,
    asked: Asked,
    timeout: Duration,
    work: impl FnOnce(&Admitted, &mut Cost) -> Reply + Send + 'static,
) -> Reply {
    let (admitted, waiter) = app
        .governor
        .admit(gate, asked, timeout)
        .await
        .map_err(|refused| refusal(&refused))?;
    let running = Arc::clone(&admitted.running);
    let mut done = tokio::task::spawn_blocking(move || run(&admitted, work));
    let late = async {
        tokio::select! {
            () = running.killed() => {}
            () = tokio::time::sleep(running.left()) => {}
        }
        if gate == Gate::Samples {
            tokio::time::sleep(NOTICE).await;
        }
    };
    tokio::select! {
        reply = &mut done => {
            waiter.done();
            match reply {
                Ok(reply) => reply,
                Err(panic) => Err(ApiError::new(ErrorType::Internal, panic.to_string())),
            }
        }
        () = late => Err(interruption(&running)),
    }
}

fn run(admitted: &Admitted, work: impl FnOnce(&Admitted, &mut Cost) -> Reply) -> Reply {
    admitted.journal();
    let running = &admitted.running;
    let mut cost = Cost::default();
    let reply = match running.check() {
        Some(_) => Err(interruption(running)),
        None => work(admitted, &mut cost),
    };
    let outcome = match &reply {
        Ok(_) => Outcome::Success,
        Err(error) => {
            cost.error.clone_from(&error.text);
            outcome_of(error, running)
        }
    };
    let account = &running.account;
    // From here on the answer alone is held, until it is sent.
    account.keep(reply.as_ref().map_or(0, |answer| answer.bytes()));
    cost.took = running.age();
    cost.waited = running.waited();
    cost.peak_bytes = account.peak();
    cost.samples_read = cost.samples_read.max(account.samples_read());
    admitted.ended(outcome, &cost);
    reply.map(|answer| answer.held_by(Arc::clone(account)))
}

fn outcome_of(error: &ApiError, running: &Running) -> Outcome {
    match error.kind {
        _ if error.over_limit => Outcome::OverLimit,
        ErrorType::Canceled if running.is_killed() => Outcome::Killed,
        ErrorType::Canceled => Outcome::Canceled,
        ErrorType::Timeout => Outcome::TimedOut,
        _ => Outcome::Failed,
    }
}

fn refusal(refused: &Refused) -> ApiError {
    let kind = match refused {
        Refused::QueueFull { .. } => ErrorType::Overloaded,
        Refused::TimedOut => ErrorType::Timeout,
        Refused::Killed => ErrorType::Canceled,
        Refused::Stopping => ErrorType::Unavailable,
    };
    ApiError::new(kind, refused.to_string())
}

/// The error of a query that was ended from outside or by its deadline.
fn interruption(running: &Running) -> ApiError {
    match running.check() {
        Some(BudgetExceeded::Canceled) => of_eval(&EvalError::Canceled, running),
        _ => of_eval(&EvalError::Timeout, running),
    }
}

/// An error of evaluation in the envelope's terms.
pub(crate) fn of_eval(error: &EvalError, running: &Running) -> ApiError {
    match error {
        EvalError::OutOfMemory(limit) => out_of_memory(*limit),
        EvalError::TooManySamples => ApiError::over_limit(error.to_string()),
        EvalError::Execution(_) => ApiError::new(ErrorType::Execution, error.to_string()),
        EvalError::Timeout => ApiError::new(ErrorType::Timeout, error.to_string()),
        EvalError::Canceled if running.is_killed() => {
            ApiError::new(ErrorType::Canceled, "query was killed (active_queries/kill)")
        }
        EvalError::Canceled => ApiError::new(ErrorType::Canceled, error.to_string()),
        EvalError::Storage(error) => error.clone().into(),
    }
}

/// Names the limit as the configuration does.
pub(crate) fn out_of_memory(limit: OutOfMemory) -> ApiError {
    let mib = |bytes: usize| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    ApiError::over_limit(match limit {
        OutOfMemory::Query { limit, asked } => format!(
            "query processing would take {} of memory, more than the {} that one query may hold (query.memory_max)",
            mib(asked),
            mib(limit)
        ),
        OutOfMemory::Node { limit, taken, asked } => format!(
            "query processing would take {} of memory while {} of the {} that all queries may hold together are taken (query.memory_total)",
            mib(asked),
            mib(taken),
            mib(limit)
        ),
    })
}
