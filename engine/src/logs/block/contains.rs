//! Which lines of a group hold a text, told by columns: exact wherever the text cannot reach from a slot into what stands beside it.
//! Unlike `search` it decides, and case counts.

use memchr::memmem::Finder;

use super::group::OpenGroup;
use crate::error::Result;
use crate::logs::line::{ARRAY, BARE, QUOTED};
use crate::logs::values::{Form, TemplateValues, Values, numbers};

/// What columns tell of lines and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// By place in the group whether the line holds the text.
    pub lines: Vec<bool>,
    /// By number of the shape whether that is not told, because the text may reach over the edge of a slot.
    pub unsure: Vec<bool>,
}

/// Looks for a text, which is not empty.
pub(in crate::logs) fn holding(text: &[u8], group: &OpenGroup<'_>) -> Result<Holding> {
    let header = group.header();
    let finder = Finder::new(text);
    let is_slot = |b: u8| matches!(b, QUOTED | BARE | ARRAY);
    let reaches: Vec<bool> = header
        .skeletons
        .iter()
        .map(|s| text.iter().any(|b| is_slot(*b)) || reaches_over(text, &s.text, is_slot))
        .collect();
    let unsure: Vec<bool> = header
        .shapes
        .iter()
        .map(|s| reaches[s.skeleton as usize])
        .collect();
    let in_text: Vec<bool> = header
        .shapes
        .iter()
        .map(|s| finder.find(&header.skeletons[s.skeleton as usize].text).is_some())
        .collect();
    let shapes = group.shapes()?;
    let mut lines: Vec<bool> = shapes.iter().map(|shape| in_text[*shape as usize]).collect();
    let mut is_of_line = vec![false; header.columns.len()];
    for shape in header.shapes.iter().zip(&unsure).filter(|(_, unsure)| !**unsure) {
        let slots = &header.skeletons[shape.0.skeleton as usize].columns;
        slots
            .iter()
            .for_each(|column| is_of_line[*column as usize] = true);
    }
    for column in (0..header.columns.len() as u32).filter(|n| is_of_line[*n as usize]) {
        if !may_hold(column, group, &finder)? {
            continue;
        }
        let rows = header.columns[column as usize].rows as usize;
        let values = group.column(column)?;
        let Some(hits) = hits(&values, rows, &finder) else {
            continue;
        };
        let has = group.has(column);
        let mut next = 0;
        for (line, shape) in lines.iter_mut().zip(shapes) {
            if has[*shape as usize] {
                *line |= hits[next];
                next += 1;
            }
        }
    }
    Ok(Holding { lines, unsure })
}

