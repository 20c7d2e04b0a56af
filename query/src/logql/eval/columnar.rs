//! Stages on the columns of a group: which values of an entry they look at, and what came of the same values before. What stages
//! make of a line follows from its stream, its shape and those values alone, so one line stands for all that share them.
//! Not for stages that look at more (see [`Looks`]), and not for what is counted.

mod chosen;
mod coded;
mod states;
mod tested;

use std::borrow::Cow;

use hashbrown::HashMap;
use kymo_engine::logs::Columns;
use kymo_engine::logs::block::header::{ColumnName, GroupHeader, Shape};
use kymo_engine::logs::line::{ARRAY, BARE, LineKind, QUOTED};

use crate::logql::pipeline::{Looks, Pipeline};
pub(super) use chosen::{Chosen, Conditions, chosen};
pub(crate) use coded::Coded;
pub(super) use tested::{Kept, Tested};

/// Most columns that tell one outcome from another.
const KEYS_MAX: usize = 4;

/// No outcome is known.
const UNKNOWN: u32 = u32::MAX;

/// What stages look at in the entries of one shape.
#[derive(Debug, Clone, Default)]
pub(super) struct ShapeLook {
    /// The line must be put together.
    pub(super) whole: bool,
    /// Columns whose values decide.
    pub(super) keys: Vec<u32>,
    /// The column of the number that is unwrapped, when nothing else depends on it.
    pub(super) number: Option<u32>,
}

/// The columns of a group as stages look at them.
pub(super) struct Looking<'c> {
    pub(super) columns: &'c Columns<'c>,
    pub(super) shapes: Vec<ShapeLook>,
    looks: Looks,
    /// By number of the column.
    coded: Vec<Option<Coded>>,
}

/// Where the values of an entry that stands for others come from.
#[derive(Clone, Copy)]
pub(super) enum Example<'t> {
    /// From the entry at a place of the group.
    Row(usize),
    /// One value of one column; the shape looks at no others.
    Text(&'t [u8]),
}

impl<'c> Looking<'c> {
    /// For stages that look at labels only; `number` is a label that nothing depends on but the number taken from it.
    pub(super) fn new(
        columns: &'c Columns<'c>,
        pipeline: &Pipeline,
        looks: Looks,
        number: Option<&str>,
    ) -> Looking<'c> {
        let header = columns.header();
        let number = number.filter(|label| columns.runs().all(|run| run.labels.value(label).is_empty()));
        // By column whether it is looked at, and whether it is the number.
        let looked_at: Vec<(bool, bool)> = header
            .columns
            .iter()
            .map(|column| {
                let label = match &column.name {
                    ColumnName::Metadata(name) => Some(Cow::Borrowed(name.as_str())),
                    ColumnName::Slot(slot, _) => looks.label(slot).map(Cow::Owned),
                };
                let is = |of: &str| (pipeline.wants(of), Some(of) == number);
                label.map_or((false, false), |label| is(&label))
            })
            .collect();
        let look = |shape: &Shape| {
            let is_number = |column: &u32| looked_at[*column as usize].1;
            let mut keys: Vec<u32> = header
                .columns_of(shape)
                .filter(|column| looked_at[*column as usize].0)
                .collect();
            let mut numbers = keys.iter().copied().filter(is_number);
            let number = numbers.next().filter(|_| numbers.next().is_none());
            keys.retain(|column| Some(*column) != number);
            let kind = header.skeletons[shape.skeleton as usize].kind;
            let is_parsed = match looks {
                Looks::Labels => true,
                Looks::Json => kind == LineKind::Json,
                Looks::Logfmt => kind == LineKind::Logfmt,
            };
            ShapeLook {
                whole: !is_parsed || keys.len() > KEYS_MAX,
                keys,
                number,
            }
        };
        Looking {
            columns,
            shapes: header.shapes.iter().map(look).collect(),
            looks,
            coded: header.columns.iter().map(|_| None).collect(),
        }
    }

    /// The only column that decides, when there is one at most and no line must be put together.
    pub(super) fn only_key(&self) -> Option<Option<u32>> {
        let mut only = None;
        for shape in &self.shapes {
            let of_shape = match shape.keys.as_slice() {
                _ if shape.whole || shape.number.is_some() => return None,
                [] => continue,
                [one] => *one,
                _ => return None,
            };
            if only.is_some_and(|only| only != of_shape) {
                return None;
            }
            only = Some(of_shape);
        }
        Some(only)
    }

    /// True for a column of values of lines.
    fn is_slot(&self, column: u32) -> bool {
        let name = &self.columns.header().columns[column as usize].name;
        matches!(name, ColumnName::Slot(..)) && self.looks != Looks::Labels
    }

    /// Reads the columns that stages look at, with codes if outcomes are to be remembered.
    pub(super) fn read(&mut self, with_codes: bool) -> kymo_engine::Result<()> {
        for shape in 0..self.shapes.len() {
            let look = &self.shapes[shape];
            if look.whole {
                continue;
            }
            for column in look.keys.clone() {
                self.read_column(column, with_codes)?;
            }
            if let Some(column) = self.shapes[shape].number {
                self.read_column(column, false)?;
            }
        }
        Ok(())
    }

    fn read_column(&mut self, column: u32, is_key: bool) -> kymo_engine::Result<()> {
        let of = &mut self.coded[column as usize];
        if of.is_none() {
            *of = Some(Coded::read(self.columns, column, is_key)?);
        }
        Ok(())
    }

    pub(super) fn coded(&self, column: u32) -> Option<&Coded> {
        self.coded[column as usize].as_ref()
    }

    /// The line and the metadata of an entry as far as stages look at them; what they do not look at is left out or made up.
    pub(super) fn example(&self, shape: usize, from: Example<'_>, out: &mut ExampleLine) {
        let header = self.columns.header();
        out.clear();
        let of = &header.shapes[shape];
        let mut put = |column: u32, out: &mut Vec<u8>| {
            let look = &self.shapes[shape];
            let is_read = look.keys.contains(&column) || look.number == Some(column);
            match from {
                _ if !is_read => return false,
                Example::Text(text) => out.extend_from_slice(text),
                Example::Row(row) => match self.coded(column) {
                    Some(coded) => coded.put(row, out),
                    None => return false,
                },
            }
            true
        };
        if self.looks != Looks::Labels {
            skeleton(header, of.skeleton as usize, &mut put, &mut out.line);
        }
        for column in &of.metadata {
            let ColumnName::Metadata(name) = &header.columns[*column as usize].name else {
                continue;
            };
            let mut value = Vec::new();
            if put(*column, &mut value) {
                let value = String::from_utf8_lossy(&value).into_owned();
                out.metadata.push((name.clone(), value));
            }
        }
    }
}

