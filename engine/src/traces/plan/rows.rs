//! Which rows of a group a plan lets through.

use super::{ColumnPlan, Condition, Plan};
use crate::error::Result;
use crate::traces::block::bloom;
use crate::traces::block::column::Narrow;
use crate::traces::block::details::{Stream, stream};
use crate::traces::block::index::{doubles, numbers, strings};
use crate::traces::block::rows::GroupRows;
use crate::traces::block::section;
use crate::traces::value::{Value, ValueKind};

/// Rows of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::traces) enum Rows {
    All,
    None,
    /// A truth value a row.
    Some(Vec<bool>),
}

impl Plan {
    /// The rows of a group that are let through.
    pub(in crate::traces) fn rows(&self, group: &GroupRows<'_>) -> Result<Rows> {
        Ok(match self {
            Plan::All => Rows::All,
            Plan::None => Rows::None,
            Plan::And(plans) => all_of(plans, group)?,
            Plan::Or(plans) => {
                let mut rows = Rows::None;
                for plan in plans {
                    rows = match (rows, plan.rows(group)?) {
                        (_, Rows::All) => return Ok(Rows::All),
                        (rows, Rows::None) | (Rows::None, rows) => rows,
                        (Rows::All, _) => return Ok(Rows::All),
                        (Rows::Some(mut a), Rows::Some(b)) => {
                            a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
                            Rows::Some(a)
                        }
                    };
                }
                rows
            }
            Plan::Classes(classes) => rows_of_classes(group, classes)?,
            Plan::Duration(ranges) => rows_of_durations(group, ranges)?,
            Plan::Columns(columns) => match Passing::of(columns, group)? {
                Some(passing) => passing.rows(group)?,
                None => Rows::None,
            },
        })
    }
}

/// The rows that all plans let through. What tells soonest that there are none is looked at first: the classes that occur,
/// then the values of columns, and only then which rows have them, beginning with the fewest.
fn all_of(plans: &[Plan], group: &GroupRows<'_>) -> Result<Rows> {
    for plan in plans {
        if let Plan::Classes(classes) = plan
            && !group
                .details
                .classes
                .iter()
                .any(|(class, _)| classes[*class as usize])
        {
            return Ok(Rows::None);
        }
    }
    let mut columns = Vec::new();
    for plan in plans {
        if let Plan::Columns(of) = plan {
            match Passing::of(of, group)? {
                Some(passing) => columns.push(passing),
                None => return Ok(Rows::None),
            }
        }
    }
    columns.sort_by_key(|passing| passing.count);
    let mut rows = Rows::All;
    for passing in columns {
        rows = both(rows, passing.rows(group)?);
        if rows == Rows::None {
            return Ok(rows);
        }
    }
    for plan in plans.iter().filter(|plan| !matches!(plan, Plan::Columns(_))) {
        rows = both(rows, plan.rows(group)?);
        if rows == Rows::None {
            return Ok(rows);
        }
    }
    Ok(rows)
}

fn both(a: Rows, b: Rows) -> Rows {
    match (a, b) {
        (Rows::None, _) | (_, Rows::None) => Rows::None,
        (rows, Rows::All) | (Rows::All, rows) => rows,
        (Rows::Some(mut a), Rows::Some(b)) => {
            a.iter_mut().zip(b).for_each(|(a, b)| *a &= b);
            match a.contains(&true) {
                true => Rows::Some(a),
                false => Rows::None,
            }
        }
    }
}

/// Which values of a group pass a condition on columns.
struct Passing<'p> {
    columns: Vec<(&'p ColumnPlan, Vec<bool>)>,
    count: usize,
}

impl<'p> Passing<'p> {
    /// None when no value passes.
    fn of(columns: &'p [ColumnPlan], group: &GroupRows<'_>) -> Result<Option<Passing<'p>>> {
        let mut passing = Passing {
            columns: Vec::new(),
            count: 0,
        };
        for column in columns {
            if let Some(values) = column.passing_in(group)? {
                passing.count += values.iter().filter(|passes| **passes).count();
                passing.columns.push((column, values));
            }
        }
        Ok((passing.count > 0).then_some(passing))
    }

    /// The rows that have the values.
    fn rows(&self, group: &GroupRows<'_>) -> Result<Rows> {
        let mut rows = vec![false; group.len()];
        for (column, values) in &self.columns {
            column.add_rows(group, values, &mut rows)?;
        }
        Ok(Rows::Some(rows))
    }
}

fn rows_of_classes(group: &GroupRows<'_>, classes: &[bool]) -> Result<Rows> {
    let occurring = group
        .details
        .classes
        .iter()
        .map(|(class, _)| classes[*class as usize]);
    let (mut any, mut all) = (false, true);
    occurring.for_each(|passes| {
        any |= passes;
        all &= passes;
    });
    if !any {
        return Ok(Rows::None);
    }
    if all {
        return Ok(Rows::All);
    }
    let of_rows = group.classes()?;
    Ok(Rows::Some(
        Narrow::of(&of_rows).map(|class| classes[class as usize]),
    ))
}

fn within(ranges: &[(i64, i64)], n: i64) -> bool {
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&n))
}

fn overlaps(ranges: &[(i64, i64)], min: i64, max: i64) -> bool {
    ranges.iter().any(|(low, high)| *low <= max && *high >= min)
}

