//! `compare()`: how often each value of each attribute is seen inside and outside of a selection. Not for other functions.

use std::sync::Arc;

use hashbrown::HashMap;
use kymo_engine::traces::{AttributeScope, Field};

use super::super::super::ast::{Attribute, Compare, Intrinsic, Scope, Static};
use super::super::super::grid::Grid;
use super::super::cell::{Reading, integer};
use super::super::error::EvalError;
use super::super::key::Key;
use super::super::operand::{Operand, coded_cell};
use super::super::spansets::{Compiler, Spansets, Work};
use super::line::Line;
use super::second::{Drawn, Labels};
use crate::promql::eval::Budget;

const META_TYPE: &str = "__meta_type";
const META_ERROR: &str = "__meta_error";
const TOO_MANY: &str = "__too_many_values__";
const BASELINE: usize = 0;
const SELECTION: usize = 1;
const SIDES: [&str; 2] = ["baseline", "selection"];
const TOTALS: [&str; 2] = ["baseline_total", "selection_total"];

/// Intrinsics that are compared: those that neither measure nor identify.
const INTRINSICS: [Intrinsic; 6] = [
    Intrinsic::Name,
    Intrinsic::Status,
    Intrinsic::StatusMessage,
    Intrinsic::Kind,
    Intrinsic::TraceRootName,
    Intrinsic::TraceRootService,
];

/// A compiled `compare()`.
pub(super) struct Comparing {
    selection: Spansets,
    window: Option<(i64, i64)>,
    top: usize,
    attributes: Vec<Attribute>,
}

/// Most steps of a table for which values are counted in plain lists of steps.
const WIDTH_MAX: usize = 128;

/// The rows that count, with their steps and sides.
#[derive(Default)]
struct Counted {
    /// Steps count from `from`.
    list: Vec<(u32, u32, u8)>,
    from: usize,
    width: usize,
}

/// A value and how often it was seen on each side.
type Seen<'a> = (&'a Key, &'a [Line<u64>; 2]);

/// How often values were seen, by number of the attribute, on each side.
#[derive(Default)]
pub(super) struct Counts {
    values: HashMap<(usize, Key), [Line<u64>; 2]>,
    totals: HashMap<usize, [Line<u64>; 2]>,
}

impl Comparing {
    pub(super) fn new(
        of: &Compare,
        names: &[(AttributeScope, Arc<str>)],
        compiler: &mut Compiler,
    ) -> Result<Comparing, EvalError> {
        let selection = match &of.selection {
            None => Spansets::All,
            Some(expr) => compiler.filter(expr)?,
        };
        let named = names.iter().filter_map(|(scope, name)| {
            let scope = match scope {
                AttributeScope::Resource => Scope::Resource,
                AttributeScope::Span => Scope::Span,
                AttributeScope::Instrumentation => Scope::Instrumentation,
                AttributeScope::Event | AttributeScope::Link => return None,
            };
            Some(Attribute::Named {
                scope,
                name: name.to_string(),
                parent: false,
            })
        });
        Ok(Comparing {
            selection,
            window: of.window,
            top: usize::try_from(of.top).unwrap_or(1),
            attributes: INTRINSICS
                .into_iter()
                .map(Attribute::Intrinsic)
                .chain(named)
                .collect(),
        })
    }

    /// Counts the values of the kept rows of a table; without `kept`, of all.
    pub(super) fn counts(
        &self,
        work: &Work<'_>,
        kept: Option<&[bool]>,
        grid: &Grid,
    ) -> Result<Counts, EvalError> {
        let frame = &work.frame;
        let starts = frame.starts()?;
        let selected = work.spansets(&self.selection, &(0..frame.rows()), None)?;
        let side = |row: usize| {
            let start = starts[row];
            let within = self
                .window
                .is_none_or(|(first, last)| (first..=last).contains(&start));
            usize::from(within && selected.as_ref().is_some_and(|s| s[row]))
        };
        let mut rows = Counted::default();
        let mut last = 0;
        for row in (0..frame.rows()).filter(|row| kept.is_none_or(|kept| kept[*row])) {
            let Some(step) = grid.step_of(starts[row]) else {
                continue;
            };
            rows.from = if rows.list.is_empty() {
                step
            } else {
                rows.from.min(step)
            };
            last = last.max(step);
            rows.list.push((row as u32, step as u32, side(row) as u8));
        }
        rows.list
            .iter_mut()
            .for_each(|(_, step, _)| *step -= rows.from as u32);
        rows.width = (last + 1).saturating_sub(rows.from);
        let mut counts = Counts::default();
        for (number, attribute) in self.attributes.iter().enumerate() {
            let operand = match attribute {
                // Spans without a message are not worth comparing by it.
                Attribute::Intrinsic(Intrinsic::StatusMessage) => {
                    frame.column(Field::StatusMessage, Reading::Plain)?
                }
                attribute => frame.read(attribute)?,
            };
            if !rows.list.is_empty() && !matches!(operand, Operand::Absent) {
                counts.count(number, &operand, &rows);
            }
        }
        Ok(counts)
    }

    /// The series.
    pub(super) fn lines(&self, counts: &Counts, steps: usize) -> Vec<Drawn> {
        let mut by_attribute: Vec<Vec<Seen<'_>>> = vec![Vec::new(); self.attributes.len()];
        for ((number, key), lines) in &counts.values {
            by_attribute[*number].push((key, lines));
        }
        let mut drawn = Vec::new();
        for (number, values) in by_attribute.into_iter().enumerate() {
            let name: Arc<str> = Arc::from(self.attributes[number].to_string());
            for side in [BASELINE, SELECTION] {
                self.side(&name, side, &values, steps, &mut drawn);
                if let Some(totals) = counts.totals.get(&number) {
                    let labels = labels(META_TYPE, TOTALS[side], &name, nil());
                    drawn.extend(line(labels, &totals[side], steps));
                }
            }
        }
        drawn
    }

