//! Which lines of a group hold a text, told by columns: exact wherever the text cannot reach from a slot into what stands beside it.
//! Unlike `search` it decides, and case counts.

mod texts;

use memchr::memmem::Finder;

use super::group::OpenGroup;
use crate::error::Result;
use crate::logs::line::{ARRAY, BARE, QUOTED};
use crate::logs::values::{Form, Outline, Values};
use texts::{OfTemplate, Text, hits, in_dictionary, may_be_in, of_template, reaches_over};

/// What columns tell of lines and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// By place in the group whether the line holds the text.
    pub lines: Vec<bool>,
    /// By number of the shape whether that is not told, because the text may reach over the edge of a slot.
    pub unsure: Vec<bool>,
}

/// The values of a column that hold a text.
enum Hits {
    None,
    /// Values with the codes for which this is true, and how many values that are.
    Codes(Vec<bool>, u64),
    /// By place in the column.
    Rows(Vec<bool>),
}

impl Hits {
    fn rows(hits: Option<Vec<bool>>) -> Hits {
        hits.map_or(Hits::None, Hits::Rows)
    }

    fn count(&self) -> u64 {
        match self {
            Hits::None => 0,
            Hits::Codes(_, count) => *count,
            Hits::Rows(rows) => rows.iter().filter(|is_hit| **is_hit).count() as u64,
        }
    }
}

/// A text to look for in a group, and what its skeletons tell.
struct Looking<'g, 'f, 't> {
    group: &'g OpenGroup<'f>,
    finder: Finder<'t>,
    /// By shape whether the text may reach over the edge of a slot.
    unsure: Vec<bool>,
    /// By shape whether the text stands beside the slots.
    in_text: Vec<bool>,
}

