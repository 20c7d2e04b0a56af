//! The service graph: a client's span and the server's span it caused make an edge. Rules and names are those of Tempo's
//! service-graphs processor; pairs that do not come together in time become virtual nodes where a peer is named.

use std::collections::{HashMap, VecDeque};

use kymo_engine::traces::{SpanId, TraceId};

use super::operations::{exemplar, label_text};
use super::steps::{Entity, Exemplar, Family, Steps};
use super::{Fact, text_of};
use crate::config::Generate;

/// Upper bounds in seconds.
pub(super) const BOUNDS: [f64; 8] = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8];

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;
const ERROR: i32 = 2;

/// Attributes that tell a database, and how it is called without a better name.
const DATABASE: [&str; 4] = ["db.namespace", "db.name", "db.system", "db.system.name"];
/// Attributes that name a peer that sends no spans.
const PEER: [&str; 4] = ["peer.service", "db.name", "db.system", "db.system.name"];

/// The caller's span id and its trace.
type Key = (TraceId, SpanId);

/// One side of an edge that waits for the other.
struct Half {
    service: String,
    is_client: bool,
    failed: bool,
    is_messaging: bool,
    /// What else the side knows to be the peer.
    peer: Option<String>,
    seen: Exemplar,
    end: i64,
}

/// Sides that wait.
pub(super) struct Edges {
    waiting: HashMap<Key, Half>,
    order: VecDeque<(i64, Key)>,
    wait_ms: i64,
    most: usize,
    /// Sides that never met the other.
    pub(super) expired: u64,
    /// Sides there was no room for.
    pub(super) dropped: u64,
}

impl Edges {
    pub(super) fn new(settings: &Generate) -> Edges {
        Edges {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            wait_ms: settings.wait_ms,
            most: settings.edges_max,
            expired: 0,
            dropped: 0,
        }
    }

    pub(super) fn add(&mut self, fact: &Fact<'_>, now_ms: i64, steps: &mut Steps) {
        let is_client = match fact.kind {
            CLIENT | PRODUCER => true,
            SERVER | CONSUMER => false,
            _ => return,
        };
        if is_client && let Some(database) = database(fact) {
            return put(steps, &database_edge(fact, &database), fact);
        }
        let half = Half {
            service: fact.service.to_owned(),
            is_client,
            failed: fact.status == ERROR,
            is_messaging: matches!(fact.kind, PRODUCER | CONSUMER),
            peer: PEER.iter().find_map(|key| found(fact, key)),
            seen: exemplar(fact),
            end: fact.end,
        };
        if !is_client && fact.parent == SpanId::default() {
            return half.alone(steps);
        }
        let key = (fact.trace_id, if is_client { fact.id } else { fact.parent });
        match self.waiting.remove(&key) {
            Some(other) if other.is_client != is_client => {
                let (client, server) = if is_client { (half, other) } else { (other, half) };
                pair(steps, &client, &server);
            }
            Some(other) => {
                // Two sides of one kind: the newer waits on.
                other.expire(&mut self.expired, steps);
                self.waiting.insert(key, half);
            }
            None if self.waiting.len() >= self.most => self.dropped += 1,
            None => {
                self.waiting.insert(key, half);
                self.order.push_back((now_ms.saturating_add(self.wait_ms), key));
            }
        }
    }

    /// Gives up on sides whose time is over.
    pub(super) fn expire(&mut self, now_ms: i64, steps: &mut Steps) {
        while let Some((deadline, key)) = self.order.front() {
            if *deadline > now_ms {
                return;
            }
            if let Some(half) = self.waiting.remove(key) {
                half.expire(&mut self.expired, steps);
            }
            self.order.pop_front();
        }
    }
}

impl Half {
    fn expire(self, expired: &mut u64, steps: &mut Steps) {
        if self.is_client && self.peer.is_some() {
            self.alone(steps);
        } else {
            *expired += 1;
        }
    }

    /// An edge with a node that sends no spans.
    fn alone(self, steps: &mut Steps) {
        let entity = match self.is_client {
            true => edge(
                &self.service,
                self.peer.as_deref().unwrap_or("unknown"),
                "virtual_node",
            ),
            false => edge(
                self.peer.as_deref().unwrap_or("user"),
                &self.service,
                "virtual_node",
            ),
        };
        let counts = steps.at(&entity, self.end);
        counts.calls += 1;
        counts.second += u64::from(self.failed);
        match self.is_client {
            true => counts.client.observe(&BOUNDS, self.seen),
            false => counts.server.observe(&BOUNDS, self.seen),
        }
    }
}

fn edge(client: &str, server: &str, connection_type: &str) -> Entity {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = [
        pair("client", client),
        pair("connection_type", connection_type),
        pair("server", server),
    ];
    Entity {
        family: Family::Edge,
        labels: labels
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect(),
    }
}

fn pair(steps: &mut Steps, client: &Half, server: &Half) {
    let is_messaging = client.is_messaging && server.is_messaging;
    let kind = if is_messaging { "messaging_system" } else { "" };
    let counts = steps.at(&edge(&client.service, &server.service, kind), server.end);
    counts.calls += 1;
    counts.second += u64::from(client.failed || server.failed);
    counts.server.observe(&BOUNDS, server.seen);
    counts.client.observe(&BOUNDS, client.seen);
}

fn put(steps: &mut Steps, entity: &Entity, fact: &Fact<'_>) {
    let counts = steps.at(entity, fact.end);
    counts.calls += 1;
    counts.second += u64::from(fact.status == ERROR);
    counts.server.observe(&BOUNDS, exemplar(fact));
    counts.client.observe(&BOUNDS, exemplar(fact));
}

fn found(fact: &Fact<'_>, key: &str) -> Option<String> {
    let own = || (fact.attribute)(key).as_ref().and_then(label_text);
    text_of(fact.resource, key).map(str::to_owned).or_else(own)
}

/// What a database is called by its attributes.
fn database(fact: &Fact<'_>) -> Option<String> {
    DATABASE.iter().find_map(|key| found(fact, key))
}

fn database_edge(fact: &Fact<'_>, database: &str) -> Entity {
    let address = || {
        let address = found(fact, "network.peer.address")?;
        Some(match found(fact, "network.peer.port") {
            Some(port) => format!("{address}:{port}"),
            None => address,
        })
    };
    let server = found(fact, "peer.service")
        .or_else(|| found(fact, "server.address"))
        .or_else(address);
    edge(fact.service, server.as_deref().unwrap_or(database), "database")
}