    /// The most frequent values of one side.
    fn side(&self, name: &Arc<str>, side: usize, values: &[Seen<'_>], steps: usize, drawn: &mut Vec<Drawn>) {
        let seen = |lines: &[Line<u64>; 2]| lines[side].iter().map(|(_, n)| *n).sum::<u64>();
        let mut best: Vec<(u64, String, &Key, &Line<u64>)> = values
            .iter()
            .map(|(key, lines)| (seen(lines), key.0.to_string(), *key, &lines[side]))
            .filter(|(seen, ..)| *seen > 0)
            .collect();
        best.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let too_many = best.len() > self.top;
        for (_, _, key, counts) in best.into_iter().take(self.top) {
            let labels = labels(META_TYPE, SIDES[side], name, key.0.clone());
            drawn.extend(line(labels, counts, steps));
        }
        if too_many {
            let mut labels = labels(META_TYPE, SIDES[side], name, nil());
            labels.insert(1, (Arc::from(META_ERROR), Static::String(TOO_MANY.into())));
            drawn.push(Drawn::new(labels, vec![f64::NAN; steps]));
        }
    }
}

fn nil() -> Static {
    Static::String("nil".into())
}

fn labels(meta: &str, kind: &str, name: &Arc<str>, value: Static) -> Labels {
    vec![
        (Arc::from(meta), Static::String(kind.into())),
        (name.clone(), value),
    ]
}

/// A series of counts; `None` when there are none.
fn line(labels: Labels, counts: &Line<u64>, steps: usize) -> Option<Drawn> {
    counts.iter().next()?;
    let value = |step| counts.get(step).copied().unwrap_or(0) as f64;
    Some(Drawn::new(labels, (0..steps).map(value).collect()))
}

impl Counts {
    fn count(&mut self, number: usize, operand: &Operand<'_>, rows: &Counted) {
        // Codes and whole numbers are counted first and named afterwards.
        if let Operand::Coded {
            codes,
            values,
            reading,
            ids,
        } = operand
            && rows.width <= WIDTH_MAX
        {
            let slots = 2 * rows.width;
            let mut seen = vec![0u32; values.len() * slots];
            for (row, step, side) in &rows.list {
                let code = codes[*row as usize] as usize;
                if code < values.len() {
                    seen[code * slots + usize::from(*side) * rows.width + *step as usize] += 1;
                }
            }
            for (code, seen) in seen
                .chunks(slots)
                .enumerate()
                .filter(|(_, s)| s.iter().any(|n| *n > 0))
            {
                let key = coded_cell(code as u32, values, *reading, *ids).first();
                self.add_all(number, key, seen, rows);
            }
        } else if let Some((list, reading)) = operand.whole()
            && rows.width <= WIDTH_MAX
        {
            let mut by_value: HashMap<i64, Vec<u32>> = HashMap::new();
            for (row, step, side) in &rows.list {
                let seen = by_value
                    .entry(list[*row as usize])
                    .or_insert_with(|| vec![0; 2 * rows.width]);
                seen[usize::from(*side) * rows.width + *step as usize] += 1;
            }
            for (value, seen) in by_value {
                self.add_all(number, Some(integer(value, reading)), &seen, rows);
            }
        } else {
            for (row, step, side) in &rows.list {
                let key = operand.cell(*row as usize).first();
                self.add(number, key, rows.from + *step as usize, usize::from(*side), 1);
            }
        }
    }

    /// Adds how often a value was seen on both sides by step.
    fn add_all(&mut self, number: usize, key: Option<Static>, seen: &[u32], rows: &Counted) {
        for (slot, seen) in seen.iter().enumerate().filter(|(_, seen)| **seen > 0) {
            let (side, step) = (slot / rows.width, slot % rows.width);
            self.add(number, key.clone(), rows.from + step, side, u64::from(*seen));
        }
    }

    fn add(&mut self, number: usize, key: Option<Static>, step: usize, side: usize, seen: u64) {
        let Some(key) = key else { return };
        *self.values.entry((number, Key(key))).or_default()[side].at(step) += seen;
        *self.totals.entry(number).or_default()[side].at(step) += seen;
    }

    pub(super) fn take(&mut self, other: Counts, budget: &Budget<'_>) -> Result<(), EvalError> {
        for (key, lines) in other.values {
            let ours = self.values.entry(key).or_default();
            let before = bytes(ours);
            merge(ours, &lines);
            let more = bytes(ours).saturating_sub(before);
            budget
                .memory
                .reserve(if before == 0 { more + 256 } else { more })?;
        }
        for (number, lines) in other.totals {
            merge(self.totals.entry(number).or_default(), &lines);
        }
        Ok(())
    }
}

fn bytes(lines: &[Line<u64>; 2]) -> usize {
    lines.iter().map(Line::bytes).sum()
}

fn merge(into: &mut [Line<u64>; 2], from: &[Line<u64>; 2]) {
    for (ours, theirs) in into.iter_mut().zip(from) {
        for (step, seen) in theirs.iter().filter(|(_, seen)| **seen > 0) {
            *ours.at(step) += seen;
        }
    }
}
