//! Spans of a shop of twelve services, as their SDKs send them: each service its own batches of 512 spans by end, a trace
//! spread over the batches of all services it goes through. About fifteen spans a trace and eleven attributes a span besides
//! those of the resource. The same seed gives the same bytes.

mod body;
mod shape;

use shape::{Call, OPERATIONS, Operation, ROOTS, SERVICES, Style};

/// Spans in a batch of an SDK.
const BATCH: usize = 512;

/// A span of the shop.
#[derive(Debug, Clone)]
pub(crate) struct ShopSpan {
    pub(crate) service: usize,
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) parent: [u8; 8],
    pub(crate) operation: usize,
    /// The caller's side of a call.
    pub(crate) is_client: bool,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) failed: bool,
    pub(crate) user: u32,
    pub(crate) session: u64,
    pub(crate) number: u64,
}

/// A trace that can be asked for: its id and how many spans it has.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Id.
    pub trace_id: [u8; 16],
    /// Number of spans.
    pub spans: u32,
    /// Number of the user it was for.
    pub user: u32,
}

/// Makes the shop's spans.
#[derive(Debug)]
pub struct Shop {
    state: u64,
    now: u64,
    step: u64,
    traces: u64,
    pending: Vec<Vec<ShopSpan>>,
}

impl Shop {
    /// Traces from `start_ns` on, one every `step_ns` on average.
    pub fn new(seed: u64, start_ns: u64, step_ns: u64) -> Shop {
        Shop {
            state: seed,
            now: start_ns,
            step: step_ns,
            traces: 0,
            pending: vec![Vec::new(); SERVICES.len()],
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random() % n
    }

    /// Around `mean`, some far above.
    fn duration(&mut self, mean: u64) -> u64 {
        let spread = 256 + self.below(512) + if self.below(50) == 0 { 4_000 } else { 0 };
        mean * spread / 512 + self.below(997)
    }

    /// Adds a trace; bodies that became full are given to `send` with their number of spans.
    pub fn trace(&mut self, send: &mut dyn FnMut(Vec<u8>, usize)) -> Known {
        self.now += self.below(self.step * 2);
        self.traces += 1;
        let mut trace_id = [0; 16];
        trace_id[..8].copy_from_slice(&self.random().to_be_bytes());
        trace_id[8..].copy_from_slice(&self.random().to_be_bytes());
        // A few users come often, most seldom.
        let spread = self.below(20_000);
        let user = (spread * self.below(20_000) / 20_000) as u32;
        let session = self.random() % 100_000 * 7_919 + u64::from(user);
        let mut pick = self.below(100);
        let root = ROOTS.iter().find(|(_, share)| {
            let found = pick < *share;
            pick = pick.saturating_sub(*share);
            found
        });
        let root = root.map_or(0, |(operation, _)| *operation);
        let mut spans = Vec::new();
        let visit = Visit {
            trace_id,
            user,
            session,
        };
        self.operation(&visit, root, [0; 8], self.now, None, &mut spans);
        let known = Known {
            trace_id,
            spans: spans.len() as u32,
            user,
        };
        spans.sort_by_key(|s| s.end);
        for span in spans {
            let service = span.service;
            self.pending[service].push(span);
            if self.pending[service].len() == BATCH {
                self.send(service, send);
            }
        }
        known
    }

    fn send(&mut self, service: usize, send: &mut dyn FnMut(Vec<u8>, usize)) {
        let spans = std::mem::take(&mut self.pending[service]);
        if !spans.is_empty() {
            send(body::encode(service, &spans), spans.len());
        }
    }

    /// Sends what is left.
    pub fn finish(&mut self, send: &mut dyn FnMut(Vec<u8>, usize)) {
        (0..SERVICES.len()).for_each(|service| self.send(service, send));
    }

    /// Adds the spans of an operation and what it calls; returns its end and whether it failed.
    fn operation(
        &mut self,
        visit: &Visit,
        number: usize,
        parent: [u8; 8],
        start: u64,
        caller: Option<usize>,
        spans: &mut Vec<ShopSpan>,
    ) -> (u64, bool) {
        let is_client = caller.is_some();
        let operation: &Operation = &OPERATIONS[number];
        let span_id = self.random().to_be_bytes();
        let mut at = start + self.below(200_000);
        let mut failed = self.below(1_000) < operation.failures;
        let local = operation.style == Style::Database || is_client;
        if is_client {
            let (end, callee_failed) = self.operation(visit, number, span_id, at, None, spans);
            at = end;
            failed = callee_failed;
        } else {
            for Call {
                operation: called,
                percent,
            } in operation.calls
            {
                if self.below(100) < *percent {
                    let is_database = OPERATIONS[*called].style == Style::Database;
                    let caller = (!is_database).then_some(operation.service);
                    let (end, callee_failed) = self.operation(visit, *called, span_id, at, caller, spans);
                    at = end + self.below(100_000);
                    failed |= callee_failed && self.below(4) == 0;
                }
            }
        }
        let own = if local && operation.style != Style::Database {
            150_000
        } else {
            operation.mean_ns
        };
        let end = at + self.duration(own);
        let number_of_span = self.random();
        spans.push(ShopSpan {
            service: caller.unwrap_or(operation.service),
            trace_id: visit.trace_id,
            span_id,
            parent,
            operation: number,
            is_client,
            start,
            end,
            failed,
            user: visit.user,
            session: visit.session,
            number: number_of_span,
        });
        (end, failed)
    }
}

/// What a trace is about.
struct Visit {
    trace_id: [u8; 16],
    user: u32,
    session: u64,
}
