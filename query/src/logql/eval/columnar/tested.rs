//! Conditions of stored lines, asked of the columns of a group. Not for conditions of labels.

use kymo_engine::logs::Columns;
use kymo_engine::logs::block::contains::Holding;
use kymo_engine::logs::columns::places;

use super::states;
use crate::logql::pipeline::{LineTest, LineTexts, Pipeline};

/// How many lines of a group pass the conditions of stored lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logql::eval) enum Kept {
    /// No line.
    None,
    /// Every line.
    All,
    /// So many.
    Some(u64),
    /// The entries must be looked at.
    Untold,
}

impl Kept {
    /// As far as columns tell without a look at entries.
    pub(in crate::logql::eval) fn of(
        columns: &Columns<'_>,
        pipeline: &Pipeline,
    ) -> kymo_engine::Result<Kept> {
        let Some(tests) = pipeline.line_texts() else {
            return Ok(Kept::Untold);
        };
        let rows = u64::from(columns.header().rows);
        let mut all = Kept::All;
        for (texts, is_negative) in tests {
            let held = match texts.as_slice() {
                [text] => columns.count_holding(text)?,
                _ => None,
            };
            let kept = match held.map(|held| if is_negative { rows - held } else { held }) {
                None => Kept::Untold,
                Some(0) => return Ok(Kept::None),
                Some(kept) if kept == rows => continue,
                Some(kept) => Kept::Some(kept),
            };
            all = if all == Kept::All { kept } else { Kept::Untold };
        }
        Ok(all)
    }
}

/// What columns tell of the conditions of stored lines.
pub(in crate::logql::eval) struct Tested {
    /// By place in the group whether the conditions hold.
    pub(in crate::logql::eval) keeps: Vec<bool>,
    /// By shape whether that is not told.
    pub(in crate::logql::eval) unsure: Vec<bool>,
}

impl Tested {
    /// None where there are no conditions, or some that columns tell nothing of.
    pub(in crate::logql::eval) fn of(
        columns: &Columns<'_>,
        pipeline: &Pipeline,
    ) -> kymo_engine::Result<Option<Tested>> {
        let mut all: Option<Tested> = None;
        for test in pipeline.line_tests() {
            let Some(of) = Tested::by_columns(columns, test)? else {
                return Ok(None);
            };
            match &mut all {
                Some(all) => {
                    join(&mut all.keeps, &of.keeps, |a, b| a & b);
                    join(&mut all.unsure, &of.unsure, |a, b| a | b);
                }
                None => all = Some(of),
            }
        }
        Ok(all)
    }

    /// One condition.
    fn by_columns(columns: &Columns<'_>, test: &LineTest) -> kymo_engine::Result<Option<Tested>> {
        let texts = test.texts().map(|texts| Tested::by_texts(columns, texts));
        let by_texts = texts.transpose()?.flatten();
        if let Some(tested) = by_texts.as_ref()
            && !tested.unsure.contains(&true)
        {
            return Ok(by_texts);
        }
        let Some((automaton, is_negative)) = test.automaton() else {
            return Ok(by_texts);
        };
        let mut keeps = states::matching(columns, automaton)?;
        keeps.iter_mut().for_each(|matches| *matches ^= is_negative);
        Ok(Some(Tested {
            keeps,
            unsure: vec![false; columns.header().shapes.len()],
        }))
    }

    fn by_texts(
        columns: &Columns<'_>,
        (texts, is_negative): LineTexts<'_>,
    ) -> kymo_engine::Result<Option<Tested>> {
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
        Ok(any.map(|mut any| {
            any.lines.iter_mut().for_each(|held| *held ^= is_negative);
            Tested {
                keeps: any.lines,
                unsure: any.unsure,
            }
        }))
    }

    /// Whatever the conditions are.
    pub(in crate::logql::eval) fn lines(
        columns: &Columns<'_>,
        pipeline: &Pipeline,
    ) -> kymo_engine::Result<Tested> {
        match Tested::of(columns, pipeline)? {
            Some(tested) => Ok(tested),
            None => Tested::by_lines(columns, pipeline),
        }
    }

    /// Conditions that columns tell nothing of, asked of the lines that needles leave.
    fn by_lines(columns: &Columns<'_>, pipeline: &Pipeline) -> kymo_engine::Result<Tested> {
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
