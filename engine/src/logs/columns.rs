//! The entries of a part as columns, for who can answer without putting lines together: what entries have in common (streams,
//! shapes), and the values of slots and of metadata. Not for deciding what a value means.

use std::ops::Range;
use std::sync::Arc;

use super::block::contains::{self, Holding};
use super::block::group::{Group, OpenGroup};
use super::block::header::GroupHeader;
use super::block::search;
use super::block::tally::Tally;
use super::grams::is_id;
use super::needle::Needle;
use super::rows::{Rows, StreamRows};
use super::scan::{RunOf, Scan, Wanted};
use super::values::{Form, Outline, Texts, Values};
use crate::error::Result;
use crate::labels::Labels;

/// Entries of one stream in a group.
#[derive(Debug, Clone, Copy)]
pub struct Run<'c> {
    /// Labels of the stream.
    pub labels: &'c Labels,
    /// Place of its first entry in the group.
    pub first: usize,
    /// Place behind its last.
    pub end: usize,
    /// Earliest and latest time, both inclusive.
    pub times: (i64, i64),
}

/// Entries of one group of a block.
pub struct Columns<'p> {
    scan: &'p Scan,
    runs: Vec<(&'p Labels, Range<usize>, (i64, i64))>,
    group: OpenGroup<'p>,
}

