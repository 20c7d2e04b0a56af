//! A column by code: entries with the same text have the same number.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;
use kymo_engine::logs::Columns;
use kymo_engine::logs::values::Values;

/// Whole numbers below are exact as floats.
const EXACT: u64 = 1 << 53;

/// A column and the place of each entry in it.
pub(crate) struct Coded {
    values: Arc<Values>,
    /// By place in the column, where the column has no codes of its own.
    made: Option<Vec<u16>>,
    distinct: usize,
    /// Place in the column by place in the group, where not every entry has the column.
    places: Option<Vec<u32>>,
}

impl Coded {
    pub(crate) fn read(columns: &Columns<'_>, column: u32, with_codes: bool) -> kymo_engine::Result<Coded> {
        let values = columns.values(column)?;
        let rows = columns.header().columns[column as usize].rows as usize;
        let (made, distinct) = match &*values {
            Values::Const(_) => (None, 1),
            Values::Dictionary(texts, _) => (None, texts.len()),
            _ if !with_codes => (None, 0),
            Values::Ints(ints) => {
                let (codes, distinct) = codes(ints.iter().copied());
                (Some(codes), distinct)
            }
            other => {
                let (codes, distinct) = codes_of_texts(other, rows);
                (Some(codes), distinct)
            }
        };
        let has = columns.has(column);
        let places = match has.iter().all(|has| *has) {
            true => None,
            false => {
                let mut next = 0;
                let mut place = |shape: &u32| {
                    let place = next;
                    next += u32::from(has[*shape as usize]);
                    place
                };
                Some(columns.shapes()?.iter().map(&mut place).collect())
            }
        };
        Ok(Coded {
            values,
            made,
            distinct,
            places,
        })
    }

    /// Number of codes.
    pub(crate) fn distinct(&self) -> usize {
        self.distinct
    }

    #[inline]
    fn place(&self, row: usize) -> usize {
        match &self.places {
            None => row,
            Some(places) => places[row] as usize,
        }
    }

    /// The code of an entry that has the column.
    #[inline]
    pub(crate) fn code(&self, row: usize) -> u16 {
        let place = self.place(row);
        match (&*self.values, &self.made) {
            (Values::Dictionary(_, codes), _) => codes[place],
            (_, Some(made)) => made[place],
            _ => 0,
        }
    }

    /// The codes by place in the group, where every entry has the column and more than one value is there.
    pub(crate) fn dense(&self) -> Option<&[u16]> {
        match (&*self.values, &self.made, &self.places) {
            (Values::Dictionary(_, codes), _, None) => Some(codes),
            (_, Some(made), None) => Some(made),
            _ => None,
        }
    }

    /// The sum of the numbers of some entries, where every entry has the column and all numbers are whole; none where it is not exact.
    pub(crate) fn sum(&self, rows: &Range<usize>) -> Option<f64> {
        let (Values::Ints(ints), None) = (&*self.values, &self.places) else {
            return None;
        };
        let ints = &ints[rows.clone()];
        let largest = ints.iter().map(|n| n.unsigned_abs()).max()?;
        let is_exact = largest.checked_mul(ints.len() as u64)? < EXACT;
        is_exact.then(|| ints.iter().sum::<i64>() as f64)
    }

    /// Appends the text of an entry that has the column.
    pub(crate) fn put(&self, row: usize, out: &mut Vec<u8>) {
        self.values.put(self.place(row), out);
    }

    /// The number of an entry whose text is a plain one, exactly as its text is read; none for other texts.
    #[inline]
    pub(crate) fn plain_number(&self, row: usize) -> Option<f64> {
        let place = self.place(row);
        match &*self.values {
            Values::Ints(ints) => Some(ints[place] as f64),
            Values::Decimals(digits, places) if digits[place].unsigned_abs() < EXACT => {
                Some(digits[place] as f64 / 10f64.powi(i32::from(places[place])))
            }
            _ => None,
        }
    }
}

fn codes_of_texts(values: &Values, rows: usize) -> (Vec<u16>, usize) {
    let mut known: HashMap<Vec<u8>, u16> = HashMap::new();
    let mut text = Vec::new();
    let mut code = |n: usize| {
        text.clear();
        values.put(n, &mut text);
        let next = known.len() as u16;
        *known.entry_ref(text.as_slice()).or_insert(next)
    };
    let codes = (0..rows).map(&mut code).collect();
    (codes, known.len())
}

/// A number for each value, the same for the same. A group has fewer entries than there are codes.
fn codes<T: Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> (Vec<u16>, usize) {
    let mut known: HashMap<T, u16> = HashMap::new();
    let mut code = |value: T| {
        let next = known.len() as u16;
        *known.entry(value).or_insert(next)
    };
    let codes = values.map(&mut code).collect();
    (codes, known.len())
}
