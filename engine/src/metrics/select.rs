//! The questions metrics answer over a snapshot: series by matchers, label names and values, metadata. The answers do not
//! depend on what lies in a head and what in which block.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringBitmap;

use super::block::exemplars;
use super::block::index::BlockReader;
use super::block::merge::dedup_metadata;
use super::deletion::Deleted;
use super::exemplar::{self, Exemplar, TraceId};
use super::head::MetricsHead;
use super::matcher::Matcher;
use super::postings::{self, Postings};
use super::record::OwnedMetadata;
use super::scan::SeriesSet;
use super::series::{Selection, SeriesData};
use super::signal::Metrics;
use crate::error::Result;
use crate::labels::Labels;
use crate::store::Snapshot;

impl Snapshot<Metrics> {
    /// The series of each selection that have samples in its time, sorted by labels. The heads are read at one moment for
    /// all selections.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn select(&self, selections: &[Selection]) -> Result<Vec<Vec<SeriesData>>> {
        self.scan(selections, 0)?
            .iter()
            .map(SeriesSet::to_series)
            .collect()
    }

    /// Label sets of the series that pass any of the sets of matchers and may have samples between the two times, sorted.
    /// Times are told apart by head and block only, as in Prometheus.
    pub fn series(&self, sets: &[&[Matcher]], min_time: i64, max_time: i64) -> Result<Vec<Labels>> {
        let mut all = BTreeSet::new();
        self.visit_blocks(min_time, max_time, |reader, deleted| {
            let series = union_of(reader, sets)? - deleted.gone();
            for entry in reader.series(series.iter()) {
                all.insert(reader.labels(&entry?)?);
            }
            Ok(())
        })?;
        for head in self.heads_between(min_time, max_time) {
            head.select(sets, &mut |_, labels, _| {
                all.insert(labels());
            })?;
        }
        Ok(all.into_iter().collect())
    }

    /// Label names of the series that pass any of the sets of matchers (all series without sets), sorted.
    pub fn label_names(&self, sets: &[&[Matcher]], min_time: i64, max_time: i64) -> Result<Vec<String>> {
        let mut names = BTreeSet::new();
        self.visit_blocks(min_time, max_time, |reader, deleted| {
            let restriction = restriction(reader, sets, deleted)?;
            for name in reader.names()? {
                let used = match &restriction {
                    None => true,
                    Some(series) => has_series_in(reader, name, series)?,
                };
                if used {
                    names.insert(reader.symbol(name)?.to_owned());
                }
            }
            Ok(())
        })?;
        for head in self.heads_between(min_time, max_time) {
            names.extend(head.with_registry(|registry| {
                Ok::<_, crate::Error>(registry.label_names(head.slots(registry, sets)?.as_ref()))
            })?);
        }
        Ok(names.into_iter().collect())
    }

    /// Values of `name` among the series that pass any of the sets of matchers (all series without sets), sorted.
    pub fn label_values(
        &self,
        name: &str,
        sets: &[&[Matcher]],
        min_time: i64,
        max_time: i64,
    ) -> Result<Vec<String>> {
        let mut values = BTreeSet::new();
        self.visit_blocks(min_time, max_time, |reader, deleted| {
            let restriction = restriction(reader, sets, deleted)?;
            let Some(name) = reader.find_symbol(name)? else {
                return Ok(());
            };
            for entry in reader.pairs(name) {
                let used = match &restriction {
                    None => true,
                    Some(wanted) => !reader.bitmap(&entry)?.is_disjoint(wanted),
                };
                if used {
                    values.insert(reader.symbol(entry.pair[1])?.to_owned());
                }
            }
            Ok(())
        })?;
        for head in self.heads_between(min_time, max_time) {
            values.extend(head.with_registry(|registry| {
                let slots = head.slots(registry, sets)?;
                Ok::<_, crate::Error>(registry.label_values(name, slots.as_ref()))
            })?);
        }
        Ok(values.into_iter().collect())
    }

    /// The exemplars of the series of any selection within its times, by series in the order of labels, each list ascending
    /// in time and without repetitions.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn exemplars(&self, selections: &[Selection]) -> Result<Vec<(Labels, Vec<Exemplar>)>> {
        let mut found = Found::new();
        for selection in selections {
            let (min_time, max_time) = (selection.min_time, selection.max_time);
            let wanted = |e: &Exemplar| (min_time..=max_time).contains(&e.time);
            for block in self.blocks_between(min_time, max_time) {
                if exemplars::any(block.file()) {
                    let reader = BlockReader::new(block.file(), block.index())?;
                    let deleted = block.index().deleted(&reader, &self.tombstones_of(block))?;
                    let series = postings::select(&reader, &selection.matchers)?;
                    exemplars_in_block(&reader, &series, &deleted, &wanted, &mut found)?;
                }
            }
            for head in self
                .heads_between(min_time, max_time)
                .filter(|h| h.has_exemplars())
            {
                head.select(&[&selection.matchers], &mut |_, labels, series| {
                    take(series.exemplars(), &wanted, &mut found, labels);
                })?;
            }
        }
        Ok(settled(found))
    }

    /// The exemplars that name a trace, found through the id index of every block and head whatever their time.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn exemplars_of_trace(&self, id: &TraceId) -> Result<Vec<(Labels, Vec<Exemplar>)>> {
        let mut found = Found::new();
        let wanted = |e: &Exemplar| e.trace_ids().any(|named| named == *id);
        for block in self.blocks.iter() {
            let series: RoaringBitmap = exemplars::series_of_trace(block.file(), id)?
                .into_iter()
                .collect();
            if !series.is_empty() {
                let reader = BlockReader::new(block.file(), block.index())?;
                let deleted = block.index().deleted(&reader, &self.tombstones_of(block))?;
                exemplars_in_block(&reader, &series, &deleted, &wanted, &mut found)?;
            }
        }
        for head in self.heads.iter().map(|head| &head.state) {
            for slot in head.slots_of_trace(id) {
                if let Some(series) = head.series(slot) {
                    let labels = || head.with_registry(|registry| registry.labels(slot));
                    take(series.exemplars(), &wanted, &mut found, &labels);
                }
            }
        }
        Ok(settled(found))
    }

    /// Everything said about metric families, ordered by family, one entry for each distinct statement.
    pub fn metadata(&self) -> Result<Vec<OwnedMetadata>> {
        let mut all = Vec::new();
        self.visit_blocks(i64::MIN, i64::MAX, |reader, _| {
            all.extend(reader.metadata()?);
            Ok(())
        })?;
        for head in &self.heads {
            all.extend(head.state.metadata());
        }
        Ok(dedup_metadata(all))
    }

    fn visit_blocks(
        &self,
        min_time: i64,
        max_time: i64,
        mut visit: impl FnMut(&BlockReader<'_>, &Deleted) -> Result<()>,
    ) -> Result<()> {
        for block in self.blocks_between(min_time, max_time) {
            let reader = BlockReader::new(block.file(), block.index())?;
            let deleted = block.index().deleted(&reader, &self.tombstones_of(block))?;
            visit(&reader, &deleted)?;
        }
        Ok(())
    }

    fn heads_between(&self, min_time: i64, max_time: i64) -> impl Iterator<Item = &MetricsHead> {
        let days = Metrics::day(min_time)..=Metrics::day(max_time);
        self.heads
            .iter()
            .map(|head| &head.state)
            .filter(move |head| head.days().iter().any(|d| days.contains(d)))
    }
}

