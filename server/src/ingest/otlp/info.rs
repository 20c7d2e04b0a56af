//! What is known of resources and scopes beside the series themselves: `target_info` and `otel_scope_info`, with samples
//! close enough that a query finds one wherever it finds the others.

use kymo_engine::metrics::{SeriesKey, series_key};
use kymo_proto::otlp::KeyValues;

use super::spell::IDENTIFYING;
use super::{Part, Request, Row, TimeSpan};

/// Stands for the data point of series that come from none.
pub(super) const NO_POINT: u32 = u32::MAX;

/// Most samples for the points of one request: a request that spans more time than this reaches gets them further apart.
const SAMPLES_MAX: i64 = 1000;

impl Request<'_> {
    /// Adds `target_info` for a resource that says who it is, and more than that.
    pub(super) fn add_target_info(
        &mut self,
        resource: u32,
        hash: SeriesKey,
        span: TimeSpan,
    ) -> kymo_proto::Result<()> {
        let (mut who, mut more) = (false, false);
        let mut pairs = KeyValues::new(&self.resources[resource as usize]);
        while let Some(pair) = pairs.next_value()? {
            match IDENTIFYING.iter().position(|name| name.as_bytes() == pair.key) {
                // The namespace alone gives no job.
                Some(0) => {}
                Some(_) => who = true,
                None => more = true,
            }
        }
        if who && more {
            self.add_info(Part::Target(resource), 5, hash, span);
        }
        Ok(())
    }

    /// Adds `otel_scope_info` for a scope with attributes that no series has.
    pub(super) fn add_scope_info(&mut self, scope: u32, hash: SeriesKey) {
        let wanted =
            !self.context.settings.promote_scope && !self.scopes[scope as usize].scope.attributes.is_empty();
        if wanted {
            self.add_info(Part::Scope(scope), 6, hash, self.span);
        }
    }

    fn add_info(&mut self, part: Part, tag: u8, hash: SeriesKey, span: TimeSpan) {
        if span.first > span.last {
            return;
        }
        let mut spelling = [0; 17];
        spelling[..16].copy_from_slice(&hash.to_le_bytes());
        spelling[16] = tag;
        self.batch.begin_series(series_key(&spelling));
        self.rows.push(Row {
            part,
            point: NO_POINT,
        });
        let length = span.last.saturating_sub(span.first);
        let step = (self.context.lookback_ms / 2).max(length / SAMPLES_MAX + 1);
        let mut time = span.first;
        while time < span.last {
            self.batch.push_sample(0, time, 1.0);
            time = time.saturating_add(step);
        }
        self.batch.push_sample(0, span.last, 1.0);
    }
}
