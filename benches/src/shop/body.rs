//! OTLP bodies of the shop's spans.

use kymo_proto::wire::{put_bytes, put_fixed32, put_fixed64, put_integer, put_varint};

use super::ShopSpan;
use super::shape::{OPERATIONS, SERVICES, Style};

const PODS: u64 = 3;
const AGENTS: [&str; 8] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
    "curl/8.8.0",
    "python-requests/2.32.3",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
];

/// Attributes being written as fields of a message.
struct Attributes {
    field: u32,
    out: Vec<u8>,
}

impl Attributes {
    fn new(field: u32) -> Attributes {
        Attributes {
            field,
            out: Vec::new(),
        }
    }

    fn pair(&mut self, key: &str, any: &[u8]) {
        let mut pair = Vec::with_capacity(key.len() + any.len() + 8);
        put_bytes(&mut pair, 1, key.as_bytes());
        put_bytes(&mut pair, 2, any);
        put_bytes(&mut self.out, self.field, &pair);
    }

    fn text(&mut self, key: &str, value: &str) {
        let mut any = Vec::with_capacity(value.len() + 4);
        put_bytes(&mut any, 1, value.as_bytes());
        self.pair(key, &any);
    }

    fn int(&mut self, key: &str, value: u64) {
        // A value of 0 is written: without it the value would not be set.
        let mut any = vec![3 << 3];
        put_varint(&mut any, value);
        self.pair(key, &any);
    }
}

/// The body of one service's batch. Spans of a service's three pods share it no more than they share a process.
pub(super) fn encode(service: usize, spans: &[ShopSpan]) -> Vec<u8> {
    let mut request = Vec::new();
    let pod = spans.first().map_or(0, |s| s.number % PODS);
    let mut resource = Attributes::new(1);
    let name = SERVICES[service];
    resource.text("service.name", name);
    resource.text("service.version", ["1.4.2", "2.0.0", "1.9.7"][service % 3]);
    resource.text("service.instance.id", &format!("{name}-6d5f7c9b8-x{pod}q"));
    resource.text("deployment.environment", "production");
    resource.text("k8s.namespace.name", "shop");
    resource.text("k8s.pod.name", &format!("{name}-6d5f7c9b8-x{pod}q"));
    resource.text(
        "telemetry.sdk.language",
        ["go", "java", "python", "nodejs"][service % 4],
    );
    resource.text("host.name", &format!("node-{}", (service as u64 + pod) % 6));
    let mut scope = Vec::new();
    put_bytes(&mut scope, 1, b"io.opentelemetry.shop");
    put_bytes(&mut scope, 2, b"1.27.0");
    let mut scope_spans = Vec::new();
    put_bytes(&mut scope_spans, 1, &scope);
    for span in spans {
        put_bytes(&mut scope_spans, 2, &span_message(span));
    }
    let mut resource_spans = Vec::new();
    put_bytes(&mut resource_spans, 1, &resource.out);
    put_bytes(&mut resource_spans, 2, &scope_spans);
    put_bytes(&mut request, 1, &resource_spans);
    request
}

fn span_message(span: &ShopSpan) -> Vec<u8> {
    let operation = &OPERATIONS[span.operation];
    let mut out = Vec::with_capacity(800);
    put_bytes(&mut out, 1, &span.trace_id);
    put_bytes(&mut out, 2, &span.span_id);
    if span.parent != [0; 8] {
        put_bytes(&mut out, 4, &span.parent);
    }
    put_bytes(&mut out, 5, operation.name.as_bytes());
    let is_client = span.is_client || operation.style == Style::Database;
    put_integer(&mut out, 6, if is_client { 3 } else { 2 });
    put_fixed64(&mut out, 7, span.start);
    put_fixed64(&mut out, 8, span.end);
    let mut attributes = Attributes::new(9);
    match operation.style {
        Style::Http => http(span, operation.name, &mut attributes),
        Style::Rpc => rpc(span, operation.name, operation.service, &mut attributes),
        Style::Database => database(span, operation.name, &mut attributes),
    }
    out.append(&mut attributes.out);
    if span.failed {
        let mut event_attributes = Attributes::new(3);
        event_attributes.text("exception.type", "java.net.SocketTimeoutException");
        event_attributes.text(
            "exception.message",
            &format!("deadline of {} exceeded", operation.name),
        );
        event_attributes.text(
            "exception.stacktrace",
            "at shop.rpc.Channel.call(Channel.java:118)\n\tat shop.rpc.Client.invoke(Client.java:61)\n\tat shop.Main.run(Main.java:33)",
        );
        let mut event = Vec::new();
        put_fixed64(&mut event, 1, span.end);
        put_bytes(&mut event, 2, b"exception");
        event.append(&mut event_attributes.out);
        put_bytes(&mut out, 11, &event);
        let mut status = Vec::new();
        put_bytes(&mut status, 2, b"deadline exceeded");
        put_integer(&mut status, 3, 2);
        put_bytes(&mut out, 15, &status);
    }
    put_fixed32(&mut out, 16, 257);
    out
}

