//! Remote write 2.0 to the engine's batch. Each symbol is hashed once per request; a series is named by the hashes of its
//! symbols, and spelled only where the store does not know it.

use std::cell::RefCell;
use std::sync::OnceLock;

use kymo_engine::labels::METRIC_NAME;
use kymo_engine::metrics::{
    LabelBuffer, LabelSource, LabelsFound, Metadata, MetricKind, SeriesKey, WriteBatch, series_key,
};
use kymo_proto::remote_write::v2::{self as wire, Scan, Series};

use super::histogram::from_wire;
use super::metrics::{Incoming, RawLabel, Rules, TYPE, UNIT, Unit, exemplar_labels, sent_text};
use super::otlp::Context;
use super::{Fault, Reason, Rejects};

/// A decoded request. The same body under the same rules always gives the same batch, so a series' number in the batch
/// can be resolved again later.
pub(super) struct Request<'a> {
    batch: WriteBatch<'a>,
    symbols: Symbols<'a>,
    /// The label numbers of all series in the batch, and where those of each end.
    refs: Vec<u32>,
    refs_end: Vec<u32>,
    /// Type and unit of each series, where they become labels.
    typed: Vec<(MetricKind, u32)>,
    rules: Rules,
    rejects: RefCell<Rejects>,
    context: Context<'a>,
    /// The number of `__name__` in the table.
    name_ref: Option<u32>,
    /// The metadata of the series before: name, type, help, unit.
    stated_last: [u32; 4],
}

/// The table of strings of a request.
struct Symbols<'a> {
    texts: Vec<&'a [u8]>,
    hashes: Vec<u128>,
    factors: &'static [u128; FACTORS],
}

/// Label numbers that are combined at once; hardly a series has more.
const FACTORS: usize = 128;

/// What the hashes of the first, second, ... symbol of a series are multiplied by, drawn by chance once per process. The
/// sum of the products then tells the places of symbols apart, and no sender knows how.
fn factors() -> &'static [u128; FACTORS] {
    static FACTOR: OnceLock<[u128; FACTORS]> = OnceLock::new();
    FACTOR.get_or_init(|| {
        let mut place = 0u64;
        [(); FACTORS].map(|()| {
            place += 1;
            series_key(&place.to_le_bytes()) | 1
        })
    })
}

impl<'a> Symbols<'a> {
    fn new(texts: Vec<&'a [u8]>) -> Symbols<'a> {
        let hashes = texts.iter().map(|text| series_key(text)).collect();
        Symbols {
            texts,
            hashes,
            factors: factors(),
        }
    }

    /// The key of a series, `None` when a number is not in the table.
    #[inline]
    fn key(&self, refs: &[u32]) -> Option<SeriesKey> {
        if refs.len() > FACTORS {
            return self.long_key(refs);
        }
        let mut key = 0u128;
        for (n, factor) in refs.iter().zip(self.factors) {
            let hash = *self.hashes.get(*n as usize)?;
            key = key.wrapping_add(hash.wrapping_mul(*factor));
        }
        Some(key)
    }

    fn long_key(&self, refs: &[u32]) -> Option<SeriesKey> {
        let mut spelling = Vec::with_capacity(refs.len() * 16);
        for n in refs {
            spelling.extend_from_slice(&self.hashes.get(*n as usize)?.to_le_bytes());
        }
        Some(series_key(&spelling))
    }

    /// The labels of numbers that come in pairs, each in the table.
    fn labels(&self, refs: &[u32]) -> Vec<RawLabel<'a>> {
        let text = |n: u32| self.texts.get(n as usize).copied().unwrap_or_default();
        refs.chunks(2)
            .map(|pair| (text(pair[0]), text(*pair.get(1).unwrap_or(&0))))
            .collect()
    }

    fn text(&self, n: u32) -> Option<&'a str> {
        std::str::from_utf8(self.texts.get(n as usize)?).ok()
    }

    /// What is wrong with label numbers.
    fn fault(&self, refs: &[u32]) -> Option<String> {
        if refs.len() % 2 == 1 {
            return Some(format!("invalid labelRefs length {}", refs.len()));
        }
        let size = self.texts.len();
        let bad = refs.iter().find(|n| **n as usize >= size)?;
        Some(format!(
            "labelRefs {bad} is outside of the symbols table (size {size})"
        ))
    }
}

