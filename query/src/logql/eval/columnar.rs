//! Stages on the columns of a group: which values of an entry they look at, and what came of the same values before. What stages
//! make of a line follows from its stream, its shape and those values alone, so one line stands for all that share them.
//! Not for stages that look at more (see [`Looks`]), and not for what is counted.

mod coded;

use hashbrown::HashMap;
use kymo_engine::labels::Labels;
use kymo_engine::logs::Columns;
use kymo_engine::logs::block::contains::Holding;
use kymo_engine::logs::block::header::{ColumnName, GroupHeader, Shape};
use kymo_engine::logs::columns::places;
use kymo_engine::logs::line::{ARRAY, BARE, LineKind, QUOTED};

use super::EvalError;
use super::parallel::check;
use crate::logql::pipeline::{Clock, Looks, OnValue, Pipeline, Run};
use crate::promql::eval::Budget;
use coded::Coded;

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
    coded: HashMap<u32, Coded>,
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
        let labels: Vec<Option<String>> = header
            .columns
            .iter()
            .map(|column| match &column.name {
                ColumnName::Metadata(name) => Some(name.clone()),
                ColumnName::Slot(slot, _) => looks.label(slot),
            })
            .collect();
        let wanted: Vec<bool> = labels
            .iter()
            .map(|label| label.as_ref().is_some_and(|label| pipeline.wants(label)))
            .collect();
        let number = number.filter(|label| columns.runs().all(|run| run.labels.value(label).is_empty()));
        let look = |shape: &Shape| {
            let is_number = |column: &u32| number.is_some() && labels[*column as usize].as_deref() == number;
            let mut keys: Vec<u32> = header
                .columns_of(shape)
                .filter(|column| wanted[*column as usize])
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
            coded: HashMap::new(),
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
        if !self.coded.contains_key(&column) {
            let coded = Coded::read(self.columns, column, is_key)?;
            self.coded.insert(column, coded);
        }
        Ok(())
    }

    pub(super) fn coded(&self, column: u32) -> Option<&Coded> {
        self.coded.get(&column)
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
                Example::Row(row) => match self.coded.get(&column) {
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
fn skeleton(
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

/// What columns tell of the conditions of stored lines.
pub(super) struct Tested {
    /// By place in the group whether the conditions hold.
    pub(super) keeps: Vec<bool>,
    /// By shape whether that is not told.
    pub(super) unsure: Vec<bool>,
}

impl Tested {
    /// None where there are no conditions, or some that columns tell nothing of.
    pub(super) fn of(columns: &Columns<'_>, pipeline: &Pipeline) -> kymo_engine::Result<Option<Tested>> {
        let Some(tests) = pipeline.line_texts().filter(|tests| !tests.is_empty()) else {
            return Ok(None);
        };
        let mut all: Option<Tested> = None;
        for (texts, is_negative) in tests {
            let mut any: Option<Holding> = None;
            for text in texts {
                let holding = columns.holding(text)?;
                match &mut any {
                    Some(any) => {
                        join(&mut any.lines, &holding.lines, |a, b| a | b);
                        join(&mut any.unsure, &holding.unsure, |a, b| a | b);
                    }
                    None => any = Some(holding),
                }
            }
            let Some(mut any) = any else { return Ok(None) };
            any.lines.iter_mut().for_each(|held| *held ^= is_negative);
            match &mut all {
                Some(all) => {
                    join(&mut all.keeps, &any.lines, |a, b| a & b);
                    join(&mut all.unsure, &any.unsure, |a, b| a | b);
                }
                None => {
                    all = Some(Tested {
                        keeps: any.lines,
                        unsure: any.unsure,
                    });
                }
            }
        }
        Ok(all)
    }

    /// Conditions that columns tell nothing of, asked of the lines that needles leave.
    pub(super) fn by_lines(columns: &Columns<'_>, pipeline: &Pipeline) -> kymo_engine::Result<Tested> {
        let header = columns.header();
        let mut keeps = columns
            .candidates()?
            .unwrap_or_else(|| vec![true; header.rows as usize]);
        let rows = places(&keeps);
        columns.lines(&rows, &mut |row, line| {
            keeps[row as usize] = pipeline.passes(line)
        })?;
        Ok(Tested {
            keeps,
            unsure: vec![false; header.shapes.len()],
        })
    }
}

fn join(a: &mut [bool], b: &[bool], how: fn(bool, bool) -> bool) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a = how(*a, *b));
}

/// Conditions of a query, as columns are asked for them.
pub(super) struct Conditions<'q> {
    /// All stages.
    pub(super) pipeline: &'q Pipeline,
    /// Conditions of labels that every line passes (see [`Pipeline::dropping`]).
    pub(super) dropping: &'q [Pipeline],
    /// Nothing else of the stages leaves a line out but conditions of stored lines.
    pub(super) is_exact: bool,
}

