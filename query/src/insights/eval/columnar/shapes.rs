//! Which columns of a group decide the values of fields, by shape, and entries that stand for all with the same values in them. Not for
//! what is made of the values.

use hashbrown::HashMap;
use kymo_engine::labels::Labels;
use kymo_engine::logs::Columns;
use kymo_engine::logs::block::header::{ColumnName, GroupHeader, Shape};
use kymo_engine::logs::line::{ARRAY, LineKind, SlotName};

use super::asked::Asked;
use crate::insights::fields::{Entry, LEVELS, Source};
use crate::insights::value::Value;
use crate::logql::eval::{Coded, skeleton};

/// Most columns whose values together stand for an outcome.
pub(super) const KEYS_MAX: usize = 4;

/// What decides in the entries of one shape.
#[derive(Debug, Default)]
pub(super) struct ShapeLook {
    /// The line must be put together.
    pub(super) whole: bool,
    /// Columns that decide.
    pub(super) keys: Vec<u32>,
    /// For each aggregate the column whose values it takes one by one.
    pub(super) singly: Vec<Option<u32>>,
}

/// The shapes of a group and the columns that decide.
pub(super) struct Shapes<'g> {
    columns: &'g Columns<'g>,
    asked: &'g Asked<'g>,
    pub(super) all: Vec<ShapeLook>,
    coded: HashMap<u32, Coded>,
}

/// Columns that decide the value of one source.
struct Deciding {
    columns: Vec<u32>,
    /// The value is the text of the only one.
    is_text: bool,
}