/// A line that stands for others.
#[derive(Debug, Default)]
pub(super) struct ExampleLine {
    pub(super) line: Vec<u8>,
    metadata: Vec<(String, String)>,
}

impl ExampleLine {
    fn clear(&mut self) {
        self.line.clear();
        self.metadata.clear();
    }

    /// Names and values of the metadata.
    pub(super) fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

/// Puts a line of a skeleton together; slots for which `put` is false get some value of their kind.
pub(crate) fn skeleton(
    header: &GroupHeader,
    number: usize,
    put: &mut impl FnMut(u32, &mut Vec<u8>) -> bool,
    out: &mut Vec<u8>,
) {
    let skeleton = &header.skeletons[number];
    let mut columns = skeleton.columns.iter();
    for byte in &skeleton.text {
        let some: &[u8] = match (*byte, skeleton.kind) {
            (QUOTED, _) => b"",
            (BARE, LineKind::Json) => b"0",
            (BARE, _) => b"x",
            (ARRAY, _) => b"[]",
            _ => {
                out.push(*byte);
                continue;
            }
        };
        let is_put = columns.next().is_some_and(|column| put(*column, out));
        if !is_put {
            out.extend_from_slice(some);
        }
    }
}

/// What came of entries of one stream, by their shape and the values that decide.
pub(super) struct Memo {
    /// For each shape with one deciding column at most, by its code.
    by_code: Vec<Vec<u32>>,
    /// By shape and codes.
    by_codes: HashMap<(u32, u64), u32>,
}

impl Memo {
    pub(super) fn new(looking: &Looking<'_>) -> Memo {
        let codes = |shape: &ShapeLook| match shape.keys.as_slice() {
            [] => 1,
            [one] => looking.coded(*one).map_or(0, Coded::distinct),
            _ => 0,
        };
        Memo {
            by_code: looking.shapes.iter().map(|s| vec![UNKNOWN; codes(s)]).collect(),
            by_codes: HashMap::new(),
        }
    }

    fn place(&mut self, looking: &Looking<'_>, shape: u32, row: usize) -> &mut u32 {
        let code = |column: &u32| looking.coded(*column).map_or(0, |coded| coded.code(row));
        match looking.shapes[shape as usize].keys.as_slice() {
            [] => &mut self.by_code[shape as usize][0],
            [one] => &mut self.by_code[shape as usize][usize::from(code(one))],
            keys => {
                let key = keys
                    .iter()
                    .fold(0, |key, column| key << 16 | u64::from(code(column)));
                self.by_codes.entry((shape, key)).or_insert(UNKNOWN)
            }
        }
    }

    /// What came of entries like the one at a place of the group.
    #[inline]
    pub(super) fn known(&mut self, looking: &Looking<'_>, shape: u32, row: usize) -> Option<u32> {
        Some(*self.place(looking, shape, row)).filter(|known| *known != UNKNOWN)
    }

    /// Remembers it.
    pub(super) fn know(&mut self, looking: &Looking<'_>, shape: u32, row: usize, outcome: u32) {
        *self.place(looking, shape, row) = outcome;
    }
}
