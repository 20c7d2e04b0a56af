//! Coarser buckets: a step down in schema joins buckets in pairs, exactly.

use super::{Counts, Histogram, Span};

impl Histogram {
    /// Joins buckets until the schema is `to`. Does nothing for custom buckets and for schemas that are coarse enough.
    /// Spans that do not fit their buckets, or indexes past 32 bits, leave the rest of the buckets out: validate after it.
    pub fn reduce_resolution(&mut self, to: i32) {
        if self.schema == super::CUSTOM_BUCKETS || self.schema <= to {
            return;
        }
        let steps = (self.schema - to).clamp(0, 63) as u32;
        match &mut self.counts {
            Counts::Integer {
                positive, negative, ..
            } => {
                join(&mut self.positive_spans, positive, steps, |a, b| {
                    a.wrapping_add(b)
                });
                join(&mut self.negative_spans, negative, steps, |a, b| {
                    a.wrapping_add(b)
                });
            }
            Counts::Float {
                positive, negative, ..
            } => {
                join(&mut self.positive_spans, positive, steps, |a, b| a + b);
                join(&mut self.negative_spans, negative, steps, |a, b| a + b);
            }
        }
        self.schema = to;
    }
}

fn join<N: Copy>(spans: &mut Vec<Span>, buckets: &mut Vec<N>, steps: u32, add: impl Fn(N, N) -> N) {
    let mut joined: Vec<(i64, N)> = Vec::with_capacity(buckets.len());
    let mut rest = buckets.iter();
    let mut index = 0i64;
    for span in spans.iter() {
        index += i64::from(span.offset);
        for bucket in rest.by_ref().take(span.length as usize) {
            // Bucket i of a schema covers (base^(i-1), base^i], so the joined one is the ceiling of half its index.
            let target = ((index - 1) >> steps) + 1;
            match joined.last_mut() {
                Some((last, count)) if *last == target => *count = add(*count, *bucket),
                _ => joined.push((target, *bucket)),
            }
            index += 1;
        }
    }
    spans.clear();
    let mut next = 0i64;
    for (at, (target, _)) in joined.iter().enumerate() {
        match spans.last_mut() {
            Some(span) if *target == next => span.length += 1,
            _ => {
                let Ok(offset) = i32::try_from(target - if at == 0 { 0 } else { next }) else {
                    joined.truncate(at);
                    break;
                };
                spans.push(Span { offset, length: 1 });
            }
        }
        next = target + 1;
    }
    *buckets = joined.into_iter().map(|(_, count)| count).collect();
}
