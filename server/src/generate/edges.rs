//! The service graph: a client's span and the server's span it caused make an edge. Rules and names are those of Tempo's
//! service-graphs processor; pairs that do not come together in time become virtual nodes where a peer is named.

use std::collections::VecDeque;

use hashbrown::HashMap;
use kymo_engine::traces::{SpanId, TraceId};

use super::operations::{exemplar, label_text};
use super::steps::{Entity, Exemplar, Family, Number, Steps};
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

/// All attributes that are asked for.
pub(super) const KEYS: [&str; 8] = [
    "db.namespace",
    "db.name",
    "db.system",
    "db.system.name",
    "peer.service",
    "server.address",
    "network.peer.address",
    "network.peer.port",
];

/// The caller's span id and its trace.
type Key = (TraceId, SpanId);

/// One side of an edge that waits for the other.
struct Half {
    service: u32,
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
    services: Vec<String>,
    service_numbers: HashMap<String, u32>,
    /// Numbers of edges between services.
    pairs: HashMap<(u32, u32, bool), Number>,
    /// Numbers of edges to databases, by service and what the database is called.
    databases: HashMap<u32, HashMap<String, Number>>,
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
            services: Vec::new(),
            service_numbers: HashMap::new(),
            pairs: HashMap::new(),
            databases: HashMap::new(),
            waiting: HashMap::new(),
            order: VecDeque::new(),
            wait_ms: settings.wait_ms,
            most: settings.edges_max,
            expired: 0,
            dropped: 0,
        }
    }

    /// The number of a service.
    pub(super) fn service(&mut self, name: &str) -> u32 {
        if let Some(n) = self.service_numbers.get(name) {
            return *n;
        }
        let n = self.services.len() as u32;
        self.services.push(name.to_owned());
        self.service_numbers.insert(name.to_owned(), n);
        n
    }

    pub(super) fn add(&mut self, fact: &Fact<'_>, now_ms: i64, steps: &mut Steps) {
        let shared = fact.shared;
        let is_client = match shared.kind {
            CLIENT | PRODUCER => true,
            SERVER | CONSUMER => false,
            _ => return,
        };
        if is_client && let Some(database) = database(fact) {
            let number = self.database_edge(fact, database, steps);
            return put(steps, number, fact);
        }
        let half = Half {
            service: shared.service,
            is_client,
            failed: shared.status == ERROR,
            is_messaging: matches!(shared.kind, PRODUCER | CONSUMER),
            peer: PEER.iter().find_map(|key| found(fact, key)),
            seen: exemplar(fact),
            end: fact.end,
        };
        if !is_client && fact.parent == SpanId::default() {
            return self.alone(half, steps);
        }
        let key = (fact.trace_id, if is_client { fact.id } else { fact.parent });
        match self.waiting.remove(&key) {
            Some(other) if other.is_client != is_client => {
                let (client, server) = if is_client { (half, other) } else { (other, half) };
                self.pair(steps, &client, &server);
            }
            Some(other) => {
                // Two sides of one kind: the newer waits on.
                self.give_up(other, steps);
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
                self.give_up(half, steps);
            }
            self.order.pop_front();
        }
    }

    fn give_up(&mut self, half: Half, steps: &mut Steps) {
        if half.is_client && half.peer.is_some() {
            self.alone(half, steps);
        } else {
            self.expired += 1;
        }
    }

    /// An edge with a node that sends no spans.
    fn alone(&self, half: Half, steps: &mut Steps) {
        let service = &self.services[half.service as usize];
        let entity = match half.is_client {
            true => edge(service, half.peer.as_deref().unwrap_or("unknown"), "virtual_node"),
            false => edge(half.peer.as_deref().unwrap_or("user"), service, "virtual_node"),
        };
        let number = steps.number(entity);
        let counts = steps.at(number, half.end);
        counts.calls += 1;
        counts.second += u64::from(half.failed);
        match half.is_client {
            true => counts.client.observe(&BOUNDS, half.seen),
            false => counts.server.observe(&BOUNDS, half.seen),
        }
    }

    fn pair(&mut self, steps: &mut Steps, client: &Half, server: &Half) {
        let is_messaging = client.is_messaging && server.is_messaging;
        let services = &self.services;
        let number = *self
            .pairs
            .entry((client.service, server.service, is_messaging))
            .or_insert_with(|| {
                let kind = if is_messaging { "messaging_system" } else { "" };
                let name = |n: u32| services[n as usize].as_str();
                steps.number(edge(name(client.service), name(server.service), kind))
            });
        let counts = steps.at(number, server.end);
        counts.calls += 1;
        counts.second += u64::from(client.failed || server.failed);
        counts.server.observe(&BOUNDS, server.seen);
        counts.client.observe(&BOUNDS, client.seen);
    }

    fn database_edge(&mut self, fact: &Fact<'_>, database: String, steps: &mut Steps) -> Number {
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
        let server = server.unwrap_or(database);
        let known = self.databases.entry(fact.shared.service).or_default();
        if let Some(number) = known.get(&server) {
            return *number;
        }
        if known.len() >= DATABASES_MAX {
            known.clear();
        }
        let client = &self.services[fact.shared.service as usize];
        let number = steps.number(edge(client, &server, "database"));
        known.insert(server, number);
        number
    }
}

/// Databases of a service that are remembered.
const DATABASES_MAX: usize = 10_000;

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

fn put(steps: &mut Steps, number: Number, fact: &Fact<'_>) {
    let counts = steps.at(number, fact.end);
    counts.calls += 1;
    counts.second += u64::from(fact.shared.status == ERROR);
    counts.server.observe(&BOUNDS, exemplar(fact));
    counts.client.observe(&BOUNDS, exemplar(fact));
}

fn found(fact: &Fact<'_>, key: &str) -> Option<String> {
    if !fact.shared.keys.contains(&key) {
        return None;
    }
    let own = || (fact.attribute)(key).as_ref().and_then(label_text);
    text_of(fact.shared.resource, key).map(str::to_owned).or_else(own)
}

/// What a database is called by its attributes.
fn database(fact: &Fact<'_>) -> Option<String> {
    DATABASE.iter().find_map(|key| found(fact, key))
}
