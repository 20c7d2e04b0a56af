//! scratch
use kymo_query::promql::{ParseOptions, parse};
fn main() {
    let text = std::fs::read_to_string("/tmp/inputs.txt").unwrap();
    for line in text.lines() {
        let line = line.replace("\\n", "\n");
        for (n, o) in [("def", ParseOptions::default()), ("all", ParseOptions::ALL)] {
            match parse(&line, &o) {
                Ok(e) => println!("{line:?} [{n}] OK {e}"),
                Err(e) => println!("{line:?} [{n}] {e}"),
            }
        }
    }
}