fn http(span: &ShopSpan, name: &str, a: &mut Attributes) {
    let (method, route) = name.split_once(' ').unwrap_or(("GET", name));
    let product = span.number % 2_000;
    a.text("http.request.method", method);
    a.text("url.scheme", "https");
    a.text("url.path", &route.replace("{id}", &format!("OLJ{product:04}XK")));
    a.text("http.route", route);
    a.text("server.address", "shop.example.com");
    a.int("server.port", 443);
    a.text(
        "client.address",
        &format!("10.{}.{}.{}", span.user % 7, span.user / 7 % 256, span.user % 251),
    );
    a.text("user_agent.original", AGENTS[span.user as usize % AGENTS.len()]);
    a.text("user.id", &format!("user-{:05}", span.user));
    a.text(
        "session.id",
        &format!("{:016x}", span.session.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    );
    a.int(
        "http.response.status_code",
        if span.failed {
            500 + span.number % 4
        } else {
            [200, 200, 200, 200, 304, 404][span.number as usize % 6]
        },
    );
    a.int("http.response.body.size", 900 + span.number % 20_000);
}

fn rpc(span: &ShopSpan, name: &str, callee: usize, a: &mut Attributes) {
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    a.text("rpc.system", "grpc");
    a.text("rpc.service", service);
    a.text("rpc.method", method);
    a.int("rpc.grpc.status_code", if span.failed { 4 } else { 0 });
    a.text("server.address", SERVICES[callee]);
    a.int("server.port", 8080 + callee as u64);
    a.text(
        "network.peer.address",
        &format!("10.42.{}.{}", callee, 10 + span.number % 3),
    );
    a.int("network.peer.port", 32_768 + span.number % 28_000);
    a.int("thread.id", 20 + span.number / 7 % 16);
    a.text("thread.name", &format!("grpc-worker-{}", span.number / 7 % 16));
    if !span.is_client {
        a.text("user.id", &format!("user-{:05}", span.user));
    }
    if name.ends_with("PlaceOrder") {
        a.text(
            "order.id",
            &format!("{:016x}-{:08x}", span.number, span.session as u32),
        );
    }
}

fn database(span: &ShopSpan, name: &str, a: &mut Attributes) {
    let (verb, table) = name.split_once(' ').unwrap_or((name, "carts"));
    let is_redis = verb.starts_with('H');
    a.text("db.system", if is_redis { "redis" } else { "postgresql" });
    a.text("db.namespace", "shop");
    a.text("db.operation.name", verb);
    a.text("db.collection.name", table);
    a.text(
        "db.query.text",
        &format!("{verb} ... {table} WHERE shard = {}", span.number % 16),
    );
    a.text(
        "server.address",
        if is_redis { "redis-0.shop" } else { "pg-0.shop" },
    );
    a.int("server.port", if is_redis { 6379 } else { 5432 });
    a.int("db.response.returned_rows", span.number % 50);
    a.int("thread.id", 20 + span.number / 7 % 16);
    a.text("thread.name", &format!("pool-{}", span.number / 7 % 16));
    a.int("db.connection.number", span.number % 24);
}
