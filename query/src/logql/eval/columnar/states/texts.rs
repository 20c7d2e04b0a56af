//! Texts with the same parts around their slots, gone through by an automaton.

use std::sync::Arc;

use kymo_engine::logs::line::BARE;
use kymo_engine::logs::values::{Form, Outline, TemplateValues, Values};

use super::{Group, States, ended};
use crate::logql::pipeline::{ALWAYS, Alphabet, State};

/// Texts of a dictionary, or templates, that are gone through to tell where values may lead.
const TOLD_MAX: usize = 64;

/// Where the values of slots come from.
#[derive(Clone, Copy)]
pub(super) enum Slots<'s> {
    /// Columns of a group, and the places of the lines in the group where they are not all there are.
    Columns(&'s [u32], Option<&'s [u32]>),
    /// Slots of a template of a column.
    Outline(u32, &'s Outline, usize),
    /// Slots of a template within another's slot.
    Values(&'s TemplateValues, usize),
}

/// Texts that have their parts around slots in common.
#[derive(Clone, Copy)]
pub(super) struct Texts<'t> {
    pub(super) group: &'t Group<'t>,
    /// With a marker for each slot.
    pub(super) text: &'t [u8],
    pub(super) is_slot: fn(u8) -> bool,
    pub(super) slots: Slots<'t>,
    /// Nothing comes behind the texts.
    pub(super) ends_line: bool,
}

/// What comes next in a text.
enum Piece<'t> {
    Text(&'t [u8]),
    Slot(usize),
}

