//! What rows name by number: names, resources, scopes, values of columns, shapes and classes. A batch has one of its own
//! and so has a head; [`Vocabulary::take_in`] tells how the numbers of one become those of the other.

use hashbrown::HashMap;

use super::interner::Interner;
use super::layout::{ColumnKey, ItemClass, Owner, SpanClass, width};

/// Distinct things by number, in the order of first sight.
#[derive(Debug, Clone)]
pub(super) struct Numbered<T> {
    items: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered {
            items: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Copy + Eq + std::hash::Hash> Numbered<T> {
    /// The number of `item`, a new one when it is new.
    #[inline]
    pub(super) fn number(&mut self, item: T) -> u32 {
        let next = self.items.len() as u32;
        let n = *self.numbers.entry(item).or_insert(next);
        if n == next {
            self.items.push(item);
        }
        n
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    fn memory(&self) -> usize {
        let item = size_of::<T>();
        self.items.capacity() * item + self.numbers.capacity() * (item + 5)
    }
}

/// Which columns a row has, in their order; a column may come twice.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    items: Vec<Shape>,
    numbers: HashMap<Box<[u32]>, u32>,
}

/// One shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// Numbers of the columns.
    pub(super) columns: Box<[u32]>,
    /// Place of each column's cells in those of a row.
    pub(super) offsets: Box<[u32]>,
    /// Cells of a row.
    pub(super) width: u32,
}

impl Shapes {
    fn number(&mut self, columns: &[u32], width_of: impl Fn(u32) -> u32) -> u32 {
        if let Some(n) = self.numbers.get(columns) {
            return *n;
        }
        let n = self.items.len() as u32;
        let mut offsets = Vec::with_capacity(columns.len());
        let mut width = 0;
        for column in columns {
            offsets.push(width);
            width += width_of(*column);
        }
        self.items.push(Shape {
            columns: columns.into(),
            offsets: offsets.into(),
            width,
        });
        self.numbers.insert(columns.into(), n);
        n
    }
}

/// A column and, where its values are told by number, those.
#[derive(Debug, Clone)]
pub(super) struct VocabularyColumn {
    pub(super) key: ColumnKey,
    pub(super) values: Interner,
}

/// Everything rows name by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Vocabulary {
    /// Names of spans.
    pub(super) names: Interner,
    /// Names of events.
    pub(super) event_names: Interner,
    /// Resources as [`super::blob`] writes them.
    pub(super) resources: Interner,
    /// Instrumentation scopes likewise.
    pub(super) scopes: Interner,
    columns: Vec<VocabularyColumn>,
    column_numbers: HashMap<ColumnKey, u32>,
    shapes: Shapes,
    /// Classes of spans.
    pub(super) spans: Numbered<SpanClass>,
    /// Classes of events.
    pub(super) events: Numbered<ItemClass>,
    /// Classes of links.
    pub(super) links: Numbered<ItemClass>,
}

/// The numbers of one vocabulary in another.
#[derive(Debug, Default)]
pub(super) struct Translation {
    /// Classes of spans.
    pub(super) spans: Vec<u32>,
    /// Classes of events.
    pub(super) events: Vec<u32>,
    /// Classes of links.
    pub(super) links: Vec<u32>,
    /// Columns.
    pub(super) columns: Vec<u32>,
    /// The values of each column, empty for columns without.
    pub(super) values: Vec<Vec<u32>>,
}

impl Vocabulary {
    pub(super) fn columns(&self) -> &[VocabularyColumn] {
        &self.columns
    }

    pub(super) fn column_mut(&mut self, n: u32) -> &mut VocabularyColumn {
        &mut self.columns[n as usize]
    }

    /// The number of a column, a new one when it is new.
    pub(super) fn column(&mut self, key: ColumnKey) -> u32 {
        if let Some(n) = self.column_numbers.get(&key) {
            return *n;
        }
        let n = self.columns.len() as u32;
        self.column_numbers.insert(key.clone(), n);
        self.columns.push(VocabularyColumn {
            key,
            values: Interner::default(),
        });
        n
    }

    /// The number of a shape, a new one when it is new. Its columns are known.
    pub(super) fn shape(&mut self, columns: &[u32]) -> u32 {
        let known = &self.columns;
        self.shapes
            .number(columns, |column| width(known[column as usize].key.kind))
    }

    pub(super) fn shapes(&self) -> &[Shape] {
        &self.shapes.items
    }

    /// The shape of a class of spans.
    #[inline]
    pub(super) fn shape_of_span(&self, class: u32) -> &Shape {
        &self.shapes.items[self.spans.items[class as usize].shape as usize]
    }

    /// The shape of a class of events or links.
    #[inline]
    pub(super) fn shape_of_item(&self, owner: Owner, class: u32) -> &Shape {
        &self.shapes.items[self.item_classes(owner)[class as usize].shape as usize]
    }

    /// Classes of events or links.
    pub(super) fn item_classes(&self, owner: Owner) -> &[ItemClass] {
        match owner {
            Owner::Event => self.events.items(),
            _ => self.links.items(),
        }
    }

