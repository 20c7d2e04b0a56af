//! Requests to delete log lines: which there were, how far they are, and the work of taking the lines out of the blocks. What is in
//! force lives in the store's tombstones, which carry the request; the list of all requests is a file per tenant in `deletes/` of
//! the data directory, replaced atomically and synced. Not for the requests' form (see `http/loki/delete.rs`).

mod kept;

use std::collections::BTreeMap;
use std::path::Path;

use kymo_engine::Error;
use kymo_engine::db::Db;
use kymo_engine::logs::Deletion;
use kymo_engine::node::Node;
use parking_lot::Mutex;

use crate::app::App;
use crate::config::{Config, DeletionMode};
use kept::Kept;
pub(crate) use kept::Made;

/// Nanoseconds of a millisecond.
const MS: i64 = 1_000_000;

/// A request and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) made: Made,
    /// `received`, `NN% Complete` or `processed`.
    pub(crate) status: String,
}

/// Why a request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// There is none of that name.
    #[error("no such request")]
    Missing,
    /// Nothing of it is in force any more.
    #[error("the request is processed")]
    Processed,
    /// It is too old to be taken back, or partly carried out.
    #[error("the request is too old")]
    Late,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The list could not be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The requests of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Deletes {
    kept: Kept,
    /// How much of a request that is being carried out is done, in hundredths.
    done: Mutex<BTreeMap<String, u64>>,
}

/// A request that is in force.
struct InForce {
    tombstone: u64,
    made: Made,
}

fn in_force(db: &Db) -> Result<Vec<InForce>, Error> {
    let all = db.logs.tombstones();
    all.iter()
        .map(|tombstone| {
            let deletion = Deletion::decode(&tombstone.what)?;
            Ok(InForce {
                tombstone: tombstone.id,
                made: Made {
                    request: deletion.request,
                    start_ms: tombstone.min_time.div_euclid(MS),
                    end_ms: tombstone.max_time.div_euclid(MS),
                    query: deletion.query,
                    created_ms: deletion.created_ms,
                },
            })
        })
        .collect()
}

impl Deletes {
    /// Reads the lists of a data directory.
    pub(crate) fn open(&self, data: &Path) {
        self.kept.open(data);
    }

    /// Writes the lists to another data directory.
    ///
    /// # Errors
    /// Those of writing.
    pub(crate) fn copy_to(&self, data: &Path) -> std::io::Result<()> {
        self.kept.copy_to(data)
    }

    /// Hides lines between two times in milliseconds, both inclusive, and gives the name of the request. It is durable then.
    ///
    /// # Errors
    /// Those of the store; nothing is hidden then. And of the list; then the lines are hidden, and the request is listed while it
    /// is in force.
    pub(crate) fn add(
        &self,
        app: &App,
        tenant: &str,
        deletion: Deletion,
        (start_ms, end_ms): (i64, i64),
    ) -> Result<String, Refused> {
        let node = app.node().ok_or(Error::Closed)?;
        let made = Made {
            request: deletion.request.clone(),
            start_ms,
            end_ms,
            query: deletion.query.clone(),
            created_ms: deletion.created_ms,
        };
        if let Some(db) = node.existing_tenant(tenant) {
            let (first, last) = (start_ms.saturating_mul(MS), end_ms.saturating_mul(MS));
            db.logs.delete(node.log(), first, last, vec![deletion.encode()])?;
        }
        let request = made.request.clone();
        self.kept.add(tenant, made)?;
        Ok(request)
    }

    /// All requests of a tenant, the first one first.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn list(&self, app: &App, tenant: &str) -> Result<Vec<Listed>, Refused> {
        let current = match app.reading(tenant) {
            Some(db) => in_force(&db)?,
            None => Vec::new(),
        };
        let mut all = self.kept.of(tenant);
        for of in &current {
            if !all.iter().any(|made| made.request == of.made.request) {
                all.push(of.made.clone());
            }
        }
        all.sort_by_key(|made| made.created_ms);
        let done = self.done.lock();
        let listed = |made: Made| {
            let is_current = current.iter().any(|of| of.made.request == made.request);
            let status = match (is_current, done.get(&made.request)) {
                (false, _) => "processed".to_owned(),
                (true, Some(hundredths)) => format!("{hundredths}% Complete"),
                (true, None) => "received".to_owned(),
            };
            Listed { made, status }
        };
        Ok(all.into_iter().map(listed).collect())
    }

    /// Takes a request back: its lines are there again. `force` also when it is old or partly carried out.
    ///
    /// # Errors
    /// [`Refused`]; nothing is changed then.
    pub(crate) fn cancel(
        &self,
        app: &App,
        tenant: &str,
        request: &str,
        force: bool,
        now_ms: i64,
    ) -> Result<(), Refused> {
        let listed = self.list(app, tenant)?;
        let listed = listed.into_iter().find(|of| of.made.request == request);
        let Listed { made, status } = listed.ok_or(Refused::Missing)?;
        if status == "processed" {
            return Err(Refused::Processed);
        }
        let is_late = now_ms.saturating_sub(made.created_ms) >= cancel_ms(&app.config);
        if (is_late || status != "received") && !force {
            return Err(Refused::Late);
        }
        let db = app.reading(tenant).ok_or(Refused::Missing)?;
        let current = in_force(&db)?;
        let of_request = current.iter().filter(|of| of.made.request == request);
        let tombstones: Vec<u64> = of_request.map(|of| of.tombstone).collect();
        db.logs.take_back(&tombstones)?;
        self.kept.remove(tenant, request)?;
        Ok(())
    }

    /// Takes lines out of the blocks whose deletion cannot be taken back any more.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn carry_out(&self, node: &Node, config: &Config, now_ms: i64) -> Result<(), Error> {
        if config.logs.deletion.mode != DeletionMode::FilterAndDelete {
            return Ok(());
        }
        for (_, db) in node.tenants() {
            let due = |of: &InForce| now_ms.saturating_sub(of.made.created_ms) >= cancel_ms(config);
            let due: Vec<InForce> = in_force(&db)?.into_iter().filter(due).collect();
            if due.is_empty() {
                continue;
            }
            let tombstones: Vec<u64> = due.iter().map(|of| of.tombstone).collect();
            let mut told = |done: u64, all: u64| {
                let mut hundredths = self.done.lock();
                for of in &due {
                    hundredths.insert(of.made.request.clone(), done * 100 / all.max(1));
                }
            };
            let cleaned = db.logs.clean_of(&tombstones, &mut told);
            self.done
                .lock()
                .retain(|request, _| due.iter().all(|of| of.made.request != *request));
            cleaned?;
        }
        Ok(())
    }
}

fn cancel_ms(config: &Config) -> i64 {
    i64::try_from(config.logs.deletion.cancel_ms).unwrap_or(i64::MAX)
}
