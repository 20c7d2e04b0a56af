//! Which traces of a head are in a block too. A head's traces only become more, so those looked at are remembered.

use crate::error::Result;
use crate::store::Block;
use crate::traces::TraceId;
use crate::traces::head::TracesHead;
use crate::traces::signal::Traces;
use crate::traces::splits::{Filter, Split};

/// What was found for one block.
#[derive(Debug, Default, Clone)]
pub(super) struct Common {
    /// Traces of the head looked at.
    looked_at: usize,
    found: Vec<Split>,
}

/// Blocks that are remembered.
const REMEMBERED_MAX: usize = 256;

impl TracesHead {
    /// The traces that the head and a block have in common.
    pub(in crate::traces) fn common_with(&self, block: &Block<Traces>) -> Result<Vec<Split>> {
        let number = block.file().number();
        let mut common = self.common.lock().get(&number).cloned().unwrap_or_default();
        let new: Vec<(TraceId, i64)> = {
            let state = self.read();
            state.traces[common.looked_at..]
                .iter()
                .map(|t| (t.id, t.start))
                .collect()
        };
        if new.is_empty() {
            return Ok(common.found);
        }
        let filter = Filter::of(block)?;
        for (id, own) in &new {
            if let Some(start) = filter.find(id)? {
                common.found.push(Split {
                    id: *id,
                    newest_start: start.min(*own),
                });
            }
        }
        common.looked_at += new.len();
        let mut remembered = self.common.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        let known = remembered.entry(number).or_default();
        if known.looked_at < common.looked_at {
            *known = common.clone();
        }
        Ok(common.found)
    }
}
