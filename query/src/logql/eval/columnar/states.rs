//! Tests the lines of a group by an automaton, column by column: what stands around values is gone through once for all lines that
//! share it, texts of a dictionary once each, and values that cannot matter are not read. Not for what an automaton is.

mod texts;

use std::cell::OnceCell;

use kymo_engine::logs::Columns;
use kymo_engine::logs::columns::places;
use kymo_engine::logs::line::{ARRAY, BARE, QUOTED};

use crate::logql::pipeline::{ALWAYS, Automaton, NEVER, State};
use texts::{Slots, Texts};

/// Where the tests of some lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum States {
    /// All in the same state.
    One(State),
    /// By line.
    Each(Vec<State>),
}

impl States {
    /// The states, each once, ascending.
    fn distinct(&self, of: usize) -> Vec<State> {
        match self {
            States::One(state) => vec![*state],
            States::Each(states) => {
                let mut seen = vec![false; of];
                states.iter().for_each(|state| seen[usize::from(*state)] = true);
                places(&seen).into_iter().map(|state| state as State).collect()
            }
        }
    }

    fn at(&self, n: usize) -> State {
        match self {
            States::One(state) => *state,
            States::Each(states) => states[n],
        }
    }

    /// Those of some of the lines.
    fn of(&self, lines: &[u32]) -> States {
        match self {
            States::One(state) => States::One(*state),
            States::Each(states) => States::Each(lines.iter().map(|n| states[*n as usize]).collect()),
        }
    }
}

/// By place in the group whether the line matches.
pub(super) fn matching(columns: &Columns<'_>, automaton: &Automaton) -> kymo_engine::Result<Vec<bool>> {
    let header = columns.header();
    let mut found = vec![false; header.rows as usize];
    let group = Group::new(columns, automaton);
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); header.shapes.len()];
    if rows.len() > 1 {
        for (row, shape) in columns.shapes()?.iter().enumerate() {
            rows[*shape as usize].push(row as u32);
        }
    }
    for (of, rows) in header.shapes.iter().zip(&rows) {
        let skeleton = &header.skeletons[of.skeleton as usize];
        let rows = (header.shapes.len() > 1).then_some(rows.as_slice());
        let texts = Texts {
            group: &group,
            text: &skeleton.text,
            is_slot: |b| matches!(b, QUOTED | BARE | ARRAY),
            slots: Slots::Columns(&skeleton.columns, rows),
            ends_line: true,
        };
        let states = texts.run(States::One(automaton.start()), of.rows as usize, None)?;
        let is_match = |line: usize| states.at(line) == ALWAYS;
        match rows {
            None => found
                .iter_mut()
                .enumerate()
                .for_each(|(line, found)| *found = is_match(line)),
            Some(rows) => {
                let lines = rows.iter().enumerate();
                lines.for_each(|(line, row)| found[*row as usize] = is_match(line));
            }
        }
    }
    Ok(found)
}

/// A group and what it is tested by.
struct Group<'g> {
    columns: &'g Columns<'g>,
    automaton: &'g Automaton,
    /// By column the place of each entry of the group in it, where not all have it.
    places: Vec<OnceCell<Vec<u32>>>,
}

impl<'g> Group<'g> {
    fn new(columns: &'g Columns<'g>, automaton: &'g Automaton) -> Group<'g> {
        let places = columns.header().columns.iter().map(|_| OnceCell::new());
        Group {
            columns,
            automaton,
            places: places.collect(),
        }
    }

    /// The places in a column of the entries at some places of the group.
    fn places(&self, column: u32, rows: &[u32]) -> kymo_engine::Result<Vec<u32>> {
        let cell = &self.places[column as usize];
        let all = match cell.get() {
            Some(all) => all,
            None => {
                let (has, mut next) = (self.columns.has(column), 0);
                let place = |shape: &u32| {
                    let place = next;
                    next += u32::from(has[*shape as usize]);
                    place
                };
                let all = self.columns.shapes()?.iter().map(place).collect();
                cell.get_or_init(|| all)
            }
        };
        Ok(rows.iter().map(|row| all[*row as usize]).collect())
    }
}

/// The state that stands for what a line in a state comes to, if it ends there.
fn ended(automaton: &Automaton, state: State) -> State {
    if automaton.matches_at_end(state) {
        ALWAYS
    } else {
        NEVER
    }
}
