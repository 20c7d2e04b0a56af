//! The service graph: a client's span and the server's span it caused make an edge. Rules and names are those of Tempo's
//! service-graphs processor; pairs that do not come together in time become virtual nodes where a peer is named.

mod half;

use std::collections::VecDeque;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use kymo_engine::traces::{SpanId, TraceId};

use super::fact::Fact;
use super::operations::sorted;
use super::rules::Rules;
use super::steps::{Entity, Family, Number, Steps};
use crate::config::Generate;
use half::{Half, database, side};

/// The caller's span id and its trace.
type Key = (TraceId, SpanId);

/// Sides that wait.
pub(super) struct Edges {
    services: Vec<String>,
    service_numbers: HashMap<String, u32>,
    /// Numbers of edges between services that have no further labels.
    pairs: HashMap<(u32, u32, bool), Number>,
    /// Numbers of edges to databases without further labels, by service and what the database is called.
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

    /// Forgets what depends on labels: they are others from now on.
    pub(super) fn forget_numbers(&mut self) {
        self.pairs.clear();
        self.databases.clear();
        self.waiting.values_mut().for_each(|half| half.dimensions.clear());
    }

    pub(super) fn add(&mut self, fact: &Fact<'_>, now_ms: i64, rules: &Rules, steps: &mut Steps) {
        let (Some(is_client), Some(service)) = (side(fact), fact.shared.service_number) else {
            return;
        };
        let half = Half::of(fact, service, is_client, rules);
        if is_client && let Some(database) = database(fact, rules) {
            if !half.is_left_out {
                let number = self.database_edge(&half, database, rules, steps);
                put(steps, number, &half, rules);
            }
            return;
        }
        if !is_client && fact.parent == SpanId::default() {
            return self.alone(half, rules, steps);
        }
        let key = (fact.trace_id, if is_client { fact.id } else { fact.parent });
        match self.waiting.remove(&key) {
            Some(other) if other.is_client != is_client => {
                let (client, server) = if is_client { (half, other) } else { (other, half) };
                self.pair(&client, &server, rules, steps);
            }
            Some(other) => {
                // Two sides of one kind: the newer waits on.
                self.give_up(other, rules, steps);
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
    pub(super) fn expire(&mut self, now_ms: i64, rules: &Rules, steps: &mut Steps) {
        while let Some((deadline, key)) = self.order.front() {
            if *deadline > now_ms {
                return;
            }
            if let Some(half) = self.waiting.remove(key) {
                self.give_up(half, rules, steps);
            }
            self.order.pop_front();
        }
    }

    /// How many sides have come to wait and were not given up.
    pub(super) fn queued(&self) -> usize {
        self.order.len()
    }

    /// Of the sides that came behind so many, gives up on those that ended up to a time in nanoseconds: the steps they count
    /// in are to be written.
    pub(super) fn expire_ended(&mut self, behind: usize, until_ns: i64, rules: &Rules, steps: &mut Steps) {
        for (deadline, key) in self.order.split_off(behind) {
            match self.waiting.entry(key) {
                Entry::Occupied(half) if half.get().end <= until_ns => {
                    let half = half.remove();
                    self.give_up(half, rules, steps);
                }
                Entry::Occupied(_) => self.order.push_back((deadline, key)),
                Entry::Vacant(_) => {}
            }
        }
    }

    fn give_up(&mut self, half: Half, rules: &Rules, steps: &mut Steps) {
        if half.is_left_out || (half.is_client && half.peer.is_some()) {
            self.alone(half, rules, steps);
        } else {
            self.expired += 1;
        }
    }

    /// An edge with a node that sends no spans.
    fn alone(&self, half: Half, rules: &Rules, steps: &mut Steps) {
        if half.is_left_out {
            return;
        }
        let service = &self.services[half.service as usize];
        let (client, server, absent) = match half.is_client {
            true => (
                service.as_str(),
                half.peer.as_deref().unwrap_or("unknown"),
                "server",
            ),
            false => (half.peer.as_deref().unwrap_or("user"), service.as_str(), "client"),
        };
        let mut labels = half.labels(rules);
        if rules.settings.graph.virtual_node_label {
            labels.push(("virtual_node".to_owned(), absent.to_owned()));
        }
        let number = steps.number(edge(client, server, "virtual_node", labels));
        let counts = steps.at(number, half.end);
        counts.calls += half.weight;
        counts.second += failures(half.failed, half.weight);
        let bounds = &rules.settings.graph.buckets;
        match half.is_client {
            true => counts.client.observe(bounds, half.seen, half.weight),
            false => counts.server.observe(bounds, half.seen, half.weight),
        }
    }

    fn pair(&mut self, client: &Half, server: &Half, rules: &Rules, steps: &mut Steps) {
        if client.is_left_out || server.is_left_out {
            return;
        }
        let is_messaging = client.is_messaging && server.is_messaging;
        let kind = if is_messaging { "messaging_system" } else { "" };
        let services = &self.services;
        let name = |n: u32| services[n as usize].as_str();
        let (from, to) = (name(client.service), name(server.service));
        let number = if client.dimensions.is_empty() && server.dimensions.is_empty() {
            let pair = self.pairs.entry((client.service, server.service, is_messaging));
            *pair.or_insert_with(|| steps.number(edge(from, to, kind, Vec::new())))
        } else {
            // Of one name the first counts: without prefixes the server's.
            let labels = [server.labels(rules), client.labels(rules)].concat();
            steps.number(edge(from, to, kind, labels))
        };
        let weight = client.weight.max(server.weight);
        let bounds = &rules.settings.graph.buckets;
        let counts = steps.at(number, server.end);
        counts.calls += weight;
        counts.second += failures(client.failed || server.failed, weight);
        counts.server.observe(bounds, server.seen, weight);
        counts.client.observe(bounds, client.seen, weight);
        let between = server.start.saturating_sub(client.end);
        if is_messaging && rules.settings.graph.messaging_latency && between > 0 {
            let mut seen = server.seen;
            seen.nanos = between;
            counts.between.observe(bounds, seen, weight);
        }
    }

    fn database_edge(&mut self, half: &Half, server: String, rules: &Rules, steps: &mut Steps) -> Number {
        let client = &self.services[half.service as usize];
        if !half.dimensions.is_empty() {
            return steps.number(edge(client, &server, "database", half.labels(rules)));
        }
        let known = self.databases.entry(half.service).or_default();
        if let Some(number) = known.get(&server) {
            return *number;
        }
        if known.len() >= DATABASES_MAX {
            known.clear();
        }
        let number = steps.number(edge(client, &server, "database", Vec::new()));
        known.insert(server, number);
        number
    }
}

/// Databases of a service that are remembered.
const DATABASES_MAX: usize = 10_000;

fn edge(client: &str, server: &str, connection_type: &str, further: Vec<(String, String)>) -> Entity {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut labels = vec![
        pair("client", client),
        pair("connection_type", connection_type),
        pair("server", server),
    ];
    labels.extend(further);
    let family = match connection_type {
        "messaging_system" => Family::Messages,
        _ => Family::Edge,
    };
    Entity {
        family,
        labels: sorted(labels),
    }
}

fn failures(failed: bool, weight: f64) -> f64 {
    if failed { weight } else { 0.0 }
}

fn put(steps: &mut Steps, number: Number, half: &Half, rules: &Rules) {
    let bounds = &rules.settings.graph.buckets;
    let counts = steps.at(number, half.end);
    counts.calls += half.weight;
    counts.second += failures(half.failed, half.weight);
    counts.server.observe(bounds, half.seen, half.weight);
    counts.client.observe(bounds, half.seen, half.weight);
}
