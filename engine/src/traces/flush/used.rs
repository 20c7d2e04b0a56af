//! What the rows of one day use of a head's vocabulary. Not for heads of one day, whose rows use all of it.

use crate::traces::head::State;
use crate::traces::layout::{ColumnName, Extra, Owner, is_interned};

/// What rows use.
pub(super) struct Used {
    spans: Vec<bool>,
    events: Vec<bool>,
    links: Vec<bool>,
    /// Of each column whose values are told by number, which.
    values: Vec<Vec<bool>>,
    /// How many values each column has.
    pub(super) counts: Vec<u64>,
}

impl Used {
    /// What these rows use.
    pub(super) fn by(state: &State, rows: &[u32]) -> Used {
        let vocabulary = &state.vocabulary;
        let none = |len: usize| vec![false; len];
        let values = vocabulary.columns().iter().map(|column| {
            let is_told = is_interned(column.key.kind);
            none(if is_told { column.values.len() } else { 0 })
        });
        let mut used = Used {
            spans: none(vocabulary.spans.items().len()),
            events: none(vocabulary.item_classes(Owner::Event).len()),
            links: none(vocabulary.item_classes(Owner::Link).len()),
            values: values.collect(),
            counts: vec![0; vocabulary.columns().len()],
        };
        rows.iter().for_each(|row| used.add_row(state, *row as usize));
        used
    }

    /// Which classes of spans, events and links are used.
    pub(super) fn classes(&self) -> [&[bool]; 3] {
        [&self.spans, &self.events, &self.links]
    }

    /// The values of a column that are used, in their order.
    pub(super) fn values_of(&self, column: usize) -> Vec<u32> {
        let all = self.values[column].iter().enumerate();
        all.filter_map(|(n, used)| used.then_some(n as u32)).collect()
    }

    fn add_row(&mut self, state: &State, row: usize) {
        let (vocabulary, spans) = (&state.vocabulary, &state.spans);
        let class = spans.class[row];
        self.spans[class as usize] = true;
        let shape = vocabulary.shape_of_span(class);
        let cells = &spans.cells[spans.cells_at[row] as usize..];
        for (column, offset) in shape.columns.iter().zip(&shape.offsets) {
            let cell = &cells[*offset as usize..];
            let items = || cell[1] as usize..(cell[1] + cell[0]) as usize;
            self.add_cell(*column, cell);
            match vocabulary.columns()[*column as usize].key.name {
                ColumnName::Extra(Extra::Events) => {
                    items().for_each(|n| self.add_item(state, Owner::Event, n))
                }
                ColumnName::Extra(Extra::Links) => items().for_each(|n| self.add_item(state, Owner::Link, n)),
                _ => {}
            }
        }
    }

    fn add_item(&mut self, state: &State, owner: Owner, n: usize) {
        let (items, classes) = match owner {
            Owner::Event => (&state.events, &mut self.events),
            _ => (&state.links, &mut self.links),
        };
        let class = items.class[n];
        classes[class as usize] = true;
        let shape = state.vocabulary.shape_of_item(owner, class);
        let cells = &items.cells[items.cells_at[n] as usize..];
        for (column, offset) in shape.columns.iter().zip(&shape.offsets) {
            self.add_cell(*column, &cells[*offset as usize..]);
        }
    }

    fn add_cell(&mut self, column: u32, cell: &[u32]) {
        let column = column as usize;
        self.counts[column] += 1;
        // Columns whose values are not told by number have none here.
        if let Some(used) = cell
            .first()
            .and_then(|n| self.values[column].get_mut(*n as usize))
        {
            *used = true;
        }
    }
}