impl Metrics {
    fn day(time: i64) -> i64 {
        <Metrics as crate::signal::Signal>::day_of(time)
    }
}

/// Exemplars by series, in no order.
type Found = BTreeMap<Labels, Vec<Exemplar>>;

/// Adds the exemplars of these series of a block that are wanted.
fn exemplars_in_block(
    reader: &BlockReader<'_>,
    series: &RoaringBitmap,
    deleted: &Deleted,
    wanted: &dyn Fn(&Exemplar) -> bool,
    found: &mut Found,
) -> Result<()> {
    let mut of_series: BTreeMap<u32, Vec<Exemplar>> = BTreeMap::new();
    exemplars::visit(reader.file(), &mut |number, exemplar| {
        if series.contains(number) && wanted(&exemplar) {
            of_series.entry(number).or_default().push(exemplar);
        }
    })?;
    let numbers: Vec<u32> = of_series.keys().copied().collect();
    for (entry, (number, mut list)) in reader.series(numbers.into_iter()).zip(of_series) {
        let labels = reader.labels(&entry?)?;
        let times = deleted.times(number);
        list.retain(|exemplar| !times.contains(exemplar.time));
        if !list.is_empty() {
            found.entry(labels).or_default().append(&mut list);
        }
    }
    Ok(())
}

/// Adds the exemplars of a series that are wanted.
fn take(
    exemplars: &[Exemplar],
    wanted: &dyn Fn(&Exemplar) -> bool,
    found: &mut Found,
    labels: &dyn Fn() -> Labels,
) {
    let mut left = exemplars.iter().filter(|e| wanted(e)).peekable();
    if left.peek().is_some() {
        found.entry(labels()).or_default().extend(left.cloned());
    }
}

fn settled(found: Found) -> Vec<(Labels, Vec<Exemplar>)> {
    let mut all: Vec<_> = found.into_iter().collect();
    for (_, exemplars) in &mut all {
        exemplar::settle(exemplars);
    }
    all
}

fn union_of(postings: &dyn Postings, sets: &[&[Matcher]]) -> Result<RoaringBitmap> {
    let mut union = RoaringBitmap::new();
    for matchers in sets {
        union |= postings::select(postings, matchers)?;
    }
    Ok(union)
}

/// The series that count, `None` for all.
fn restriction(
    postings: &dyn Postings,
    sets: &[&[Matcher]],
    deleted: &Deleted,
) -> Result<Option<RoaringBitmap>> {
    if sets.is_empty() && deleted.gone().is_empty() {
        return Ok(None);
    }
    let series = if sets.is_empty() {
        postings.all()?
    } else {
        union_of(postings, sets)?
    };
    Ok(Some(series - deleted.gone()))
}

fn has_series_in(reader: &BlockReader<'_>, name: u32, series: &RoaringBitmap) -> Result<bool> {
    for entry in reader.pairs(name) {
        if !reader.bitmap(&entry)?.is_disjoint(series) {
            return Ok(true);
        }
    }
    Ok(false)
}
