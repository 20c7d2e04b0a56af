//! Questions to the traces of a snapshot: a trace by its id.

use super::TraceId;
use super::assemble::Assembly;
use super::block::cursor::GroupCursor;
use super::block::rows::GroupRows;
use super::model::Trace;
use super::signal::Traces;
use crate::error::Result;
use crate::store::{Block, Snapshot};

impl Snapshot<Traces> {
    /// The whole trace with an id, from all blocks and heads.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn trace(&self, id: &TraceId) -> Result<Option<Trace>> {
        let mut assembly = Assembly::new(*id);
        for block in self.blocks.iter() {
            add_block(block, id, &mut assembly)?;
        }
        for head in &self.heads {
            let state = head.state.read();
            if let Some(trace) = state.find(id) {
                let rows: Vec<u32> = state.ordered_rows(trace);
                assembly.add_head(&state, &rows);
            }
        }
        Ok(assembly.finish())
    }
}

/// Adds the spans that a block has of a trace.
fn add_block(block: &Block<Traces>, id: &TraceId, assembly: &mut Assembly) -> Result<()> {
    let (file, index) = (block.file(), block.index());
    for place in index.directory.places(file, id)? {
        let group = index.group_of(place);
        let mut cursor = GroupCursor::new(GroupRows::open(file, index, group)?)?;
        let trace = (place - index.first_traces[group]) as usize;
        let Some(rows) = cursor.traces.get(trace).cloned() else {
            return Err(file.corrupt(place.into(), "place of a trace"));
        };
        if cursor.trace_id(trace) == *id {
            cursor.seek(rows.start as usize)?;
            assembly.add_group(&mut cursor, rows.len())?;
        }
    }
    Ok(())
}
