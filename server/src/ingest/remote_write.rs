//! Remote write 1.0 to the engine's batch. Series are named by the bytes of their labels, which are decoded and checked
//! only for series the store does not know.

use std::borrow::Cow;
use std::cell::RefCell;

use kymo_engine::metrics::{
    LabelBuffer, LabelSource, LabelsFound, Metadata, MetricKind, WriteBatch, series_key,
};
use kymo_proto::remote_write::{self as wire, Labels, Scan, Series};

use super::histogram::from_wire;
use super::metrics::{Incoming, RawLabel, Rules, Unit, exemplar_labels, sent_text};
use super::{Reason, Rejects};

/// A decoded request. The same body under the same rules always gives the same batch, so a series' number in the batch
/// can be resolved again later.
pub(super) struct Request<'a> {
    batch: WriteBatch<'a>,
    /// The bytes of the labels of each series in the batch.
    labels: Vec<Cow<'a, [u8]>>,
    rules: Rules,
    /// Names of labels that become exemplars.
    moved: &'a [String],
    rejects: RefCell<Rejects>,
}

impl<'a> Request<'a> {
    /// Decodes a decompressed body.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of the schema.
    pub(super) fn read(body: &'a [u8], rules: Rules, moved: &'a [String]) -> kymo_proto::Result<Request<'a>> {
        let mut request = Request {
            batch: WriteBatch::default(),
            labels: Vec::new(),
            rules,
            moved,
            rejects: RefCell::default(),
        };
        let mut scan = Scan::new(body);
        while let Some(series) = scan.next_series()? {
            request.add(series)?;
        }
        for metadata in &scan.metadata {
            request.add_metadata(metadata);
        }
        Ok(request)
    }

    fn add(&mut self, series: Series<'_, 'a>) -> kymo_proto::Result<()> {
        let rules = self.rules;
        let usual = series.histograms.is_empty() && series.exemplars.is_empty();
        if usual && !series.samples.is_empty() && series.samples.iter().all(|s| rules.accepts(s.timestamp)) {
            self.begin(series.labels);
            for sample in series.samples {
                self.batch.push_sample(0, sample.timestamp, sample.value);
            }
            return Ok(());
        }
        self.add_unusual(series)
    }

    fn begin(&mut self, labels: Cow<'a, [u8]>) {
        self.batch.begin_series(series_key(&labels));
        self.labels.push(labels);
    }

    /// A series with more than samples, or with something to refuse.
    fn add_unusual(&mut self, series: Series<'_, 'a>) -> kymo_proto::Result<()> {
        let refuse = |rejects: &mut Rejects, reason, text: String| {
            rejects.add(reason, 1, || format!("{} {text}", raw_text(&series.labels)));
        };
        let (mut samples, mut histograms) = (Vec::new(), Vec::new());
        let rejects = self.rejects.get_mut();
        for sample in series.samples {
            if self.rules.accepts(sample.timestamp) {
                samples.push(*sample);
            } else {
                let (reason, text) = self.rules.time_fault(sample.timestamp);
                refuse(rejects, reason, text);
            }
        }
        for sent in series.histograms {
            if !self.rules.accepts(sent.timestamp) {
                let (reason, text) = self.rules.time_fault(sent.timestamp);
                refuse(rejects, reason, text);
                continue;
            }
            match from_wire(sent) {
                Ok(histogram) => histograms.push((sent.timestamp, histogram)),
                Err(text) => refuse(rejects, Reason::InvalidHistogram, text),
            }
        }
        let exemplars: Vec<_> = series.exemplars.iter().filter_map(|e| self.exemplar(e)).collect();
        if samples.is_empty() && histograms.is_empty() && exemplars.is_empty() {
            return self.check_empty(&series);
        }
        self.begin(series.labels);
        for sample in samples {
            self.batch.push_sample(0, sample.timestamp, sample.value);
        }
        for (time, histogram) in histograms {
            self.batch.push_histogram(0, time, histogram);
        }
        for (time, value, labels) in exemplars {
            self.batch.push_exemplar(time, value, &labels);
        }
        Ok(())
    }

    /// An exemplar that is kept; others are dropped without a word, as by Prometheus.
    fn exemplar<'e>(&self, sent: &wire::Exemplar<'e>) -> Option<Kept<'e>> {
        let labels = exemplar_labels(sent.labels.iter().map(|l| (l.name, l.value)))?;
        self.rules
            .accepts(sent.timestamp)
            .then_some((sent.timestamp, sent.value, labels))
    }

    /// A series without anything to store is refused when its labels are wrong, and else means nothing.
    fn check_empty(&mut self, series: &Series<'_, 'a>) -> kymo_proto::Result<()> {
        let labels = decoded(&series.labels)?;
        if series.samples.is_empty()
            && series.histograms.is_empty()
            && let Err(reason) = self.rules.check_labels(&labels, &mut LabelBuffer::default())
        {
            self.rejects.get_mut().add(reason, 1, || sent_text(&labels));
        }
        Ok(())
    }

    /// Metadata never fails a request: entries that are not UTF-8 or name no family are left out.
    fn add_metadata(&mut self, sent: &wire::Metadata<'a>) {
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok();
        let (Some(family), Some(help), Some(unit)) = (text(sent.family), text(sent.help), text(sent.unit))
        else {
            return;
        };
        if !family.is_empty() {
            self.batch.metadata.push(Metadata {
                family,
                kind: MetricKind::from_number(sent.kind),
                help,
                unit,
            });
        }
    }
}

/// Time, value and labels of an exemplar.
type Kept<'e> = (i64, f64, Vec<(&'e str, &'e str)>);

fn decoded(region: &[u8]) -> kymo_proto::Result<Vec<RawLabel<'_>>> {
    Labels::new(region)
        .map(|label| label.map(|l| (l.name, l.value)))
        .collect()
}

fn raw_text(region: &[u8]) -> String {
    decoded(region).map_or_else(|e| e.to_string(), |labels| sent_text(&labels))
}

impl LabelSource for Request<'_> {
    fn labels(&self, series: u32, out: &mut LabelBuffer) -> LabelsFound {
        let mut rejects = self.rejects.borrow_mut();
        let labels = match decoded(&self.labels[series as usize]) {
            Ok(labels) => labels,
            Err(error) => {
                rejects.abort(error.to_string());
                return LabelsFound::Abort;
            }
        };
        let sent = self.batch.series_at(series as usize);
        self.rules.spell(self.moved, sent, &labels, &mut rejects, out)
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

#[cfg(test)]
mod tests;