/// Entries that columns leave.
pub(super) struct Chosen {
    /// Places in the group, ascending.
    pub(super) rows: Vec<u32>,
    /// Every one of them is in the answer.
    pub(super) is_exact: bool,
}

/// Entries that may pass: needles hold, and so do conditions of lines and labels where columns tell.
pub(super) fn chosen(
    columns: &Columns<'_>,
    conditions: &Conditions<'_>,
    budget: &Budget<'_>,
) -> Result<Chosen, EvalError> {
    let pipeline = conditions.pipeline;
    let tested = Tested::of(columns, pipeline)?;
    let mut is_exact = conditions.is_exact && (tested.is_some() || !pipeline.tests_lines());
    let all = 0..columns.header().rows;
    let mut rows: Vec<u32> = match &tested {
        // Conditions of lines tell more than needles do.
        Some(tested) => {
            is_exact &= !tested.unsure.contains(&true);
            let shapes = columns.shapes()?;
            let keeps =
                |row: &u32| tested.keeps[*row as usize] || tested.unsure[shapes[*row as usize] as usize];
            all.filter(keeps).collect()
        }
        None => {
            let is_told =
                !pipeline.tests_lines() && conditions.dropping.iter().all(|of| of.looks().is_some());
            // Looking for texts costs more than asking the columns, unless the texts are rare.
            let candidates = match is_told {
                true => columns.rare_candidates()?,
                false => columns.candidates()?,
            };
            candidates.map_or_else(|| all.collect(), |candidates| places(&candidates))
        }
    };
    for dropping in conditions.dropping {
        match dropping.looks() {
            Some(looks) => is_exact &= filter(columns, dropping, looks, budget, &mut rows)?,
            None => is_exact = false,
        }
    }
    Ok(Chosen { rows, is_exact })
}

/// So few entries are not worth remembering what came of others.
const FEW: usize = 64;

/// Takes the entries away that a condition of labels leaves out; false when it may leave out more.
fn filter(
    columns: &Columns<'_>,
    pipeline: &Pipeline,
    looks: Looks,
    budget: &Budget<'_>,
    rows: &mut Vec<u32>,
) -> Result<bool, EvalError> {
    let shapes = columns.shapes()?;
    let mut looking = Looking::new(columns, pipeline, looks, None);
    let remembers = rows.len() > FEW;
    looking.read(remembers)?;
    let mut test = Test {
        direct: pipeline.only_condition(),
        pipeline,
        run: Run::default(),
        example: ExampleLine::default(),
    };
    let mut kept = Vec::with_capacity(rows.len());
    let mut at = 0;
    for of in columns.runs() {
        check(budget)?;
        test.run.begin(of.labels);
        let mut memo = remembers.then(|| Memo::new(&looking));
        at += rows[at..].partition_point(|row| (*row as usize) < of.first);
        while let Some(row) = rows.get(at).copied().filter(|row| (*row as usize) < of.end) {
            at += 1;
            let (shape, place) = (shapes[row as usize], row as usize);
            let keeps = match &mut memo {
                _ if looking.shapes[shape as usize].whole => true,
                None => test.keeps(&looking, of.labels, shape, place),
                Some(memo) => match memo.known(&looking, shape, place) {
                    Some(known) => known != 0,
                    None => {
                        let keeps = test.keeps(&looking, of.labels, shape, place);
                        memo.know(&looking, shape, place, keeps.into());
                        keeps
                    }
                },
            };
            if keeps {
                kept.push(row);
            }
        }
    }
    *rows = kept;
    Ok(!looking.shapes.iter().any(|shape| shape.whole))
}

/// Asks a condition of labels.
struct Test<'p> {
    /// The label and the condition, where there is just one.
    direct: Option<(&'p str, OnValue<'p>)>,
    pipeline: &'p Pipeline,
    run: Run,
    example: ExampleLine,
}

impl Test<'_> {
    fn keeps(&mut self, looking: &Looking<'_>, stream: &Labels, shape: u32, row: usize) -> bool {
        if let (Some((label, condition)), [column]) =
            (self.direct, looking.shapes[shape as usize].keys.as_slice())
            && looking.is_slot(*column)
            && stream.value(label).is_empty()
            && let Some(coded) = looking.coded(*column)
        {
            self.example.line.clear();
            coded.put(row, &mut self.example.line);
            if let Some(value) = plain(&self.example.line) {
                return condition.keeps(value);
            }
        }
        looking.example(shape as usize, Example::Row(row), &mut self.example);
        let clock = Clock { time: 0, now: 0 };
        let (line, metadata) = (&self.example.line, self.example.metadata());
        self.pipeline.run_passed(&mut self.run, clock, line, metadata)
    }
}

/// The text of a slot that every parser takes as it stands.
fn plain(text: &[u8]) -> Option<&str> {
    let is_plain = |b: &u8| (b' '..0x7f).contains(b) && *b != b'\\';
    let text = std::str::from_utf8(text).ok()?;
    (!text.is_empty() && text != "null" && text.as_bytes().iter().all(is_plain)).then_some(text)
}
