//! Which entries of a group may pass the conditions of a query, as far as columns tell. Not for what becomes of those that do.

use kymo_engine::labels::Labels;
use kymo_engine::logs::Columns;
use kymo_engine::logs::columns::places;

use super::{Example, ExampleLine, Looking, Memo, Tested};
use crate::logql::eval::EvalError;
use crate::logql::eval::parallel::check;
use crate::logql::pipeline::{Clock, Looks, OnValue, Pipeline, Run};
use crate::promql::eval::Budget;

/// Conditions of a query, as columns are asked for them.
pub(in crate::logql::eval) struct Conditions<'q> {
    /// All stages.
    pub(in crate::logql::eval) pipeline: &'q Pipeline,
    /// Conditions of labels that every line passes (see [`Pipeline::dropping`]).
    pub(in crate::logql::eval) dropping: &'q [Pipeline],
    /// Nothing else of the stages leaves a line out but conditions of stored lines.
    pub(in crate::logql::eval) is_exact: bool,
}

/// Entries that columns leave.
pub(in crate::logql::eval) struct Chosen {
    /// Places in the group, ascending; none for all.
    pub(in crate::logql::eval) rows: Option<Vec<u32>>,
    /// Every one of them is in the answer.
    pub(in crate::logql::eval) is_exact: bool,
}

/// Entries that may pass: needles hold, and so do conditions of lines and labels where columns tell.
pub(in crate::logql::eval) fn chosen(
    columns: &Columns<'_>,
    conditions: &Conditions<'_>,
    budget: &Budget<'_>,
) -> Result<Chosen, EvalError> {
    let pipeline = conditions.pipeline;
    let tested = Tested::of(columns, pipeline)?;
    let mut is_exact = conditions.is_exact && (tested.is_some() || !pipeline.tests_lines());
    let all = 0..columns.header().rows;
    let rows: Option<Vec<u32>> = match &tested {
        // Conditions of lines tell more than needles do.
        Some(tested) => {
            is_exact &= !tested.unsure.contains(&true);
            let shapes = columns.shapes()?;
            let keeps =
                |row: &u32| tested.keeps[*row as usize] || tested.unsure[shapes[*row as usize] as usize];
            Some(all.clone().filter(keeps).collect())
        }
        None => {
            let is_told =
                !pipeline.tests_lines() && conditions.dropping.iter().all(|of| of.looks().is_some());
            // Looking for texts costs more than asking the columns, unless the texts are rare.
            let candidates = match is_told {
                true => columns.rare_candidates()?,
                false => columns.candidates()?,
            };
            candidates.map(|candidates| places(&candidates))
        }
    };
    if conditions.dropping.is_empty() {
        return Ok(Chosen { rows, is_exact });
    }
    let mut rows = rows.unwrap_or_else(|| all.collect());
    for dropping in conditions.dropping {
        match dropping.looks() {
            Some(looks) => is_exact &= filter(columns, dropping, looks, budget, &mut rows)?,
            None => is_exact = false,
        }
    }
    Ok(Chosen {
        rows: Some(rows),
        is_exact,
    })
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