    /// Adds what `other` has and this has not.
    pub(super) fn take_in(&mut self, other: &Vocabulary) -> Translation {
        let names = take_in_all(&mut self.names, &other.names);
        let event_names = take_in_all(&mut self.event_names, &other.event_names);
        let resources = take_in_all(&mut self.resources, &other.resources);
        let scopes = take_in_all(&mut self.scopes, &other.scopes);
        let mut columns = Vec::with_capacity(other.columns.len());
        let mut values = Vec::with_capacity(other.columns.len());
        for column in &other.columns {
            let n = self.column(column.key.clone());
            columns.push(n);
            values.push(take_in_all(&mut self.columns[n as usize].values, &column.values));
        }
        let mut shapes = Vec::with_capacity(other.shapes.items.len());
        let mut translated = Vec::new();
        for shape in &other.shapes.items {
            translated.clear();
            translated.extend(shape.columns.iter().map(|c| columns[*c as usize]));
            shapes.push(self.shape(&translated));
        }
        let span = |class: &SpanClass| SpanClass {
            resource: resources[class.resource as usize],
            scope: scopes[class.scope as usize],
            name: names[class.name as usize],
            shape: shapes[class.shape as usize],
            ..*class
        };
        let spans = other
            .spans
            .items
            .iter()
            .map(|class| self.spans.number(span(class)));
        let spans = spans.collect();
        let events = other.events.items.iter().map(|class| {
            self.events.number(ItemClass {
                label: event_names[class.label as usize],
                shape: shapes[class.shape as usize],
            })
        });
        let events = events.collect();
        let links = other.links.items.iter().map(|class| {
            self.links.number(ItemClass {
                label: class.label,
                shape: shapes[class.shape as usize],
            })
        });
        Translation {
            spans,
            events,
            links: links.collect(),
            columns,
            values,
        }
    }

    /// The same numbers for everything, but no values of columns.
    pub(super) fn without_values(&self) -> Vocabulary {
        let mut copy = Vocabulary {
            names: self.names.clone(),
            event_names: self.event_names.clone(),
            resources: self.resources.clone(),
            scopes: self.scopes.clone(),
            ..Vocabulary::default()
        };
        copy.copy_columns(self);
        copy.spans = self.spans.clone();
        copy.events = self.events.clone();
        copy.links = self.links.clone();
        copy
    }

    /// Columns and shapes under the same numbers, without values, and of classes those that are used, in their order, with
    /// what they name; and the new numbers of the classes, which those that are not used have none of.
    pub(super) fn with_classes(&self, used: [&[bool]; 3]) -> (Vocabulary, [Vec<u32>; 3]) {
        let mut copy = Vocabulary::default();
        copy.copy_columns(self);
        let [spans, events, links] = used;
        let spans = self.spans.items.iter().zip(spans).map(|(class, used)| {
            used.then(|| SpanClass {
                resource: copy.resources.copy(&self.resources, class.resource),
                scope: copy.scopes.copy(&self.scopes, class.scope),
                name: copy.names.copy(&self.names, class.name),
                ..*class
            })
        });
        let spans = numbered(&mut copy.spans, spans);
        let events = self.events.items.iter().zip(events).map(|(class, used)| {
            used.then(|| ItemClass {
                label: copy.event_names.copy(&self.event_names, class.label),
                ..*class
            })
        });
        let events = numbered(&mut copy.events, events);
        let links = self.links.items.iter().zip(links);
        let links = numbered(&mut copy.links, links.map(|(class, used)| used.then_some(*class)));
        (copy, [spans, events, links])
    }

    fn copy_columns(&mut self, from: &Vocabulary) {
        for column in &from.columns {
            self.column(column.key.clone());
        }
        for shape in &from.shapes.items {
            self.shape(&shape.columns);
        }
    }

    /// Memory held, about.
    pub(super) fn memory(&self) -> usize {
        let interners = [&self.names, &self.event_names, &self.resources, &self.scopes];
        let values = self.columns.iter().map(|c| c.values.memory() + 128);
        let shapes = self.shapes.items.iter().map(|s| s.columns.len() * 12 + 96);
        interners.iter().map(|i| i.memory()).sum::<usize>()
            + values.sum::<usize>()
            + shapes.sum::<usize>()
            + self.spans.memory()
            + self.events.memory()
            + self.links.memory()
    }
}

/// Numbers classes, of which some are left out; those get none that is given out.
fn numbered<T: Copy + Eq + std::hash::Hash>(
    into: &mut Numbered<T>,
    classes: impl Iterator<Item = Option<T>>,
) -> Vec<u32> {
    classes
        .map(|class| class.map_or(u32::MAX, |class| into.number(class)))
        .collect()
}

fn take_in_all(into: &mut Interner, from: &Interner) -> Vec<u32> {
    (0..from.len() as u32).map(|n| into.copy(from, n)).collect()
}
