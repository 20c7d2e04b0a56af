//! The deepest queries that parse are printed, explained and evaluated on the stack of an ordinary thread.

use crate::promql::eval::{Budget, Query, eval, explain};
use crate::promql::{ParseOptions, format, parse};
use crate::promqltest::memory::MemorySource;

/// The default of Rust's threads, on which servers run queries.
const STACK: usize = 2 << 20;

/// Query texts of any depth.
const SHAPES: [fn(usize) -> String; 9] = [
    |n| "(".repeat(n) + "a" + &")".repeat(n),
    |n| "-".repeat(n) + "a",
    |n| "abs(".repeat(n) + "a" + &")".repeat(n),
    |n| "sum by (x) (".repeat(n) + "a" + &")".repeat(n),
    |n| "a + ".repeat(n) + "a",
    |n| "a ^ ".repeat(n) + "a",
    |n| "a or (".repeat(n) + "a" + &")".repeat(n),
    |n| "max_over_time(".repeat(n) + "a" + &"[1m:1m])".repeat(n),
    |n| format!("a[{}1m{}]", "(".repeat(n), ")".repeat(n)),
];

fn run(text: &str) {
    let Ok(expr) = parse(text, &ParseOptions::ALL) else {
        return;
    };
    let printed = expr.to_string();
    assert!(parse(&printed, &ParseOptions::ALL).is_ok(), "{printed}");
    format::pretty(&expr);
    let query = Query::range(text, expr, 0, 60_000, 30_000);
    let source = MemorySource::default();
    drop(eval(&query, &source, &Budget::default()));
    drop(explain(&query, &source));
}

#[test]
fn the_deepest_queries_fit_the_stack_and_deeper_ones_are_refused() {
    for shape in SHAPES {
        let deepest = (1..600)
            .rev()
            .find(|n| parse(&shape(*n), &ParseOptions::ALL).is_ok())
            .unwrap();
        assert!((100..500).contains(&deepest), "{deepest}: {}", shape(1));
        let text = shape(deepest);
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn(move || run(&text)).unwrap().join().unwrap();
        for deeper in [600, 200_000] {
            let error = parse(&shape(deeper), &ParseOptions::ALL).unwrap_err().to_string();
            assert!(error.contains("nested deeper than 500 levels"), "{error}");
        }
    }
}
