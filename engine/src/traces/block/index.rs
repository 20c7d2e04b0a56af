//! An open block: what of it stays in memory, and the decoded columns of its groups.

use std::sync::{Arc, OnceLock};

use super::column::{Strings, VALUES_MAX, decode_ints, narrow};
use super::details::{Details, Stream, Summary};
use super::directory::Directory;
use super::schema::Schema;
use super::section;
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader};
use crate::error::Result;
use crate::metrics::values;
use crate::traces::blob;
use crate::traces::model::{Resource, Scope};

/// What an open block keeps in memory.
#[derive(Debug)]
pub struct BlockIndex {
    pub(in crate::traces) schema: Arc<Schema>,
    pub(in crate::traces) groups: Vec<Summary>,
    /// Number of the first trace of each group.
    pub(in crate::traces) first_traces: Vec<u32>,
    pub(in crate::traces) directory: Directory,
    resources: Vec<OnceLock<Arc<Resource>>>,
    scopes: Vec<OnceLock<Arc<Scope>>>,
}

impl BlockIndex {
    pub(in crate::traces) fn open(file: &BlockFile) -> Result<BlockIndex> {
        let schema = Schema::read(file)?;
        let bytes = file.section(section::GROUPS)?;
        let groups = groups(&bytes).map_err(|Malformed(what)| file.corrupt(0, what))?;
        let mut first_traces = Vec::with_capacity(groups.len());
        let mut traces = 0u32;
        for group in &groups {
            first_traces.push(traces);
            traces = traces.wrapping_add(group.traces);
        }
        let empty = |n: usize| (0..n).map(|_| OnceLock::new());
        Ok(BlockIndex {
            resources: empty(schema.vocabulary.resources.len()).collect(),
            scopes: (0..schema.vocabulary.scopes.len())
                .map(|_| OnceLock::new())
                .collect(),
            schema: Arc::new(schema),
            groups,
            first_traces,
            directory: Directory::open(file)?,
        })
    }

    /// A resource by its number.
    pub(in crate::traces) fn resource(&self, file: &BlockFile, n: u32) -> Result<Arc<Resource>> {
        let cell = &self.resources[n as usize];
        if let Some(resource) = cell.get() {
            return Ok(resource.clone());
        }
        let resource = blob::resource(self.schema.vocabulary.resources.get(n))
            .map_err(|Malformed(what)| file.corrupt(0, what))?;
        Ok(cell.get_or_init(|| Arc::new(resource)).clone())
    }

    /// An instrumentation scope by its number.
    pub(in crate::traces) fn scope(&self, file: &BlockFile, n: u32) -> Result<Arc<Scope>> {
        let cell = &self.scopes[n as usize];
        if let Some(scope) = cell.get() {
            return Ok(scope.clone());
        }
        let scope = blob::scope(self.schema.vocabulary.scopes.get(n))
            .map_err(|Malformed(what)| file.corrupt(0, what))?;
        Ok(cell.get_or_init(|| Arc::new(scope)).clone())
    }

    /// The group that a trace, by its number in the block, is in.
    pub(in crate::traces) fn group_of(&self, trace: u32) -> usize {
        self.first_traces
            .partition_point(|first| *first <= trace)
            .saturating_sub(1)
    }

    /// What a group holds.
    pub(in crate::traces) fn details(&self, file: &BlockFile, group: usize) -> Result<Details> {
        let bytes = file.page(section::DETAILS, group as u32)?;
        let details = Details::decode(&bytes).map_err(|Malformed(what)| file.corrupt(group as u64, what))?;
        let classes = self.schema.vocabulary.spans.items().len();
        if details
            .classes
            .iter()
            .any(|(class, _)| *class as usize >= classes)
        {
            return Err(file.corrupt(group as u64, "class of a group"));
        }
        Ok(details)
    }
}

fn groups(bytes: &[u8]) -> Result<Vec<Summary>, Malformed> {
    let mut r = Reader::new(bytes);
    (0..r.count(8)?).map(|_| Summary::decode(&mut r)).collect()
}

/// The numbers of a column, as [`super::column::Narrow`] reads them.
pub(in crate::traces) fn numbers(file: &BlockFile, stream: &Stream) -> Result<Arc<[u8]>> {
    file.derived(section::DECODED, stream.page, || {
        let bytes = page(file, stream)?;
        let values = decode_ints(&mut Reader::new(&bytes), stream.count as usize)
            .map_err(|Malformed(what)| file.corrupt(stream.page.into(), what))?;
        Ok(Arc::from(narrow(&values)))
    })
}

/// Ids of a fixed length, one behind the other.
pub(in crate::traces) fn ids<const N: usize>(file: &BlockFile, stream: &Stream) -> Result<Arc<[u8]>> {
    let bytes = file.page(section::VALUES, stream.page)?;
    if bytes.len() != stream.count as usize * N {
        return Err(file.corrupt(stream.page.into(), "length of ids"));
    }
    Ok(bytes)
}

/// The doubles of a column.
pub(in crate::traces) fn doubles(file: &BlockFile, stream: &Stream) -> Result<Vec<f64>> {
    let bytes = file.derived(section::DECODED, stream.page, || {
        let bytes = page(file, stream)?;
        let mut out = Vec::new();
        values::decode_alone(&mut Reader::new(&bytes), stream.count as usize, &mut out)
            .map_err(|Malformed(what)| file.corrupt(stream.page.into(), what))?;
        if out.len() != stream.count as usize {
            return Err(file.corrupt(stream.page.into(), "number of values"));
        }
        Ok(out.iter().flat_map(|v| v.to_bits().to_le_bytes()).collect())
    })?;
    let words = bytes.as_chunks::<8>().0.iter();
    Ok(words.map(|b| f64::from_bits(u64::from_le_bytes(*b))).collect())
}

/// The strings of a column without dictionary.
pub(in crate::traces) fn strings(file: &BlockFile, stream: &Stream) -> Result<Strings> {
    let bytes = file.page(section::VALUES, stream.page)?;
    Strings::decode(&bytes, stream.count as usize)
        .map_err(|Malformed(what)| file.corrupt(stream.page.into(), what))
}

fn page(file: &BlockFile, stream: &Stream) -> Result<Arc<[u8]>> {
    if stream.count as usize > VALUES_MAX {
        return Err(file.corrupt(stream.page.into(), "number of values"));
    }
    file.page_past_cache(section::VALUES, stream.page)
}