impl<'g> Shapes<'g> {
    pub(super) fn new(columns: &'g Columns<'g>, asked: &'g Asked<'_>) -> Shapes<'g> {
        let mut shapes = Shapes {
            columns,
            asked,
            all: Vec::new(),
            coded: HashMap::new(),
        };
        shapes.all = columns
            .header()
            .shapes
            .iter()
            .map(|shape| shapes.look(shape))
            .collect();
        shapes
    }

    fn look(&self, shape: &Shape) -> ShapeLook {
        let mut look = ShapeLook::default();
        let add = |look: &mut ShapeLook, found: Option<Deciding>| match found {
            Some(found) => look.keys.extend(found.columns),
            None => look.whole = true,
        };
        let source = |n: usize| &self.asked.plan.sources[n].1;
        for n in &self.asked.sources {
            add(&mut look, self.deciding(shape, source(*n)));
        }
        for singly in self.asked.groups.iter().flat_map(|groups| &groups.singly) {
            let found = singly.map(|n| self.deciding(shape, source(n)));
            let column = found.as_ref().and_then(|found| {
                let found = found.as_ref().filter(|found| found.is_text)?;
                found.columns.first().copied()
            });
            look.singly.push(column);
            if let (Some(found), None) = (found, column) {
                add(&mut look, found);
            }
        }
        look.keys.sort_unstable();
        look.keys.dedup();
        look
    }

    /// None where the line decides.
    fn deciding(&self, shape: &Shape, source: &Source) -> Option<Deciding> {
        let header = self.columns.header();
        let none = Deciding {
            columns: Vec::new(),
            is_text: false,
        };
        let (names, plain): (&[&str], Option<&str>) = match source {
            Source::Stream => return Some(none),
            Source::Time | Source::Line => return None,
            Source::Level => (&LEVELS, None),
            Source::Field(name, plain) => (&[name.as_str()], Some(plain)),
        };
        let metadata = |names: &[&str]| -> Vec<u32> {
            let columns = shape.metadata.iter().copied();
            columns
                .filter(|column| match &header.columns[*column as usize].name {
                    ColumnName::Metadata(name) => names.contains(&name.as_str()),
                    ColumnName::Slot(..) => false,
                })
                .collect()
        };
        let mut columns = metadata(names);
        if !metadata(&names[..1]).is_empty() {
            // It comes before all others.
            let is_text = columns.len() == 1 && plain.is_some();
            return Some(Deciding { columns, is_text });
        }
        let has_label = |labels: &Labels| names.iter().any(|name| labels.get(name).is_some());
        let (mut some, mut all) = (false, true);
        for run in self.columns.runs() {
            let has_label = has_label(run.labels);
            (some, all) = (some | has_label, all & has_label);
        }
        if !columns.is_empty() || all {
            // Whatever they hold, there is a value.
            return Some(Deciding {
                columns,
                is_text: false,
            });
        }
        let name = if plain.is_some() { names[0] } else { "level" };
        let in_line = slots(header, shape, name)?;
        let is_text = plain.is_some()
            && !some
            && matches!(in_line.as_slice(), [one] if is_value(&header.columns[*one as usize].name, name));
        columns.extend(in_line);
        if let Some(plain) = plain.filter(|plain| *plain != name && !is_text) {
            columns.extend(metadata(&[plain]));
        }
        Some(Deciding { columns, is_text })
    }

    /// Reads the columns that decide.
    pub(super) fn read(&mut self) -> kymo_engine::Result<()> {
        for look in self.all.iter().filter(|look| !look.whole) {
            let with_codes = look.keys.len() <= KEYS_MAX;
            let keys = look.keys.iter().map(|column| (*column, with_codes));
            for (column, with_codes) in keys.chain(look.singly.iter().flatten().map(|c| (*c, false))) {
                let is_read = self.coded.get(&column);
                if is_read.is_none_or(|coded| with_codes && coded.distinct() == 0) {
                    let coded = Coded::read(self.columns, column, with_codes)?;
                    self.coded.insert(column, coded);
                }
            }
        }
        Ok(())
    }

    pub(super) fn coded(&self, column: u32) -> Option<&Coded> {
        self.coded.get(&column)
    }

    /// The values of all slots for an entry, as far as they matter; what does not is missing or made up.
    pub(super) fn values(&self, labels: &Labels, shape: usize, row: usize, line: &mut Vec<u8>) -> Vec<Value> {
        let header = self.columns.header();
        let look = &self.all[shape];
        let put = |column: u32, out: &mut Vec<u8>| {
            let is_read = look.keys.contains(&column) || look.singly.contains(&Some(column));
            match self.coded.get(&column).filter(|_| is_read) {
                Some(coded) => coded.put(row, out),
                None => return false,
            }
            true
        };
        let of = &header.shapes[shape];
        line.clear();
        if header.skeletons[of.skeleton as usize].kind != LineKind::Text {
            skeleton(
                header,
                of.skeleton as usize,
                &mut |column, out| put(column, out),
                line,
            );
        }
        let mut metadata: Vec<(&str, String)> = Vec::new();
        for column in &of.metadata {
            let mut value = Vec::new();
            if let ColumnName::Metadata(name) = &header.columns[*column as usize].name
                && put(*column, &mut value)
            {
                metadata.push((name, String::from_utf8_lossy(&value).into_owned()));
            }
        }
        let plan = self.asked.plan;
        let singly = self.asked.groups.iter().flat_map(|groups| &groups.singly);
        let used: Vec<usize> = (self.asked.sources.iter().copied())
            .chain(singly.copied().flatten())
            .collect();
        let sources: Vec<Source> = used.iter().map(|n| plan.sources[*n].1.clone()).collect();
        let entry = Entry {
            time: 0,
            labels,
            metadata: metadata.iter().map(|(name, value)| (*name, value.as_str())),
            line,
        };
        let mut found = Vec::new();
        entry.values(&sources, &mut found);
        let mut values = vec![Value::Missing; plan.slots];
        for (n, value) in used.into_iter().zip(found) {
            values[plan.sources[n].0] = value;
        }
        values
    }

    /// The text of an entry's only value where every reader takes it as it stands.
    pub(super) fn text(&self, column: u32, row: usize, out: &mut Vec<u8>) -> Option<Value> {
        out.clear();
        self.coded.get(&column)?.put(row, out);
        let text = std::str::from_utf8(out).ok()?;
        let is_metadata = matches!(
            self.columns.header().columns[column as usize].name,
            ColumnName::Metadata(_)
        );
        let is_plain = |b: &u8| (b' '..0x7f).contains(b) && *b != b'\\';
        let is_plain = !text.is_empty() && text != "null" && out.iter().all(is_plain);
        (is_metadata || is_plain).then(|| Value::text(text))
    }
}

/// The columns of a line that decide what a name stands for; none where the line is not taken apart.
fn slots(header: &GroupHeader, shape: &Shape, name: &str) -> Option<Vec<u32>> {
    let skeleton = &header.skeletons[shape.skeleton as usize];
    let first = skeleton.text.iter().find(|b| !b.is_ascii_whitespace());
    let is_sound = match skeleton.kind {
        LineKind::Text => false,
        LineKind::Json => first == Some(&b'{'),
        LineKind::Logfmt => first.is_some_and(|b| !b"{[".contains(b) && *b > ARRAY),
    };
    let decides = |column: &u32| match &header.columns[*column as usize].name {
        ColumnName::Slot(SlotName::Json(path, marker), _) => {
            let path = path.join(".");
            let is_within = |outer: &str, inner: &str| {
                inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            path == name || is_within(name, &path) || (*marker == ARRAY && is_within(&path, name))
        }
        ColumnName::Slot(SlotName::Logfmt(key, _), _) => key == name,
        _ => false,
    };
    is_sound.then(|| skeleton.columns.iter().copied().filter(decides).collect())
}

/// True for a column of single values of a name.
fn is_value(column: &ColumnName, name: &str) -> bool {
    match column {
        ColumnName::Slot(SlotName::Json(path, marker), _) => *marker != ARRAY && path.join(".") == name,
        ColumnName::Slot(SlotName::Logfmt(key, _), _) => key == name,
        _ => false,
    }
}