impl<'a> Request<'a> {
    /// Decodes a decompressed body.
    ///
    /// # Errors
    /// [`Fault::Bad`] for bytes that are not a protobuf message of the schema, and for a table of symbols that does not
    /// begin with the empty string.
    pub(super) fn read(body: &'a [u8], context: Context<'a>) -> Result<Request<'a>, Fault> {
        let mut scan = Scan::open(body)?;
        if scan.symbols.first().is_some_and(|first| !first.is_empty()) {
            return Err(Fault::Bad("symbols must start with an empty string".to_owned()));
        }
        let symbols = std::mem::take(&mut scan.symbols);
        let name = symbols.iter().position(|text| *text == METRIC_NAME.as_bytes());
        let mut request = Request {
            batch: WriteBatch::default(),
            symbols: Symbols::new(symbols),
            refs: Vec::new(),
            refs_end: Vec::new(),
            typed: Vec::new(),
            rules: context.rules,
            rejects: RefCell::default(),
            context,
            name_ref: name.map(|n| n as u32),
            stated_last: [0; 4],
        };
        while let Some(series) = scan.next_series()? {
            request.add(&series);
        }
        Ok(request)
    }

    fn add(&mut self, series: &Series<'_>) {
        let rules = self.rules;
        let even = series.label_refs.len().is_multiple_of(2);
        let key = self.symbols.key(series.label_refs).filter(|_| even);
        let usual = series.histograms.is_empty() && series.exemplars.is_empty() && !series.samples.is_empty();
        match key {
            Some(key) if usual && series.samples.iter().all(|s| rules.accepts(s.timestamp)) => {
                self.begin(series, key);
                for sample in series.samples {
                    self.batch
                        .push_sample(sample.start, sample.timestamp, sample.value);
                }
            }
            _ => self.add_unusual(series, key),
        }
    }

    fn begin(&mut self, series: &Series<'_>, mut key: SeriesKey) {
        if self.context.type_and_unit {
            let (kind, unit) = (series.metadata.kind, series.metadata.unit_ref);
            let hash = self
                .symbols
                .hashes
                .get(unit as usize)
                .copied()
                .unwrap_or_default();
            let stated = [u128::from(kind).to_le_bytes(), hash.to_le_bytes()].concat();
            key ^= series_key(&stated);
            self.typed.push((MetricKind::from_number(u64::from(kind)), unit));
        }
        self.batch.begin_series(key);
        self.refs.extend_from_slice(series.label_refs);
        self.refs_end.push(self.refs.len() as u32);
        if series.metadata != wire::Metadata::default() {
            self.add_metadata(series);
        }
    }

    /// A series with more than samples, or with something to refuse.
    fn add_unusual(&mut self, series: &Series<'_>, key: Option<SeriesKey>) {
        if let Some((reason, text)) = self.fault(series, key.is_some()) {
            let n = (series.samples.len() + series.histograms.len()).max(1) as u64;
            self.refuse(reason, n, series, &text);
            return;
        }
        let (mut samples, mut histograms) = (Vec::new(), Vec::new());
        for sample in series.samples {
            if self.rules.accepts(sample.timestamp) {
                samples.push(*sample);
            } else {
                let (reason, text) = self.rules.time_fault(sample.timestamp);
                self.refuse(reason, 1, series, &text);
            }
        }
        for sent in series.histograms {
            if !self.rules.accepts(sent.timestamp) {
                let (reason, text) = self.rules.time_fault(sent.timestamp);
                self.refuse(reason, 1, series, &text);
                continue;
            }
            match from_wire(sent) {
                Ok(histogram) => histograms.push((sent.start, sent.timestamp, histogram)),
                Err(text) => self.refuse(Reason::InvalidHistogram, 1, series, &text),
            }
        }
        let Some(key) = key.filter(|_| !samples.is_empty() || !histograms.is_empty()) else {
            return;
        };
        self.begin(series, key);
        for sample in samples {
            self.batch
                .push_sample(sample.start, sample.timestamp, sample.value);
        }
        for (start, time, histogram) in histograms {
            self.batch.push_histogram(start, time, histogram);
        }
        self.add_exemplars(series);
    }

    /// Exemplars outside the time bounds and those with too long labels are dropped without a word, as by Prometheus.
    fn add_exemplars(&mut self, series: &Series<'_>) {
        for sent in series.exemplars {
            if let Some(text) = self.symbols.fault(&sent.label_refs) {
                self.refuse(Reason::SymbolReference, 1, series, &format!("exemplar: {text}"));
                continue;
            }
            let raw = self.symbols.labels(&sent.label_refs);
            let sound = self.rules.accepts(sent.timestamp);
            if let Some(labels) = exemplar_labels(raw.into_iter()).filter(|_| sound) {
                self.batch.push_exemplar(sent.timestamp, sent.value, &labels);
            }
        }
    }

    /// What forbids a series as a whole.
    fn fault(&self, series: &Series<'_>, known: bool) -> Option<(Reason, String)> {
        if !known {
            let text = self.symbols.fault(series.label_refs).unwrap_or_default();
            return Some((Reason::SymbolReference, text));
        }
        match (series.samples.is_empty(), series.histograms.is_empty()) {
            (true, true) => Some((Reason::EmptySeries, String::new())),
            (false, false) => Some((Reason::MixedSeries, String::new())),
            _ => None,
        }
    }

    fn refuse(&mut self, reason: Reason, n: u64, series: &Series<'_>, text: &str) {
        let symbols = &self.symbols;
        self.rejects.get_mut().add(reason, n, || {
            format!("{} {text}", sent_text(&symbols.labels(series.label_refs)))
        });
    }

    /// Puts a statement into the batch, unless it was made lately.
    fn add_metadata(&mut self, series: &Series<'_>) {
        let sent = series.metadata;
        if [sent.kind, sent.help_ref, sent.unit_ref] == self.stated_last[1..]
            && series.label_refs.get(1) == Some(&self.stated_last[0])
        {
            return;
        }
        let name_ref = self.name_ref;
        let mut pairs = series.label_refs.chunks_exact(2);
        let Some(name) = pairs.find(|pair| Some(pair[0]) == name_ref) else {
            return;
        };
        self.stated_last = [name[1], sent.kind, sent.help_ref, sent.unit_ref];
        if let Some(text) = self.symbols.fault(&[sent.help_ref, sent.unit_ref]) {
            self.refuse(Reason::SymbolReference, 1, series, &format!("metadata: {text}"));
            return;
        }
        let refs = [name[1], sent.help_ref, sent.unit_ref];
        let said = self.symbols.key(&refs).unwrap_or_default();
        let statement = said ^ self.context.tenant_hash ^ u128::from(sent.kind);
        if !self.context.stated.is_due(statement, self.context.now_ms) {
            return;
        }
        let text = |n| self.symbols.text(n);
        let (Some(name), Some(help), Some(unit)) = (text(name[1]), text(sent.help_ref), text(sent.unit_ref))
        else {
            return;
        };
        let kind = MetricKind::from_number(u64::from(sent.kind));
        let family = family(name, kind);
        if !family.is_empty() {
            self.batch.metadata.push(Metadata {
                family,
                kind,
                help,
                unit,
            });
        }
    }
}

