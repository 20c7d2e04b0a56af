//! Label sets: sorted name/value pairs in one shared buffer. It answers lookup, order, hashing and building.
//! Not for storage on disk (see `metrics/block`) nor for validation of what users send (the server's ingest does that).

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// An immutable label set, sorted by name, names unique, values not empty. Cloning is a reference count.
///
/// The buffer holds each name and value with a length prefix: one byte, or `0xFF` and three bytes little endian from
/// 255 bytes on. This is the layout Prometheus' `stringlabels` hashes, so [`Labels::hash64`] equals its `Labels.Hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct Labels {
    buf: Arc<[u8]>,
}

/// The longest name or value a label set can hold, in bytes.
pub const LABEL_LEN_MAX: usize = (1 << 24) - 1;

impl Labels {
    /// The label set without labels.
    pub fn empty() -> Labels {
        Labels { buf: Arc::from([]) }
    }

    /// Builds a label set from pairs in any order. Pairs with an empty value are left out; of several with one name
    /// the last wins. Names and values are cut at [`LABEL_LEN_MAX`] bytes by assertion.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Labels {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Builds from pairs that are already sorted by name, unique and without empty values.
    pub fn from_sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
        thread_local! {
            // Label sets are built by the hundred thousand in a query; only their final size is allocated.
            static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        let mut scratch = SCRATCH.take();
        scratch.clear();
        for (name, value) in pairs {
            push_str(&mut scratch, name);
            push_str(&mut scratch, value);
        }
        let buf = Arc::from(scratch.as_slice());
        SCRATCH.set(scratch);
        Labels { buf }
    }

    /// The pairs in order of their names.
    pub fn iter(&self) -> LabelsIter<'_> {
        LabelsIter { rest: &self.buf }
    }

    /// The value of `name`, `None` when the label is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        for (n, v) in self.iter() {
            match n.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(v),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// The value of `name`, empty when the label is absent: PromQL does not tell the two apart.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The metric's name, empty when there is none.
    pub fn metric_name(&self) -> &str {
        self.value(METRIC_NAME)
    }

    /// True without labels.
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Size of the buffer in bytes.
    pub fn byte_len(&self) -> usize {
        self.buf.len()
    }

    /// xxHash64 (seed 0) of the buffer: equal to Prometheus' `labels.Labels.Hash`, on which `limit_ratio` depends.
    pub fn hash64(&self) -> u64 {
        xxhash_rust::xxh64::xxh64(&self.buf, 0)
    }

    /// The label set with only those labels for which `keep` is true.
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Labels {
        Labels::from_sorted(self.iter().filter(|(name, _)| keep(name)))
    }

    /// A builder that starts from these labels.
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder {
            pairs: self.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        }
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.buf);
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Labels) -> Ordering {
        let (mut a, mut b) = (&*self.buf, &*other.buf);
        while !a.is_empty() && !b.is_empty() {
            match take_bytes(&mut a).cmp(take_bytes(&mut b)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        a.len().cmp(&b.len())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Labels) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Prometheus' text form: `{a="1", b="x\"y"}`, the metric name as any other label.
impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            write!(f, "{}{name}={value:?}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// Iterator over the pairs of a label set.
#[derive(Clone, Debug)]
pub struct LabelsIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for LabelsIter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let name = take_str(&mut self.rest);
        let value = take_str(&mut self.rest);
        Some((name, value))
    }
}

fn push_str(buf: &mut Vec<u8>, s: &str) {
    let len = s.len();
    if len < 255 {
        buf.push(len as u8);
    } else {
        assert!(
            len <= LABEL_LEN_MAX,
            "a label of {len} bytes passed ingest validation"
        );
        buf.push(255);
        buf.extend_from_slice(&(len as u32).to_le_bytes()[..3]);
    }
    buf.extend_from_slice(s.as_bytes());
}

fn take_str<'a>(rest: &mut &'a [u8]) -> &'a str {
    std::str::from_utf8(take_bytes(rest)).expect("label buffers are built from strings only")
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (len, head) = match rest[0] {
        255 => (u32::from_le_bytes([rest[1], rest[2], rest[3], 0]) as usize, 4),
        short => (short as usize, 1),
    };
    let (s, tail) = rest[head..].split_at(len);
    *rest = tail;
    s
}

/// Builds a label set by name.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// Sets `name` to `value`; an empty value removes the label.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.pairs.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(i) if value.is_empty() => drop(self.pairs.remove(i)),
            Ok(i) => value.clone_into(&mut self.pairs[i].1),
            Err(_) if value.is_empty() => {}
            Err(i) => self.pairs.insert(i, (name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes `name`.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// The value of `name`, empty when absent.
    pub fn value(&self, name: &str) -> &str {
        match self.pairs.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(i) => &self.pairs[i].1,
            Err(_) => "",
        }
    }

    /// The label set.
    pub fn build(&self) -> Labels {
        Labels::from_sorted(self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    }
}

#[cfg(test)]
mod tests;