impl<'p> Columns<'p> {
    pub(super) fn open(
        file: &'p crate::block::BlockFile,
        group: u32,
        runs: &'p [RunOf],
        scan: &'p Scan,
    ) -> Result<Columns<'p>> {
        let group = Group::open(file, group)?.read();
        let mut own = Vec::with_capacity(runs.len());
        for run in runs {
            if run.limits.is_empty() {
                let header = group.header().runs.iter();
                let times = header
                    .filter(|of| of.first as usize == run.range.start)
                    .map(|of| (of.min_time, of.max_time));
                own.extend(times.map(|times| (&run.labels, run.range.clone(), times)));
                continue;
            }
            let times = group.times()?;
            let of_range = |range: Range<usize>| (times[range.start], times[range.end - 1]);
            let ranges = run.ranges(times).into_iter();
            own.extend(ranges.map(|range| (&run.labels, range.clone(), of_range(range))));
        }
        Ok(Columns {
            scan,
            runs: own,
            group,
        })
    }

    /// What is known of all entries of the group: those of runs that were not asked for are among them.
    pub fn header(&self) -> &GroupHeader {
        self.group.header()
    }

    /// The runs that were asked for, or pieces of them, in order of their place.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> + '_ {
        self.runs.iter().map(|(labels, range, times)| Run {
            labels,
            first: range.start,
            end: range.end,
            times: *times,
        })
    }

    /// Times of all entries of the group, ascending in each run.
    ///
    /// # Errors
    /// What reading a block can bring; of the methods below too.
    pub fn times(&self) -> Result<&[i64]> {
        self.group.times()
    }

    /// Number of the shape of each entry of the group.
    pub fn shapes(&self) -> Result<&[u32]> {
        self.group.shapes()
    }

    /// The values of a column: one for each entry of the group whose shape has the column, in order.
    pub fn values(&self, column: u32) -> Result<Arc<Values>> {
        self.group.column(column)
    }

    /// How many entries have each text of a column that holds a dictionary or one text.
    pub fn tally(&self, column: u32) -> Result<Option<Arc<Tally>>> {
        self.group.tally(column)
    }

    /// The number of a run among those of the group when it is all of it.
    pub fn whole_run(&self, run: &Run<'_>) -> Option<usize> {
        let runs = &self.header().runs;
        let n = runs.partition_point(|of| (of.first as usize) < run.first);
        let of = runs.get(n)?;
        let is_whole = of.first as usize == run.first && run.end - run.first == of.rows as usize;
        is_whole.then_some(n)
    }

    /// How many entries of each run have each shape, one run after the other.
    pub fn shape_counts(&self) -> Result<Arc<Vec<u32>>> {
        self.group.shape_counts()
    }

    /// For each shape whether it has a column.
    pub fn has(&self, column: u32) -> Vec<bool> {
        let header = self.group.header();
        let shapes = header.shapes.iter();
        shapes
            .map(|shape| header.columns_of(shape).any(|c| c == column))
            .collect()
    }

    /// By place in the group whether an entry may pass the needles of the question; none when all may.
    pub fn candidates(&self) -> Result<Option<Vec<bool>>> {
        match self.scan.needles.is_empty() {
            true => Ok(None),
            false => search::entries(&self.scan.needles, &self.group),
        }
    }

    /// Which lines of the group hold a text, as far as columns tell; case counts. The text is not empty.
    pub fn holding(&self, text: &[u8]) -> Result<Holding> {
        contains::holding(text, &self.group)
    }

    /// How many lines of the group hold a text, which is not empty, case counting; none when that takes a look at the entries.
    pub fn count_holding(&self, text: &[u8]) -> Result<Option<u64>> {
        contains::count(text, &self.group)
    }

    /// How the values of a column are written; none for what no version of the store writes.
    pub fn form(&self, column: u32) -> Result<Option<Form>> {
        self.group.form(column)
    }

    /// The texts of a column that holds a dictionary or one text; none of other columns.
    pub fn texts(&self, column: u32) -> Result<Option<Arc<Texts>>> {
        self.group.texts(column)
    }

    /// The number of the template of each text of a column; none of a column that has no templates.
    pub fn template_codes(&self, column: u32) -> Result<Option<Arc<Vec<u16>>>> {
        self.group.template_codes(column)
    }

    /// The templates of a column; none of a column that has no templates.
    pub fn outline(&self, column: u32) -> Result<Option<Arc<Outline>>> {
        self.group.outline(column)
    }

    /// The values of a slot of a template, in order of the texts that have the template.
    pub fn slot(&self, column: u32, outline: &Outline, template: usize, slot: usize) -> Result<Arc<Values>> {
        self.group.slot(column, outline, template, slot)
    }

    /// The same for needles with ids only, which few entries have.
    pub fn rare_candidates(&self) -> Result<Option<Vec<bool>>> {
        let has_id = |text: &String| {
            text.split(|c: char| !c.is_ascii_hexdigit())
                .any(|run| is_id(run.as_bytes()))
        };
        let rare: Vec<Needle> = self
            .scan
            .needles
            .iter()
            .filter(|of| of.any.iter().all(has_id))
            .cloned()
            .collect();
        match rare.is_empty() {
            true => Ok(None),
            false => search::entries(&rare, &self.group),
        }
    }

    /// Shows the lines of entries, given by their place in the group, ascending.
    pub fn lines(&self, rows: &[u32], visit: &mut dyn FnMut(u32, &[u8])) -> Result<()> {
        self.group.lines(rows, visit)
    }

    /// Chosen entries by their place in the group, ascending, those outside of the asked times left out.
    pub fn load(&self, chosen: &[u32], wanted: &Wanted) -> Result<Vec<StreamRows>> {
        let mut streams: Vec<StreamRows> = Vec::new();
        self.rows(Some(chosen), wanted, &mut |labels, rows| match streams
            .last_mut()
            .filter(|last| last.labels == *labels)
        {
            Some(last) => last.rows = Rows::joined(vec![std::mem::take(&mut last.rows), rows]),
            None => streams.push(StreamRows {
                labels: labels.clone(),
                rows,
            }),
        })?;
        Ok(streams)
    }

    /// All entries that may pass the needles, run by run.
    pub(super) fn load_all(&self, wanted: &Wanted, add: &mut dyn FnMut(&Labels, Rows)) -> Result<()> {
        let chosen = self.candidates()?.map(|entries| places(&entries));
        self.rows(chosen.as_deref(), wanted, add)
    }

    fn rows(
        &self,
        chosen: Option<&[u32]>,
        wanted: &Wanted,
        add: &mut dyn FnMut(&Labels, Rows),
    ) -> Result<()> {
        let ranges: Vec<Range<usize>> = self.runs.iter().map(|(_, range, _)| range.clone()).collect();
        let times = (self.scan.from, self.scan.until);
        let rows = self.group.rows(&ranges, times, chosen, wanted)?;
        for ((labels, _, _), rows) in self.runs.iter().zip(rows) {
            if !rows.is_empty() {
                add(labels, rows);
            }
        }
        Ok(())
    }
}

/// The places at which something is true.
pub fn places(entries: &[bool]) -> Vec<u32> {
    let places = entries.iter().enumerate().filter(|(_, is_true)| **is_true);
    places.map(|(at, _)| at as u32).collect()
}
