//! Expressions as tables of states, so that a line can be tested in pieces: what stands before a value is the same for many lines,
//! and often it does not matter which value it is. Not for where in a line an expression matches.

use std::sync::OnceLock;

use hashbrown::HashMap;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

/// Where a test of a line is after some of its bytes.
pub(in crate::logql) type State = u16;

/// No line that begins so matches.
pub(in crate::logql) const NEVER: State = 0;
/// Every line that begins so matches.
pub(in crate::logql) const ALWAYS: State = 1;

/// Most states of a table.
const STATES_MAX: usize = 1_000;
/// Most bytes that making a table may take.
const BYTES_MAX: usize = 4 << 20;

/// Bytes that a value may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::logql) enum Alphabet {
    /// Any bytes.
    Any,
    /// Digits and `-`.
    Ints,
    /// Digits, `-` and `.`.
    Decimals,
    /// Hexadecimal digits in lower case and `-`.
    Hex,
    /// What dates are made of.
    Dates,
    /// Letters, digits, `_`, `.` and `-`.
    Words,
}

const ALPHABETS: usize = 6;

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Alphabet::Any => true,
            Alphabet::Ints => byte.is_ascii_digit() || byte == b'-',
            Alphabet::Decimals => byte.is_ascii_digit() || matches!(byte, b'-' | b'.'),
            Alphabet::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'),
            Alphabet::Dates => byte.is_ascii_digit() || b"-: TZ.,".contains(&byte),
            Alphabet::Words => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'),
        }
    }
}

/// Expressions of which one must match somewhere in a line.
#[derive(Debug, Clone)]
pub(in crate::logql) struct Automaton {
    /// The next state, 256 for each state by the byte that comes.
    next: Vec<State>,
    /// By state whether a line that ends there matches.
    at_end: Vec<bool>,
    start: State,
    /// By alphabet and state the states that values lead to.
    reached: [OnceLock<Vec<Vec<State>>>; ALPHABETS],
}

impl Automaton {
    /// Of expressions in the dialect of the `regex` crate; none where the table would be too large.
    pub(super) fn compile(expressions: &[String]) -> Option<Automaton> {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .accelerate(false)
                    .match_kind(MatchKind::LeftmostFirst)
                    .start_kind(StartKind::Unanchored)
                    .dfa_size_limit(Some(BYTES_MAX))
                    .determinize_size_limit(Some(BYTES_MAX)),
            )
            .syntax(syntax::Config::new().utf8(false))
            .thompson(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(BYTES_MAX)),
            )
            .build_many(expressions)
            .ok()?;
        let found = Found::of(&dfa)?;
        Some(found.smallest())
    }

    /// Before the first byte of a line.
    pub(in crate::logql) fn start(&self) -> State {
        self.start
    }

    /// Number of states.
    pub(in crate::logql) fn states(&self) -> usize {
        self.at_end.len()
    }

    /// After some more bytes.
    #[inline]
    pub(in crate::logql) fn run(&self, mut state: State, text: &[u8]) -> State {
        for byte in text {
            if state <= ALWAYS {
                break;
            }
            state = self.next[usize::from(state) << 8 | usize::from(*byte)];
        }
        state
    }

    /// True when a line that ends there matches.
    pub(in crate::logql) fn matches_at_end(&self, state: State) -> bool {
        self.at_end[usize::from(state)]
    }

    /// All states that values may lead to from some states; ascending.
    pub(in crate::logql) fn reached(&self, from: &[State], alphabet: Alphabet) -> Vec<State> {
        let of = self.reached[alphabet as usize].get_or_init(|| self.all_reached(alphabet));
        match from {
            [one] => of[usize::from(*one)].clone(),
            several => {
                let mut all: Vec<State> = several
                    .iter()
                    .flat_map(|state| of[usize::from(*state)].iter().copied())
                    .collect();
                all.sort_unstable();
                all.dedup();
                all
            }
        }
    }

    fn all_reached(&self, alphabet: Alphabet) -> Vec<Vec<State>> {
        let bytes: Vec<usize> = (0..=255u8)
            .filter(|b| alphabet.has(*b))
            .map(usize::from)
            .collect();
        let states = 0..self.states();
        let direct: Vec<Vec<State>> = states
            .clone()
            .map(|state| {
                let mut next: Vec<State> = bytes.iter().map(|byte| self.next[state << 8 | byte]).collect();
                next.sort_unstable();
                next.dedup();
                next
            })
            .collect();
        let from = |state: usize| {
            let mut seen = vec![false; self.states()];
            let mut open = vec![state as State];
            seen[state] = true;
            while let Some(state) = open.pop() {
                for next in &direct[usize::from(state)] {
                    if !std::mem::replace(&mut seen[usize::from(*next)], true) {
                        open.push(*next);
                    }
                }
            }
            let reached = seen.iter().enumerate().filter(|(_, seen)| **seen);
            reached.map(|(state, _)| state as State).collect()
        };
        states.map(from).collect()
    }
}

