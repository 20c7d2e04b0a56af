//! Start timestamps of a series as steps over time: most series have one for thousands of samples.

/// A function from milliseconds to start timestamps, 0 where unset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Starts {
    /// From when on which start holds, ascending.
    steps: Vec<(i64, i64)>,
}

impl Starts {
    /// The start timestamp of the sample at `time`, 0 when unset.
    pub fn at(&self, time: i64) -> i64 {
        match self.steps.partition_point(|(from, _)| *from <= time) {
            0 => 0,
            i => self.steps[i - 1].1,
        }
    }

    /// Sets the start of the sample at `time` and of no other there is; `newest` says that none is later.
    pub fn set(&mut self, time: i64, start: i64, newest: bool) {
        let before = self.at(time);
        if before == start {
            return;
        }
        match self.find(time) {
            Ok(i) => self.steps[i].1 = start,
            Err(i) => self.steps.insert(i, (time, start)),
        }
        if let (false, Err(i)) = (newest, self.find(time.saturating_add(1))) {
            self.steps.insert(i, (time.saturating_add(1), before));
        }
    }

    fn find(&self, time: i64) -> Result<usize, usize> {
        self.steps.binary_search_by_key(&time, |(from, _)| *from)
    }

    /// True while nothing was set.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Bytes of memory.
    pub fn heap_bytes(&self) -> usize {
        self.steps.capacity() * 16
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sample_keeps_its_own_start(pushes in prop::collection::vec((0i64..40, 0i64..4), 0..60)) {
            let (mut starts, mut model) = (Starts::default(), BTreeMap::new());
            for (time, start) in pushes {
                if model.contains_key(&time) {
                    continue;
                }
                starts.set(time, start, model.keys().last().is_none_or(|last| *last < time));
                model.insert(time, start);
                for (time, start) in &model {
                    prop_assert_eq!(starts.at(*time), *start);
                }
            }
        }
    }
}
