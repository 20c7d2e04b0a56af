//! The services of the shop, what they do and whom they call.

/// What an operation is, which decides its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Http,
    Rpc,
    Database,
}

/// A call and how often it is made.
pub(super) struct Call {
    pub(super) operation: usize,
    pub(super) percent: u64,
}

const fn call(operation: usize, percent: u64) -> Call {
    Call { operation, percent }
}

/// Something a service does.
pub(super) struct Operation {
    pub(super) service: usize,
    pub(super) name: &'static str,
    pub(super) style: Style,
    pub(super) mean_ns: u64,
    /// Of a thousand.
    pub(super) failures: u64,
    pub(super) calls: &'static [Call],
}

const fn op(
    service: usize,
    name: &'static str,
    style: Style,
    mean_ns: u64,
    failures: u64,
    calls: &'static [Call],
) -> Operation {
    Operation {
        service,
        name,
        style,
        mean_ns,
        failures,
        calls,
    }
}

/// Names of the services.
pub(super) const SERVICES: [&str; 12] = [
    "frontend",
    "cart",
    "checkout",
    "payment",
    "shipping",
    "email",
    "catalog",
    "currency",
    "recommendation",
    "ads",
    "inventory",
    "accounts",
];

/// Operations that begin traces, and their share in percent.
pub(super) const ROOTS: [(usize, u64); 5] = [(0, 30), (1, 40), (2, 15), (3, 10), (4, 5)];

use Style::{Database, Http, Rpc};

/// All operations, by number.
pub(super) const OPERATIONS: [Operation; 32] = [
    op(
        0,
        "GET /",
        Http,
        2_000_000,
        3,
        &[call(5, 100), call(9, 100), call(10, 100), call(13, 60)],
    ),
    op(
        0,
        "GET /product/{id}",
        Http,
        3_000_000,
        4,
        &[
            call(6, 100),
            call(9, 100),
            call(11, 80),
            call(13, 70),
            call(8, 50),
        ],
    ),
    op(
        0,
        "GET /cart",
        Http,
        2_500_000,
        3,
        &[call(7, 100), call(10, 100), call(11, 60), call(15, 80)],
    ),
    op(
        0,
        "POST /cart",
        Http,
        2_000_000,
        5,
        &[call(6, 100), call(14, 100)],
    ),
    op(
        0,
        "POST /checkout",
        Http,
        6_000_000,
        12,
        &[call(16, 100), call(7, 40)],
    ),
    op(
        6,
        "oteldemo.Catalog/ListProducts",
        Rpc,
        1_500_000,
        1,
        &[call(24, 100)],
    ),
    op(
        6,
        "oteldemo.Catalog/GetProduct",
        Rpc,
        900_000,
        2,
        &[call(25, 100)],
    ),
    op(1, "oteldemo.Cart/GetCart", Rpc, 700_000, 2, &[call(26, 100)]),
    op(
        11,
        "oteldemo.Accounts/GetProfile",
        Rpc,
        800_000,
        2,
        &[call(30, 100)],
    ),
    op(7, "oteldemo.Currency/Convert", Rpc, 200_000, 1, &[]),
    op(7, "oteldemo.Currency/GetSupported", Rpc, 150_000, 1, &[]),
    op(
        8,
        "oteldemo.Recommendation/List",
        Rpc,
        2_000_000,
        6,
        &[call(5, 70)],
    ),
    op(
        10,
        "oteldemo.Inventory/Reserve",
        Rpc,
        1_200_000,
        8,
        &[call(29, 100)],
    ),
    op(9, "oteldemo.Ads/GetAds", Rpc, 1_000_000, 15, &[call(28, 30)]),
    op(1, "oteldemo.Cart/AddItem", Rpc, 800_000, 3, &[call(27, 100)]),
    op(4, "oteldemo.Shipping/GetQuote", Rpc, 1_100_000, 3, &[]),
    op(
        2,
        "oteldemo.Checkout/PlaceOrder",
        Rpc,
        4_000_000,
        6,
        &[
            call(7, 100),
            call(6, 100),
            call(9, 100),
            call(12, 100),
            call(15, 100),
            call(17, 100),
            call(18, 95),
            call(19, 90),
            call(20, 90),
        ],
    ),
    op(3, "oteldemo.Payment/Charge", Rpc, 9_000_000, 20, &[call(23, 100)]),
    op(
        4,
        "oteldemo.Shipping/ShipOrder",
        Rpc,
        2_500_000,
        4,
        &[call(22, 100)],
    ),
    op(5, "oteldemo.Email/SendConfirmation", Rpc, 6_000_000, 10, &[]),
    op(1, "oteldemo.Cart/EmptyCart", Rpc, 600_000, 2, &[call(27, 100)]),
    op(11, "oteldemo.Accounts/Login", Rpc, 3_000_000, 9, &[call(30, 100)]),
    op(4, "INSERT shipments", Database, 1_300_000, 2, &[]),
    op(3, "INSERT charges", Database, 1_700_000, 3, &[]),
    op(6, "SELECT products", Database, 1_000_000, 1, &[]),
    op(6, "SELECT product", Database, 500_000, 1, &[]),
    op(1, "HGETALL", Database, 120_000, 1, &[]),
    op(1, "HSET", Database, 130_000, 1, &[]),
    op(9, "SELECT campaigns", Database, 400_000, 1, &[]),
    op(10, "UPDATE stock", Database, 900_000, 4, &[]),
    op(11, "SELECT accounts", Database, 450_000, 1, &[]),
    op(11, "GET /health", Http, 50_000, 0, &[]),
];