/// States as they are found.
struct Found {
    next: Vec<State>,
    at_end: Vec<bool>,
    start: State,
}

impl Found {
    /// None when there are too many.
    fn of(dfa: &dense::DFA<Vec<u32>>) -> Option<Found> {
        let start = dfa
            .start_state(&start::Config::new().anchored(Anchored::No))
            .ok()?;
        let mut found = Found {
            next: Vec::new(),
            at_end: vec![false, true],
            start: NEVER,
        };
        for state in [NEVER, ALWAYS] {
            found.next.extend([state; 256]);
        }
        let mut numbers = HashMap::new();
        let mut open = Vec::new();
        let mut number = |id, open: &mut Vec<_>| match () {
            () if dfa.is_match_state(id) => Some(ALWAYS),
            () if dfa.is_dead_state(id) => Some(NEVER),
            () if dfa.is_quit_state(id) => None,
            () => {
                let next = numbers.len() + 2;
                let number = *numbers.entry(id).or_insert_with(|| {
                    open.push(id);
                    next
                });
                (number < STATES_MAX).then_some(number as State)
            }
        };
        found.start = number(start, &mut open)?;
        let mut at = 0;
        while let Some(id) = open.get(at).copied() {
            at += 1;
            for byte in 0..=255u8 {
                let next = number(dfa.next_state(id, byte), &mut open)?;
                found.next.push(next);
            }
            found.at_end.push(dfa.is_match_state(dfa.next_eoi_state(id)));
        }
        Some(found)
    }

    /// With one state for all from which the same lines match (Moore 1956).
    fn smallest(self) -> Automaton {
        let states = self.at_end.len();
        let mut class: Vec<State> = self.at_end.iter().map(|at_end| State::from(*at_end)).collect();
        let mut classes = 2;
        loop {
            let mut known: HashMap<Vec<State>, State> = HashMap::new();
            let mut finer = Vec::with_capacity(states);
            for state in 0..states {
                let next = &self.next[state << 8..(state + 1) << 8];
                let mut what: Vec<State> = next.iter().map(|to| class[usize::from(*to)]).collect();
                what.push(class[state]);
                let number = known.len() as State;
                finer.push(*known.entry(what).or_insert(number));
            }
            class = finer;
            if known.len() == classes {
                break;
            }
            classes = known.len();
        }
        // States 0 and 1 come first, so that their classes have these numbers.
        let mut next = Vec::with_capacity(classes << 8);
        let mut at_end = Vec::with_capacity(classes);
        for state in 0..states {
            if usize::from(class[state]) == at_end.len() {
                let of = &self.next[state << 8..(state + 1) << 8];
                next.extend(of.iter().map(|to| class[usize::from(*to)]));
                at_end.push(self.at_end[state]);
            }
        }
        Automaton {
            next,
            at_end,
            start: class[usize::from(self.start)],
            reached: Default::default(),
        }
    }
}

#[cfg(test)]
mod tests;