impl<'g, 'f, 't> Looking<'g, 'f, 't> {
    fn new(text: &'t [u8], group: &'g OpenGroup<'f>) -> Looking<'g, 'f, 't> {
        let header = group.header();
        let finder = Finder::new(text);
        let is_slot = |b: u8| matches!(b, QUOTED | BARE | ARRAY);
        let has_markers = text.iter().any(|b| is_slot(*b));
        let of_skeleton: Vec<(bool, bool)> = header
            .skeletons
            .iter()
            .map(|s| {
                let reaches = has_markers || reaches_over(text, &s.text, is_slot);
                (reaches, finder.find(&s.text).is_some())
            })
            .collect();
        let of_shape = header.shapes.iter().map(|s| of_skeleton[s.skeleton as usize]);
        let (unsure, in_text) = of_shape.unzip();
        Looking {
            group,
            finder,
            unsure,
            in_text,
        }
    }

    /// The columns of lines for which the columns decide.
    fn columns(&self) -> Vec<u32> {
        let header = self.group.header();
        let mut is_of_line = vec![false; header.columns.len()];
        for shape in header
            .shapes
            .iter()
            .zip(&self.unsure)
            .filter(|(_, unsure)| !**unsure)
        {
            let slots = &header.skeletons[shape.0.skeleton as usize].columns;
            slots
                .iter()
                .for_each(|column| is_of_line[*column as usize] = true);
        }
        let columns = 0..header.columns.len() as u32;
        columns.filter(|n| is_of_line[*n as usize]).collect()
    }

    fn hits(&self, column: u32) -> Result<Hits> {
        let form = self.group.form(column)?;
        if form.is_some_and(|form| !may_be_in(form, self.finder.needle())) {
            return Ok(Hits::None);
        }
        let rows = self.group.header().columns[column as usize].rows as usize;
        match form {
            Some(Form::Const | Form::Dictionary) => {
                let texts = self.group.texts(column)?;
                let hits = texts.and_then(|texts| in_dictionary(&texts, &self.finder));
                Ok(match (hits, form) {
                    (None, _) => Hits::None,
                    (Some(_), Some(Form::Const)) => Hits::Rows(vec![true; rows]),
                    (Some(hits), _) => match self.group.tally(column)? {
                        Some(tally) => Hits::codes(hits, &tally.counts),
                        None => Hits::None,
                    },
                })
            }
            Some(Form::Templates) => match self.group.outline(column)? {
                Some(outline) => self.in_templates(column, &outline),
                None => Ok(Hits::None),
            },
            _ => Ok(Hits::rows(hits(&*self.group.column(column)?, rows, &self.finder))),
        }
    }

    /// Reads the slots only that may have the text in them.
    fn in_templates(&self, column: u32, outline: &Outline) -> Result<Hits> {
        let slot = |template: usize, slot: usize| {
            if !outline.may_have(outline.slot(template, slot), &Text(&self.finder)) {
                return Ok(None);
            }
            let values = self.group.slot(column, outline, template, slot)?;
            Ok(hits(&values, outline.counts()[template] as usize, &self.finder))
        };
        let known = outline
            .templates()
            .iter()
            .enumerate()
            .map(|(n, template)| of_template(template, &self.finder, |of| slot(n, of)));
        let known: Vec<OfTemplate> = known.collect::<Result<_>>()?;
        if known.iter().any(|of| matches!(of, OfTemplate::Unsure)) {
            let rows = self.group.header().columns[column as usize].rows as usize;
            return Ok(Hits::rows(hits(&*self.group.column(column)?, rows, &self.finder)));
        }
        if known.iter().any(|of| matches!(of, OfTemplate::Some(_))) {
            let mut ranks = vec![0usize; known.len()];
            let Some(codes) = self.group.template_codes(column)? else {
                return Ok(Hits::None);
            };
            let rows = codes.iter().map(|code| {
                let rank = &mut ranks[usize::from(*code)];
                *rank += 1;
                match &known[usize::from(*code)] {
                    OfTemplate::Some(hits) => hits[*rank - 1],
                    of => matches!(of, OfTemplate::All),
                }
            });
            return Ok(Hits::Rows(rows.collect()));
        }
        let all: Vec<bool> = known.iter().map(|of| matches!(of, OfTemplate::All)).collect();
        Ok(Hits::codes(all, outline.counts()))
    }

    /// By place in a column whether the value is one of those found.
    fn by_row(&self, column: u32, found: Hits) -> Result<Option<Vec<bool>>> {
        Ok(match found {
            Hits::None => None,
            Hits::Rows(rows) => Some(rows),
            Hits::Codes(hits, _) => {
                let of = |codes: &[u16]| codes.iter().map(|code| hits[usize::from(*code)]).collect();
                match self.group.template_codes(column)? {
                    Some(codes) => Some(of(&codes)),
                    None => match &*self.group.column(column)? {
                        Values::Dictionary(_, codes) => Some(of(codes)),
                        _ => None,
                    },
                }
            }
        })
    }
}

impl Hits {
    fn codes(hits: Vec<bool>, counts: &[u32]) -> Hits {
        let of_hits = hits.iter().zip(counts).filter(|(is_hit, _)| **is_hit);
        match of_hits.map(|(_, count)| u64::from(*count)).sum() {
            0 => Hits::None,
            count => Hits::Codes(hits, count),
        }
    }
}

/// Looks for a text, which is not empty.
pub(in crate::logs) fn holding(text: &[u8], group: &OpenGroup<'_>) -> Result<Holding> {
    let looking = Looking::new(text, group);
    let shapes = group.shapes()?;
    let of_shape = |shape: &u32| looking.in_text[*shape as usize];
    let mut lines: Vec<bool> = shapes.iter().map(of_shape).collect();
    for column in looking.columns() {
        let found = looking.hits(column)?;
        let Some(hits) = looking.by_row(column, found)? else {
            continue;
        };
        let has = group.has(column);
        if has.iter().all(|has| *has) {
            lines.iter_mut().zip(&hits).for_each(|(line, hit)| *line |= hit);
            continue;
        }
        let mut next = 0;
        for (line, shape) in lines.iter_mut().zip(shapes) {
            if has[*shape as usize] {
                *line |= hits[next];
                next += 1;
            }
        }
    }
    Ok(Holding {
        lines,
        unsure: looking.unsure,
    })
}

/// How many lines of a group hold a text, which is not empty; none when that takes a look at the entries.
pub(in crate::logs) fn count(text: &[u8], group: &OpenGroup<'_>) -> Result<Option<u64>> {
    let looking = Looking::new(text, group);
    if looking.unsure.contains(&true) {
        return Ok(None);
    }
    let shapes = group.header().shapes.iter().zip(&looking.in_text);
    let in_text = shapes.filter(|(_, in_text)| **in_text);
    let mut count: u64 = in_text.map(|(shape, _)| u64::from(shape.rows)).sum();
    for column in looking.columns() {
        let of_column = looking.hits(column)?.count();
        // A line may have the text in both places.
        if count > 0 && of_column > 0 {
            return Ok(None);
        }
        count += of_column;
    }
    Ok(Some(count))
}
