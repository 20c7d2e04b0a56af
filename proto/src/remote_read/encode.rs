//! Writes the responses: `prometheus.ReadResponse` with samples, and frames of `prometheus.ChunkedReadResponse`.

use super::crc32c::crc32c;
use crate::chunks::Chunk;
use crate::histogram::Histogram;
use crate::wire::{put_bytes, put_double, put_integer, put_varint};

/// Writes the time series of one result, then the results of a response.
#[derive(Debug, Default)]
pub struct SeriesEncoder {
    message: Vec<u8>,
    result: Vec<u8>,
    series: Vec<u8>,
    part: Vec<u8>,
    inner: Vec<u8>,
}

impl SeriesEncoder {
    /// Appends a series to the result at hand.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
        histograms: impl IntoIterator<Item = Histogram>,
    ) {
        self.series.clear();
        for label in labels {
            put_label(&mut self.series, &mut self.part, &mut self.inner, label);
        }
        for (time, value) in samples {
            self.part.clear();
            put_double(&mut self.part, 1, value);
            put_integer(&mut self.part, 2, time.cast_unsigned());
            put_bytes(&mut self.series, 2, &self.part);
        }
        for histogram in histograms {
            self.part.clear();
            histogram.encode(&mut self.part);
            put_bytes(&mut self.series, 4, &self.part);
        }
        put_bytes(&mut self.result, 1, &self.series);
    }

    /// Ends the result of a query, empty or not.
    pub fn end_result(&mut self) {
        put_bytes(&mut self.message, 1, &self.result);
        self.result.clear();
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.message.len() + self.result.len()
    }

    /// True before anything is written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message.
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

fn put_label(out: &mut Vec<u8>, part: &mut Vec<u8>, inner: &mut Vec<u8>, (name, value): (&str, &str)) {
    part.clear();
    inner.clear();
    put_bytes(part, 1, name.as_bytes());
    put_bytes(part, 2, value.as_bytes());
    put_bytes(out, 1, part);
}

/// Writes the chunks of series as frames of about a given size, one series per frame.
#[derive(Debug)]
pub struct FrameEncoder {
    frame_bytes: usize,
    part: Vec<u8>,
}

impl FrameEncoder {
    /// An encoder of frames that hold about `frame_bytes` bytes of labels and chunks.
    pub fn new(frame_bytes: usize) -> FrameEncoder {
        FrameEncoder {
            frame_bytes,
            part: Vec::new(),
        }
    }

    /// Calls `send` with each frame of a series. Its labels are repeated in every frame.
    ///
    /// # Errors
    /// That of `send`, which ends it.
    pub fn series<'a, E>(
        &mut self,
        query: u64,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        chunks: impl IntoIterator<Item = Chunk>,
        mut send: impl FnMut(Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut head, mut inner) = (Vec::new(), Vec::new());
        for label in labels {
            put_label(&mut head, &mut self.part, &mut inner, label);
        }
        let mut series = head.clone();
        for chunk in chunks {
            self.part.clear();
            put_integer(&mut self.part, 1, chunk.min_time.cast_unsigned());
            put_integer(&mut self.part, 2, chunk.max_time.cast_unsigned());
            put_integer(&mut self.part, 3, chunk.encoding as u64);
            put_bytes(&mut self.part, 4, &chunk.data);
            put_bytes(&mut series, 2, &self.part);
            if series.len() >= self.frame_bytes {
                send(frame(query, &series))?;
                series.clone_from(&head);
            }
        }
        if series.len() > head.len() {
            send(frame(query, &series))?;
        }
        Ok(())
    }
}

/// Length, checksum and message of one frame.
fn frame(query: u64, series: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(series.len() + 16);
    put_bytes(&mut message, 1, series);
    put_integer(&mut message, 2, query);
    let mut out = Vec::with_capacity(message.len() + 16);
    put_varint(&mut out, message.len() as u64);
    out.extend(crc32c(&message).to_be_bytes());
    out.extend(message);
    out
}
