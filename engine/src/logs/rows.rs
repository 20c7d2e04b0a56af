//! Entries of one stream as a reader gets them: owned, in order of time and then of arrival.

use crate::labels::Labels;

/// Entries of a stream.
#[derive(Debug, Clone)]
pub struct StreamRows {
    /// Labels of the stream.
    pub labels: Labels,
    /// Its entries.
    pub rows: Rows,
}

/// Entries in order of time, those of one time in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    times: Vec<i64>,
    lines: Vec<u8>,
    ends: Vec<usize>,
    sets: Sets,
    set_of: Vec<u32>,
    /// Entries that stay although another equals them; empty when there are none.
    kept: Vec<bool>,
}

/// Sets of structured metadata, by number.
#[derive(Debug, Clone, Default)]
pub struct Sets {
    names: Vec<Box<str>>,
    values: String,
    value_ends: Vec<usize>,
    /// Number of the name and of the value of each pair.
    pairs: Vec<(u32, u32)>,
    ends: Vec<usize>,
}

impl Sets {
    /// Number of sets.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without sets.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Names and values of a set, sorted by name, names unique. Values may be empty.
    pub fn get(&self, set: usize) -> impl Iterator<Item = (&str, &str)> + Clone {
        let from = if set == 0 { 0 } else { self.ends[set - 1] };
        let pairs = self.pairs[from..self.ends[set]].iter();
        pairs.map(|(name, value)| (&*self.names[*name as usize], self.value(*value)))
    }

    fn value(&self, n: u32) -> &str {
        let n = n as usize;
        let from = if n == 0 { 0 } else { self.value_ends[n - 1] };
        &self.values[from..self.value_ends[n]]
    }

    /// Appends a set, given sorted by name.
    pub(super) fn add<'p>(&mut self, pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> u32 {
        for (name, value) in pairs {
            let name = match self.names.iter().position(|n| **n == *name) {
                Some(n) => n,
                None => {
                    self.names.push(name.into());
                    self.names.len() - 1
                }
            };
            self.values.push_str(value);
            self.value_ends.push(self.values.len());
            self.pairs.push((name as u32, self.value_ends.len() as u32 - 1));
        }
        self.ends.push(self.pairs.len());
        self.ends.len() as u32 - 1
    }
}

impl Rows {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Times in nanoseconds, ascending.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// A line, as it was sent.
    #[inline]
    pub fn line(&self, row: usize) -> &[u8] {
        let from = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.lines[from..self.ends[row]]
    }