impl<'t> Texts<'t> {
    fn pieces(&self) -> Vec<Piece<'t>> {
        let (mut pieces, mut slots) = (Vec::new(), 0);
        for (n, text) in self.text.split(|b| (self.is_slot)(*b)).enumerate() {
            if n > 0 {
                pieces.push(Piece::Slot(slots));
                slots += 1;
            }
            if !text.is_empty() {
                pieces.push(Piece::Text(text));
            }
        }
        pieces
    }

    /// Takes lines through their texts. Their places among the texts are told where they are not just all of them in order.
    pub(super) fn run(
        &self,
        mut states: States,
        lines: usize,
        places: Option<&[u32]>,
    ) -> kymo_engine::Result<States> {
        let pieces = self.pieces();
        let mut at = 0;
        while at < pieces.len() {
            match &pieces[at] {
                Piece::Text(text) => self.through_text(&mut states, text),
                Piece::Slot(slot) => {
                    if let Some((behind, state)) = self.meets(&pieces, at, &states)? {
                        states = States::One(state);
                        at = behind;
                        continue;
                    }
                    let ends_line = self.ends_line && at + 1 == pieces.len();
                    states = self.through_slot(*slot, states, lines, places, ends_line)?;
                }
            }
            at += 1;
        }
        if self.ends_line {
            match &mut states {
                States::One(state) => *state = ended(self.group.automaton, *state),
                States::Each(each) => each
                    .iter_mut()
                    .for_each(|state| *state = ended(self.group.automaton, *state)),
            }
        }
        Ok(states)
    }

    /// The piece before which all lines are in one state again, whatever the values before it are, and the state.
    fn meets(
        &self,
        pieces: &[Piece<'_>],
        from: usize,
        states: &States,
    ) -> kymo_engine::Result<Option<(usize, State)>> {
        let mut set = states.distinct(self.group.automaton.states());
        for (at, piece) in pieces.iter().enumerate().skip(from) {
            set = self.reach(piece, set, self.ends_line && at + 1 == pieces.len())?;
            match set.as_slice() {
                [one] => return Ok(Some((at + 1, *one))),
                _ if set.contains(&ALWAYS) => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The states that the texts may lead to.
    fn reach_all(&self, mut set: Vec<State>) -> kymo_engine::Result<Vec<State>> {
        let pieces = self.pieces();
        for (at, piece) in pieces.iter().enumerate() {
            set = self.reach(piece, set, self.ends_line && at + 1 == pieces.len())?;
        }
        if self.ends_line {
            set = set
                .into_iter()
                .map(|state| ended(self.group.automaton, state))
                .collect();
            set.sort_unstable();
            set.dedup();
        }
        Ok(set)
    }

    fn reach(&self, piece: &Piece<'_>, set: Vec<State>, ends_line: bool) -> kymo_engine::Result<Vec<State>> {
        let mut set: Vec<State> = match piece {
            Piece::Text(text) => set
                .into_iter()
                .map(|state| self.group.automaton.run(state, text))
                .collect(),
            Piece::Slot(slot) => match self.slots {
                Slots::Columns(columns, _) => self.reach_column(columns[*slot], set, ends_line)?,
                Slots::Outline(_, outline, template) => {
                    let alphabet = alphabet(outline.form(outline.slot(template, *slot)), Alphabet::Words);
                    self.group.automaton.reached(&set, alphabet)
                }
                Slots::Values(of, template) => {
                    let alphabet = alphabet(of.slots(template)[*slot].form(), Alphabet::Words);
                    self.group.automaton.reached(&set, alphabet)
                }
            },
        };
        if ends_line {
            set.iter_mut()
                .for_each(|state| *state = ended(self.group.automaton, *state));
        }
        set.sort_unstable();
        set.dedup();
        Ok(set)
    }

    fn reach_column(&self, column: u32, set: Vec<State>, ends_line: bool) -> kymo_engine::Result<Vec<State>> {
        let mut reached = Vec::new();
        let form = self.group.columns.form(column)?.unwrap_or(Form::Texts);
        match (self.group.columns.outline(column)?, form) {
            (Some(outline), _) if outline.templates().len() <= TOLD_MAX => {
                for (template, text) in outline.templates().iter().enumerate() {
                    let texts = self.of_outline(column, &outline, template, text, ends_line);
                    reached.extend(texts.reach_all(set.clone())?);
                }
            }
            (None, Form::Const | Form::Dictionary) => match self.group.columns.texts(column)? {
                Some(texts) if texts.len() <= TOLD_MAX => {
                    for text in texts.iter() {
                        reached.extend(set.iter().map(|state| self.group.automaton.run(*state, text)));
                    }
                }
                _ => return Ok(self.group.automaton.reached(&set, Alphabet::Any)),
            },
            (_, form) => return Ok(self.group.automaton.reached(&set, alphabet(form, Alphabet::Any))),
        }
        Ok(reached)
    }

    fn of_outline<'a>(
        &'a self,
        column: u32,
        outline: &'a Outline,
        template: usize,
        text: &'a [u8],
        ends_line: bool,
    ) -> Texts<'a> {
        Texts {
            text,
            is_slot: |b| b == BARE,
            slots: Slots::Outline(column, outline, template),
            ends_line,
            ..*self
        }
    }

    fn through_text(&self, states: &mut States, text: &[u8]) {
        match states {
            States::One(state) => *state = self.group.automaton.run(*state, text),
            States::Each(each) => {
                let mut known = vec![None; self.group.automaton.states()];
                for state in each {
                    let next = &mut known[usize::from(*state)];
                    *state = *next.get_or_insert_with(|| self.group.automaton.run(*state, text));
                }
            }
        }
    }

    fn through_slot(
        &self,
        slot: usize,
        states: States,
        lines: usize,
        places: Option<&[u32]>,
        ends_line: bool,
    ) -> kymo_engine::Result<States> {
        match self.slots {
            Slots::Columns(columns, rows) => {
                let column = columns[slot];
                let places = rows.map(|rows| self.group.places(column, rows)).transpose()?;
                let places = places.as_deref();
                match self.group.columns.outline(column)? {
                    Some(outline) => {
                        let of =
                            |template, text| self.of_outline(column, &outline, template, text, ends_line);
                        let codes = || {
                            let codes = self.group.columns.template_codes(column)?;
                            Ok(Codes(codes.unwrap_or_default()))
                        };
                        through_templates(states, lines, places, codes, outline.templates(), &of)
                    }
                    None => {
                        let values = self.group.columns.values(column)?;
                        self.through_values(&values, states, lines, places, ends_line)
                    }
                }
            }
            Slots::Outline(column, outline, template) => {
                let values = self.group.columns.slot(column, outline, template, slot)?;
                self.through_values(&values, states, lines, places, ends_line)
            }
            Slots::Values(of, template) => {
                self.through_values(&of.slots(template)[slot], states, lines, places, ends_line)
            }
        }
    }

    fn through_values(
        &self,
        values: &Values,
        states: States,
        lines: usize,
        places: Option<&[u32]>,
        ends_line: bool,
    ) -> kymo_engine::Result<States> {
        let place = |line: usize| places.map_or(line, |places| places[line] as usize);
        match values {
            Values::Const(text) => {
                let mut states = states;
                self.through_text(&mut states, text);
                Ok(states)
            }
            Values::Templates(of) => {
                let texts = |template, text| Texts {
                    text,
                    is_slot: |b| b == BARE,
                    slots: Slots::Values(of, template),
                    ends_line,
                    ..*self
                };
                through_templates(states, lines, places, || Ok(of.codes()), of.templates(), &texts)
            }
            Values::Dictionary(texts, codes) => {
                let mut known: Vec<Vec<Option<State>>> = vec![Vec::new(); self.group.automaton.states()];
                let next = |line: usize| {
                    let (state, code) = (states.at(line), usize::from(codes[place(line)]));
                    let of = &mut known[usize::from(state)];
                    if of.is_empty() {
                        of.resize(texts.len(), None);
                    }
                    *of[code].get_or_insert_with(|| self.group.automaton.run(state, texts.get(code)))
                };
                Ok(States::Each((0..lines).map(next).collect()))
            }
            other => {
                let mut text = Vec::new();
                let next = |line: usize| {
                    text.clear();
                    other.put(place(line), &mut text);
                    self.group.automaton.run(states.at(line), &text)
                };
                Ok(States::Each((0..lines).map(next).collect()))
            }
        }
    }
}

/// The templates of the texts of a column.
struct Codes(Arc<Vec<u16>>);

impl AsRef<[u16]> for Codes {
    fn as_ref(&self) -> &[u16] {
        &self.0
    }
}

/// Takes lines through texts by template, given the template of each text and the texts of each template.
fn through_templates<'a, C: AsRef<[u16]>>(
    states: States,
    lines: usize,
    places: Option<&[u32]>,
    codes: impl Fn() -> kymo_engine::Result<C>,
    templates: &'a kymo_engine::logs::values::Texts,
    texts: &dyn Fn(usize, &'a [u8]) -> Texts<'a>,
) -> kymo_engine::Result<States> {
    let mut told: Vec<Option<State>> = Vec::with_capacity(templates.len());
    for (n, template) in templates.iter().enumerate() {
        let of = texts(n, template);
        let set = of.reach_all(states.distinct(of.group.automaton.states()))?;
        told.push(match set.as_slice() {
            [one] => Some(*one),
            _ => None,
        });
    }
    if let [Some(first), others @ ..] = told.as_slice()
        && others.iter().all(|of| *of == Some(*first))
    {
        return Ok(States::One(*first));
    }
    // Lines of each template that is not told, and their places among its texts.
    let mut of: Vec<(Vec<u32>, Vec<u32>)> = vec![Default::default(); told.len()];
    let mut next = vec![State::default(); lines];
    let mut ranks = vec![0u32; told.len()];
    let mut line = 0;
    for (place, code) in codes()?.as_ref().iter().enumerate() {
        let code = usize::from(*code);
        let rank = ranks[code];
        ranks[code] += 1;
        let is_next = match places {
            None => true,
            Some(places) => places.get(line).is_some_and(|of| *of as usize == place),
        };
        if is_next {
            match told[code] {
                Some(state) => next[line] = state,
                None => {
                    of[code].0.push(line as u32);
                    of[code].1.push(rank);
                }
            }
            line += 1;
        }
    }
    for (n, (lines, ranks)) in of.iter().enumerate().filter(|(_, (lines, _))| !lines.is_empty()) {
        let found = texts(n, templates.get(n)).run(states.of(lines), lines.len(), Some(ranks))?;
        for (at, line) in lines.iter().enumerate() {
            next[*line as usize] = found.at(at);
        }
    }
    Ok(States::Each(next))
}

/// The bytes of values of a form; `others` where the form does not tell.
fn alphabet(form: Form, others: Alphabet) -> Alphabet {
    match form {
        Form::Ints | Form::Padded => Alphabet::Ints,
        Form::Decimals => Alphabet::Decimals,
        Form::Hex | Form::Uuids => Alphabet::Hex,
        Form::Times => Alphabet::Dates,
        Form::Const | Form::Dictionary | Form::Templates | Form::Texts => others,
    }
}