fn rows_of_durations(group: &GroupRows<'_>, ranges: &[(i64, i64)]) -> Result<Rows> {
    let summary = &group.index.groups[group.group];
    if !overlaps(ranges, summary.min_duration, summary.max_duration) {
        return Ok(Rows::None);
    }
    let durations = group.durations()?;
    let rows = match ranges[..] {
        [(low, high)] => Narrow::of(&durations).within(low, high),
        _ => Narrow::of(&durations).map(|n| within(ranges, n)),
    };
    Ok(if rows.contains(&true) {
        Rows::Some(rows)
    } else {
        Rows::None
    })
}

impl ColumnPlan {
    /// Which values of the group pass; none when none does.
    fn passing_in(&self, group: &GroupRows<'_>) -> Result<Option<Vec<bool>>> {
        let Some(stream) = group.details.stream(stream::COLUMNS + self.column) else {
            return Ok(None);
        };
        let occurs = |class: &u32| {
            group
                .details
                .classes
                .binary_search_by_key(class, |(c, _)| *c)
                .is_ok()
        };
        if !self.classes.iter().any(occurs) {
            return Ok(None);
        }
        self.passing(group, stream)
    }

    /// Marks the rows that have a value that passes.
    fn add_rows(&self, group: &GroupRows<'_>, passing: &[bool], rows: &mut [bool]) -> Result<()> {
        let vocabulary = &group.index.schema.vocabulary;
        let mut counts = vec![0u8; vocabulary.spans.items().len()];
        let mut once = true;
        for class in &self.classes {
            let columns = vocabulary.shape_of_span(*class).columns.iter();
            let count = columns.filter(|c| **c == self.column).count();
            once &= count == 1;
            counts[*class as usize] = u8::try_from(count).unwrap_or(u8::MAX);
        }
        let classes = group.classes()?;
        let (mut row, mut next) = (0, 0);
        if once {
            Narrow::of(&classes).each(|class| {
                let count = counts[class as usize];
                rows[row] |= count > 0 && passing.get(next).copied().unwrap_or(true);
                next += usize::from(count);
                row += 1;
            });
            return Ok(());
        }
        Narrow::of(&classes).each(|class| {
            let columns = &vocabulary.shape_of_span(class as u32).columns;
            for _ in columns.iter().filter(|c| **c == self.column) {
                rows[row] |= passing.get(next).copied().unwrap_or(true);
                next += 1;
            }
            row += 1;
        });
        Ok(())
    }

    /// Which values of the page pass; none when none does.
    fn passing(&self, group: &GroupRows<'_>, stream: &Stream) -> Result<Option<Vec<bool>>> {
        let file = group.file;
        let passing = match &self.condition {
            Condition::Present => vec![true; stream.count as usize],
            Condition::Codes(codes) => {
                let ends = codes.first().zip(codes.last());
                if ends
                    .is_none_or(|(low, high)| i64::from(*high) < stream.min || i64::from(*low) > stream.max)
                {
                    return Ok(None);
                }
                let numbers = numbers(file, stream)?;
                match codes[..] {
                    [code] => Narrow::of(&numbers).within(code.into(), code.into()),
                    _ => {
                        let mut wanted = vec![false; stream.max.max(0) as usize + 1];
                        for code in codes.iter().filter(|c| i64::from(**c) <= stream.max) {
                            wanted[*code as usize] = true;
                        }
                        Narrow::of(&numbers).map(|n| wanted.get(n as usize) == Some(&true))
                    }
                }
            }
            Condition::Ranges(ranges) => {
                if !overlaps(ranges, stream.min, stream.max) {
                    return Ok(None);
                }
                let numbers = numbers(file, stream)?;
                match ranges[..] {
                    [(low, high)] => Narrow::of(&numbers).within(low, high),
                    _ => Narrow::of(&numbers).map(|n| within(ranges, n)),
                }
            }
            Condition::Values(test, hashes) => {
                if !self.may_hold(group, stream, hashes)? {
                    return Ok(None);
                }
                let kind = group.index.schema.vocabulary.columns()[self.column as usize]
                    .key
                    .kind;
                if kind == ValueKind::Double {
                    let doubles = doubles(file, stream)?.into_iter();
                    doubles.map(|d| test.passes(&Value::Double(d))).collect()
                } else {
                    let strings = strings(file, stream)?;
                    let passes = |n: usize| {
                        let value = Value::from_payload(kind, strings.get(n));
                        value.is_ok_and(|v| test.passes(&v))
                    };
                    let distinct: Vec<bool> = (0..strings.len()).map(passes).collect();
                    strings
                        .codes
                        .iter()
                        .map(|code| distinct[*code as usize])
                        .collect()
                }
            }
        };
        Ok(passing.contains(&true).then_some(passing))
    }

    fn may_hold(&self, group: &GroupRows<'_>, stream: &Stream, hashes: &[u64]) -> Result<bool> {
        if hashes.is_empty() || stream.filter == 0 {
            return Ok(true);
        }
        let filter = group.file.page(section::VALUE_FILTERS, stream.filter - 1)?;
        Ok(hashes.iter().any(|hash| bloom::filter_may_hold(*hash, &filter)))
    }
}
