//! A line in pieces matches as the whole line does, and states that tell nothing apart are one.

use proptest::prelude::*;

use super::*;

fn automaton(expression: &str) -> Automaton {
    Automaton::compile(&[expression.to_owned()]).unwrap()
}

fn matches(automaton: &Automaton, text: &[u8]) -> bool {
    automaton.matches_at_end(automaton.run(automaton.start(), text))
}

#[test]
fn equal_states_are_one_and_what_decides_stays() {
    let of = automaton("took 49[0-9]{2} ms");
    assert_eq!(of.states(), 14);
    assert_eq!(of.run(of.start(), b"it took 4912 ms and"), ALWAYS);
    assert_eq!(of.run(of.start(), b"it took 49 ms"), of.start());
    assert_eq!(automaton("^a").run(automaton("^a").start(), b"b"), NEVER);
    assert!(Automaton::compile(&["(?i)[a-z]{900}x.{40}y".to_owned()]).is_none());
}

#[test]
fn values_lead_where_their_bytes_may() {
    let of = automaton("took 49[0-9]{2} ms");
    assert!(!of.reached(&[of.start()], Alphabet::Words).contains(&ALWAYS));
    assert_eq!(of.reached(&[of.start()], Alphabet::Ints), [of.start()]);
    assert!(of.reached(&[of.start()], Alphabet::Any).contains(&ALWAYS));
}

const EXPRESSIONS: [&str; 12] = [
    "a",
    "",
    "^a.*b$",
    "(?-u:\\b)ab",
    "a|bc|[^a]{3}",
    "(?i)aB",
    "(ab)+c?$",
    "\u{e4}.",
    "$",
    "^$",
    "b{2,4}[0-9]",
    "[[:space:]]",
];

proptest! {
    #[test]
    fn a_line_in_pieces_matches_as_the_whole_does(
        line in proptest::collection::vec(proptest::sample::select(b"abcAB 0\xc3\xa4\n".to_vec()), 0..12),
        cut in 0..12usize,
        n in 0..EXPRESSIONS.len(),
    ) {
        let of = automaton(EXPRESSIONS[n]);
        let regex = regex::bytes::Regex::new(EXPRESSIONS[n]).unwrap();
        let (a, b) = line.split_at(cut.min(line.len()));
        let state = of.run(of.run(of.start(), a), b);
        prop_assert_eq!(of.matches_at_end(state), regex.is_match(&line));
        prop_assert_eq!(matches(&of, &line), regex.is_match(&line));
    }
}