/// False when the form of a column, or its dictionary, says that no value holds the text.
fn may_hold(column: u32, group: &OpenGroup<'_>, finder: &Finder<'_>) -> Result<bool> {
    let only = |of: fn(u8) -> bool| finder.needle().iter().all(|b| of(*b));
    Ok(match Form::of(&group.column_bytes(column)?) {
        Some(Form::Ints) => only(|b| b.is_ascii_digit() || b == b'-'),
        Some(Form::Padded) => only(|b| b.is_ascii_digit()),
        Some(Form::Decimals) => only(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.')),
        Some(Form::Times) => only(|b| b.is_ascii_digit() || b"-: TZ.,".contains(&b)),
        Some(Form::Hex) => only(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        Some(Form::Uuids) => only(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')),
        Some(Form::Dictionary) => match group.tally(column)? {
            Some(tally) => tally.texts.iter().any(|text| finder.find(text).is_some()),
            None => true,
        },
        _ => true,
    })
}

/// True when a text may begin in a slot and end beside it, or the other way round.
fn reaches_over(text: &[u8], around: &[u8], is_slot: impl Fn(u8) -> bool) -> bool {
    let beside = |at: Option<usize>| {
        let byte = at.and_then(|at| around.get(at)).copied();
        byte.is_some_and(|byte| is_slot(byte) || text.contains(&byte))
    };
    // A text of one byte is within or without.
    let mut slots = around.iter().enumerate().filter(|(_, b)| is_slot(**b));
    text.len() > 1 && slots.any(|(at, _)| beside(at.checked_sub(1)) || beside(Some(at + 1)))
}

/// By place in a column whether a value holds the text; none when none does.
fn hits(values: &Values, rows: usize, finder: &Finder<'_>) -> Option<Vec<bool>> {
    let is_in = |text: &[u8]| finder.find(text).is_some();
    let only = |of: fn(u8) -> bool| finder.needle().iter().all(|b| of(*b));
    let is_possible = match values {
        Values::Ints(_) => only(|b| b.is_ascii_digit() || b == b'-'),
        Values::Padded(..) => only(|b| b.is_ascii_digit()),
        Values::Decimals(..) => only(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.')),
        Values::Hex(width, _) => {
            finder.needle().len() <= width * 2 && only(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        }
        Values::Times(_) => only(|b| b.is_ascii_digit() || b"-: TZ.,".contains(&b)),
        Values::Uuids(_) => only(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')),
        _ => true,
    };
    if !is_possible {
        return None;
    }
    let hits = match values {
        Values::Const(text) => is_in(text).then(|| vec![true; rows])?,
        Values::Dictionary(texts, codes) => {
            let of_code: Vec<bool> = texts.iter().map(is_in).collect();
            if !of_code.contains(&true) {
                return None;
            }
            codes.iter().map(|code| of_code[usize::from(*code)]).collect()
        }
        Values::Texts(texts) => {
            // Texts follow each other without anything between them, so one at an edge is a false alarm at worst.
            finder.find(texts.bytes())?;
            texts.iter().map(is_in).collect()
        }
        Values::Templates(of) => in_templates(of, rows, finder)?,
        Values::Hex(width, bytes) if finder.needle().len() == width * 2 => {
            let id = numbers::hex_bytes(finder.needle())?;
            bytes
                .chunks_exact((*width).max(1))
                .map(|value| value == id)
                .collect()
        }
        other => printed(rows, finder, |n, out| other.put(n, out)),
    };
    hits.contains(&true).then_some(hits)
}

fn printed(rows: usize, finder: &Finder<'_>, put: impl Fn(usize, &mut Vec<u8>)) -> Vec<bool> {
    let mut text = Vec::new();
    let mut is_in = |n: usize| {
        text.clear();
        put(n, &mut text);
        finder.find(&text).is_some()
    };
    (0..rows).map(&mut is_in).collect()
}

/// What is known of the texts of one template.
enum OfTemplate {
    None,
    All,
    /// By the number of the text among those of the template.
    Some(Vec<bool>),
    /// Each must be printed.
    Unsure,
}

fn in_templates(of: &TemplateValues, rows: usize, finder: &Finder<'_>) -> Option<Vec<bool>> {
    let mut counts = vec![0usize; of.templates().len()];
    of.codes().iter().for_each(|code| counts[usize::from(*code)] += 1);
    let known: Vec<OfTemplate> = of
        .templates()
        .iter()
        .enumerate()
        .map(|(n, template)| of_template(template, of.slots(n), counts[n], finder))
        .collect();
    if known.iter().all(|known| matches!(known, OfTemplate::None)) {
        return None;
    }
    let mut text = Vec::new();
    let mut is_in = |row: usize| match &known[usize::from(of.codes()[row])] {
        OfTemplate::None => false,
        OfTemplate::All => true,
        OfTemplate::Some(hits) => hits[of.rank(row)],
        OfTemplate::Unsure => {
            text.clear();
            of.put(row, &mut text);
            finder.find(&text).is_some()
        }
    };
    Some((0..rows).map(&mut is_in).collect())
}

fn of_template(template: &[u8], slots: &[Values], count: usize, finder: &Finder<'_>) -> OfTemplate {
    let needle = finder.needle();
    if !needle.contains(&BARE) && finder.find(template).is_some() {
        return OfTemplate::All;
    }
    if needle.contains(&BARE) || reaches_over(needle, template, |b| b == BARE) {
        return OfTemplate::Unsure;
    }
    let mut all: Option<Vec<bool>> = None;
    for hits in slots.iter().filter_map(|slot| hits(slot, count, finder)) {
        match &mut all {
            Some(all) => all.iter_mut().zip(hits).for_each(|(a, b)| *a |= b),
            None => all = Some(hits),
        }
    }
    all.map_or(OfTemplate::None, OfTemplate::Some)
}
