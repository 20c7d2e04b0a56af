//! The way of every question that reads data: through its gate, away from the threads that serve connections, within its
//! time, and into the books. Not for what the question does.

use std::sync::Arc;
use std::time::Duration;

use kymo_query::promql::eval::{Account, BudgetExceeded, EvalError, OutOfMemory};

use crate::app::App;
use crate::governor::{Admitted, Asked, Cost, Gate, Outcome, Refused, Running};
use crate::http::answer::{Answer, ApiError, ErrorType};

/// How long an evaluation may take to notice by itself that it must end; lookups do not look at the clock.
const NOTICE: Duration = Duration::from_secs(2);

/// An answer whose memory stays reserved until it is sent.
pub(crate) trait Held: Send + 'static {
    /// Bytes it holds.
    fn bytes(&self) -> usize;

    /// Keeps them reserved.
    fn held_by(self, account: Arc<Account>) -> Self;
}

impl Held for Answer {
    fn bytes(&self) -> usize {
        self.data.as_ref().map_or(0, String::len)
    }

    fn held_by(mut self, account: Arc<Account>) -> Answer {
        self.account = Some(account);
        self
    }
}

impl<T: Held> Held for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, Held::bytes)
    }

    fn held_by(self, account: Arc<Account>) -> Option<T> {
        self.map(|answer| answer.held_by(account))
    }
}

/// Runs `work` when its turn has come and answers what it answers, or that its time is up.
pub(crate) async fn governed<T: Held>(
    app: &Arc<App>,
    gate: Gate,
    asked: Asked,
    timeout: Duration,
    work: impl FnOnce(&Admitted, &mut Cost) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
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

fn run<T: Held>(
    admitted: &Admitted,
    work: impl FnOnce(&Admitted, &mut Cost) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    admitted.journal();
    let running = &admitted.running;
    let mut cost = Cost::default();
    let reply = match running.check() {
        Some(_) => Err(interruption(running)),
        None => work(admitted, &mut cost),
    };
    let account = &running.account;
    // From here on the answer alone is held, until it is sent.
    account.keep(reply.as_ref().map_or(0, Held::bytes));
    book(admitted, cost, reply.as_ref().err());
    reply.map(|answer| answer.held_by(Arc::clone(account)))
}

/// Takes account of how it ended.
pub(super) fn book(admitted: &Admitted, mut cost: Cost, error: Option<&ApiError>) {
    let running = &admitted.running;
    let outcome = match error {
        None => Outcome::Success,
        Some(error) => {
            cost.error.clone_from(&error.text);
            outcome_of(error, running)
        }
    };
    cost.took = running.age();
    cost.waited = running.waited();
    cost.peak_bytes = running.account.peak();
    cost.samples_read = cost.samples_read.max(running.account.samples_read());
    admitted.ended(outcome, &cost);
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

pub(super) fn refusal(refused: &Refused) -> ApiError {
    let kind = match refused {
        Refused::QueueFull { .. } => ErrorType::Overloaded,
        Refused::TimedOut => ErrorType::Timeout,
        Refused::Killed => ErrorType::Canceled,
        Refused::Stopping => ErrorType::Unavailable,
    };
    ApiError::new(kind, refused.to_string())
}

/// The error of a query that was ended from outside or by its deadline.
pub(crate) fn interruption(running: &Running) -> ApiError {
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
        EvalError::Invalid(cause) => ApiError::parameter("query", cause),
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