/// The metric family of a series: the parts of histograms and summaries have names of their own.
fn family(name: &str, kind: MetricKind) -> &str {
    let suffixes: &[&str] = match kind {
        MetricKind::Histogram | MetricKind::GaugeHistogram => &["_bucket", "_count", "_sum"],
        MetricKind::Summary => &["_count", "_sum"],
        _ => &[],
    };
    suffixes
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

impl LabelSource for Request<'_> {
    fn labels(&self, series: u32, out: &mut LabelBuffer) -> LabelsFound {
        let i = series as usize;
        let start = if i == 0 { 0 } else { self.refs_end[i - 1] as usize };
        let mut labels = self.symbols.labels(&self.refs[start..self.refs_end[i] as usize]);
        if let Some((kind, unit)) = self.typed.get(i) {
            labels.retain(|(name, _)| ![TYPE, UNIT].map(str::as_bytes).contains(name));
            if *kind != MetricKind::Unknown {
                labels.push((TYPE.as_bytes(), kind.as_str().as_bytes()));
            }
            if let Some(unit) = self.symbols.text(*unit).filter(|unit| !unit.is_empty()) {
                labels.push((UNIT.as_bytes(), unit.as_bytes()));
            }
        }
        let mut rejects = self.rejects.borrow_mut();
        let sent = self.batch.series_at(i);
        self.rules
            .spell(self.context.moved, sent, &labels, &mut rejects, out)
    }
}

impl Incoming for Request<'_> {
    fn batch(&self) -> &WriteBatch<'_> {
        &self.batch
    }

    fn take_rejects(&self) -> Rejects {
        self.rejects.take()
    }

    fn unit(&self, _series: u32) -> Unit {
        Unit::Samples
    }
}