    /// Structured metadata of an entry, sorted by name, names unique. Values may be empty.
    #[inline]
    pub fn metadata(&self, row: usize) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.sets.get(self.set_of[row] as usize)
    }

    /// Number of the entry's metadata among [`Rows::sets`]: entries of one number have the same.
    #[inline]
    pub fn set_of(&self, row: usize) -> usize {
        self.set_of[row] as usize
    }

    /// The sets of metadata that entries have.
    pub fn sets(&self) -> &Sets {
        &self.sets
    }

    /// Entries in any order, of which equal ones are taken once: for tests and scripts. Metadata is sorted by name.
    pub fn from_entries<'e>(
        entries: impl IntoIterator<Item = (i64, &'e [u8], Vec<(&'e str, &'e str)>)>,
    ) -> Rows {
        let mut rows = Rows::default();
        for (time, line, mut metadata) in entries {
            metadata.sort_unstable();
            let set = rows.sets.add(metadata);
            rows.push(time, line, set, false);
        }
        Rows::merge(vec![rows])
    }

    pub(super) fn sets_mut(&mut self) -> &mut Sets {
        &mut self.sets
    }

    pub(super) fn reserve(&mut self, rows: usize, line_bytes: usize) {
        self.times.reserve(rows);
        self.ends.reserve(rows);
        self.set_of.reserve(rows);
        self.lines.reserve(line_bytes);
    }

    /// Appends an entry whose set was added.
    #[inline]
    pub(super) fn push(&mut self, time: i64, line: &[u8], set: u32, kept: bool) {
        self.lines.extend_from_slice(line);
        self.close(time, set, kept);
    }

    /// Where the next line is to be appended to, before [`Rows::close`].
    #[inline]
    pub(super) fn lines_mut(&mut self) -> &mut Vec<u8> {
        &mut self.lines
    }

    /// Ends the entry whose line was appended to [`Rows::lines_mut`].
    #[inline]
    pub(super) fn close(&mut self, time: i64, set: u32, kept: bool) {
        self.times.push(time);
        self.ends.push(self.lines.len());
        self.set_of.push(set);
        if kept && self.kept.is_empty() {
            self.kept.resize(self.times.len() - 1, false);
        }
        if kept || !self.kept.is_empty() {
            self.kept.push(kept);
        }
    }

    #[inline]
    pub(super) fn is_kept(&self, row: usize) -> bool {
        self.kept.get(row).copied().unwrap_or(false)
    }

    /// True when the entries ascend by time and none equals another.
    fn is_settled(&self) -> bool {
        self.times.windows(2).all(|w| w[0] < w[1])
            || (self.times.is_sorted() && self.repeats().next().is_none())
    }

    fn repeats(&self) -> impl Iterator<Item = usize> + '_ {
        (1..self.len()).filter(|row| {
            let earlier = (0..*row).rev().take_while(|r| self.times[*r] == self.times[*row]);
            !self.is_kept(*row) && earlier.into_iter().any(|r| self.same(r, self, *row))
        })
    }

    fn same(&self, row: usize, other: &Rows, of_other: usize) -> bool {
        self.line(row) == other.line(of_other) && self.metadata(row).eq(other.metadata(of_other))
    }

    /// Entries of the same stream from several places, given in order of arrival: in order, each once.
    pub fn merge(mut parts: Vec<Rows>) -> Rows {
        parts.retain(|part| !part.is_empty());
        if parts.len() == 1 && parts[0].is_settled() {
            return parts.pop().unwrap_or_default();
        }
        let mut order: Vec<(i64, u32, u32)> = Vec::with_capacity(parts.iter().map(Rows::len).sum());
        for (p, part) in parts.iter().enumerate() {
            let rows = part.times.iter().enumerate();
            order.extend(rows.map(|(row, time)| (*time, p as u32, row as u32)));
        }
        order.sort_unstable();
        let mut out = Rows::default();
        out.reserve(order.len(), parts.iter().map(|p| p.lines.len()).sum());
        let bases: Vec<u32> = parts
            .iter()
            .map(|part| {
                let base = out.sets.len() as u32;
                for set in 0..part.sets.len() {
                    out.sets.add(part.sets.get(set));
                }
                base
            })
            .collect();
        for same_time in order.chunk_by(|a, b| a.0 == b.0) {
            let from = out.len();
            for (time, p, row) in same_time {
                let (part, row) = (&parts[*p as usize], *row as usize);
                let kept = part.is_kept(row);
                if kept || !(from..out.len()).any(|earlier| out.same(earlier, part, row)) {
                    let set = bases[*p as usize] + part.set_of[row];
                    out.push(*time, part.line(row), set, kept);
                }
            }
        }
        out
    }

    /// Entries of the same stream from several places, each place behind the one before it in time.
    pub(super) fn joined(parts: Vec<Rows>) -> Rows {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_default();
        for part in parts {
            let base = all.sets.len() as u32;
            for set in 0..part.sets.len() {
                all.sets.add(part.sets.get(set));
            }
            for (row, time) in part.times.iter().enumerate() {
                all.push(*time, part.line(row), base + part.set_of[row], part.is_kept(row));
            }
        }
        all
    }

    /// The entries between two times, the first inclusive, the second not.
    pub fn between(&self, from: i64, until: i64) -> std::ops::Range<usize> {
        let first = self.times.partition_point(|t| *t < from);
        let last = self.times.partition_point(|t| *t < until);
        first..last.max(first)
    }

    /// Only the entries that are to be kept.
    pub(super) fn only(self, keep: &[bool]) -> Rows {
        if keep.iter().all(|keep| *keep) {
            return self;
        }
        let mut out = Rows::default();
        for row in (0..self.len()).filter(|row| keep[*row]) {
            out.push(
                self.times[row],
                self.line(row),
                self.set_of[row],
                self.is_kept(row),
            );
        }
        out.sets = self.sets;
        out
    }

    /// One entry only.
    pub(super) fn pick(&self, row: usize) -> Rows {
        let mut one = Rows::default();
        let set = one.sets.add(self.metadata(row));
        one.push(self.times[row], self.line(row), set, self.is_kept(row));
        one
    }

    /// Only the entries of a range.
    pub(super) fn slice(&self, range: std::ops::Range<usize>) -> Rows {
        if range == (0..self.len()) {
            return self.clone();
        }
        let base = if range.start == 0 {
            0
        } else {
            self.ends[range.start - 1]
        };
        let end = if range.is_empty() {
            base
        } else {
            self.ends[range.end - 1]
        };
        Rows {
            times: self.times[range.clone()].to_vec(),
            lines: self.lines[base..end].to_vec(),
            ends: self.ends[range.clone()].iter().map(|e| e - base).collect(),
            sets: self.sets.clone(),
            set_of: self.set_of[range.clone()].to_vec(),
            kept: self.kept.get(range).map(<[bool]>::to_vec).unwrap_or_default(),
        }
    }
}
