//! Which group of `by(..)` a row belongs to, as numbers in the order of their first rows. Not for what is counted of groups.

use hashbrown::HashMap;
use kymo_engine::traces::Value;

use super::super::ast::Static;
use super::error::EvalError;
use super::frame::Frame;
use super::key::Key;
use super::operand::{Operand, coded_cell};

/// No number yet.
const UNKNOWN: u32 = u32::MAX;

/// Most attributes that group.
const BY_MAX: usize = 5;

/// Rows whose groups are remembered.
const LATELY: usize = 1_024;

/// Codes or numbers of the values of a row.
type Tuple = [u32; BY_MAX];

/// The groups of one table.
pub(super) struct Grouper<'f, 't> {
    operands: Vec<&'f Operand<'t>>,
    /// Where all operands have the same codes: those, and the group of each code.
    shared: Option<(&'f [u32], Vec<u32>)>,
    /// The group of a row without a code.
    absent: u32,
    /// The group of a text by its place in memory, where one operand tells groups: many codes share one text.
    texts: HashMap<usize, u32>,
    /// Numbers of the whole values of each operand that has such, and of other values without codes.
    wholes: Vec<HashMap<Option<i64>, u32>>,
    values: Vec<HashMap<Key, u32>>,
    /// Numbers of values together, and some that were seen lately, by a mix of their bits.
    tuples: HashMap<Tuple, u32>,
    lately: Vec<(Tuple, u32)>,
    numbers: HashMap<Vec<Key>, u32>,
    /// The values of each group.
    pub(super) keys: Vec<Vec<Key>>,
}

impl<'f, 't> Grouper<'f, 't> {
    /// Groups by attributes of the query, by number.
    pub(super) fn new(frame: &'f Frame<'t>, by: &[usize]) -> Result<Grouper<'f, 't>, EvalError> {
        let operands: Result<Vec<&Operand<'t>>, EvalError> = by.iter().map(|n| frame.operand(*n)).collect();
        let operands = operands?;
        let mut grouper = Grouper {
            shared: shared_codes(&operands),
            wholes: operands.iter().map(|_| HashMap::new()).collect(),
            values: operands.iter().map(|_| HashMap::new()).collect(),
            operands,
            absent: UNKNOWN,
            texts: HashMap::new(),
            tuples: HashMap::new(),
            lately: vec![([UNKNOWN; BY_MAX], UNKNOWN); LATELY],
            numbers: HashMap::new(),
            keys: Vec::new(),
        };
        if grouper.operands.is_empty() {
            grouper.number(Vec::new());
        }
        Ok(grouper)
    }

    /// The group of a row.
    #[inline]
    pub(super) fn of(&mut self, row: usize) -> u32 {
        if let Some((codes, groups)) = &self.shared
            && let Some(group) = groups.get(codes[row] as usize)
            && *group != UNKNOWN
        {
            return *group;
        }
        self.slowly(row)
    }

    /// The group of a row whose code has none yet, or that has no code.
    fn slowly(&mut self, row: usize) -> u32 {
        match &self.shared {
            Some((codes, _)) => self.of_code(codes[row]),
            None if self.operands.is_empty() => 0,
            None => self.tuple(row),
        }
    }

    /// True when all rows are in one group, as nothing tells them apart.
    pub(super) fn is_single(&self) -> bool {
        self.operands.is_empty()
    }

    /// The codes that tell the groups of rows, where there are such, and how many there are.
    pub(super) fn codes(&self) -> Option<(&'f [u32], usize)> {
        self.shared.as_ref().map(|(codes, groups)| (*codes, groups.len()))
    }

    /// The group of a code.
    pub(super) fn of_code(&mut self, code: u32) -> u32 {
        let known = match &self.shared {
            Some((_, groups)) => groups.get(code as usize).copied().unwrap_or(self.absent),
            None => UNKNOWN,
        };
        if known != UNKNOWN {
            return known;
        }
        let text = match &self.operands[..] {
            [Operand::Coded { values, .. }] => text_place(values, code),
            _ => None,
        };
        let group = match text.and_then(|place| self.texts.get(&place)) {
            Some(group) => *group,
            None => {
                let group = self.keyed(|operand| code_value(operand, code));
                self.texts.extend(text.map(|place| (place, group)));
                group
            }
        };
        match &mut self.shared {
            Some((_, groups)) if (code as usize) < groups.len() => groups[code as usize] = group,
            _ => self.absent = group,
        }
        group
    }

    fn keyed(&mut self, value: impl Fn(&Operand<'t>) -> Static) -> u32 {
        let key = self.operands.iter().map(|operand| Key(value(operand))).collect();
        self.number(key)
    }

    fn number(&mut self, key: Vec<Key>) -> u32 {
        let next = self.keys.len() as u32;
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.keys.push(key.clone());
            next
        })
    }

    fn tuple(&mut self, row: usize) -> u32 {
        let mut tuple = [UNKNOWN; BY_MAX];
        for (at, operand) in self.operands.iter().enumerate().take(BY_MAX) {
            tuple[at] = match operand {
                Operand::Coded { codes, .. } => codes[row],
                operand => match operand.whole_at(row) {
                    Some(value) => numbered(&mut self.wholes[at], value),
                    None => {
                        let key = Key(operand.cell(row).first().unwrap_or(Static::Nil));
                        numbered(&mut self.values[at], key)
                    }
                },
            };
        }
        let mixed = tuple.iter().fold(0u32, |mix, n| {
            mix.rotate_left(5).wrapping_add(*n).wrapping_mul(0x9e37_79b1)
        });
        let place = (mixed >> 16) as usize % LATELY;
        if tuple != self.lately[place].0 || self.lately[place].1 == UNKNOWN {
            let group = match self.tuples.get(&tuple) {
                Some(group) => *group,
                None => {
                    let group = self.keyed(|operand| operand.cell(row).first().unwrap_or(Static::Nil));
                    self.tuples.insert(tuple, group);
                    group
                }
            };
            self.lately[place] = (tuple, group);
        }
        self.lately[place].1
    }
}

/// The number of a value in the order of first sight.
fn numbered<K: std::hash::Hash + Eq>(numbers: &mut HashMap<K, u32>, key: K) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(key).or_insert(next)
}

/// Where the text of a code lies.
fn text_place(values: &[Option<Value>], code: u32) -> Option<usize> {
    match values.get(code as usize)? {
        Some(Value::String(text)) => Some(text.as_ptr().addr()),
        _ => None,
    }
}

fn code_value(operand: &Operand<'_>, code: u32) -> Static {
    let cell = match operand {
        Operand::Coded {
            values, reading, ids, ..
        } => coded_cell(code, values, *reading, *ids),
        _ => super::cell::Cell::Absent,
    };
    cell.first().unwrap_or(Static::Nil)
}

/// The codes that all operands have.
fn shared_codes<'f>(operands: &[&'f Operand<'_>]) -> Option<(&'f [u32], Vec<u32>)> {
    let mut shared: Option<(&'f [u32], usize)> = None;
    for operand in operands {
        let Operand::Coded { codes, values, .. } = operand else {
            return None;
        };
        shared = match shared {
            None => Some((codes, values.len())),
            Some((known, len)) if std::ptr::eq(known, &**codes) => Some((known, len.max(values.len()))),
            Some(_) => return None,
        };
    }
    shared.map(|(codes, len)| (codes, vec![UNKNOWN; len]))
}
