//! A batch as a record of the log: the vocabulary, then rows by columns. Byte layout in FORMAT.md, "Record of spans".
//! Whatever a number refers to is checked here, so that what is decoded can be applied without further checks.

use super::super::interner::Interner;
use super::super::layout::{
    ColumnKey, ColumnName, Extra, ItemClass, Owner, SpanClass, is_interned, put_wide, wide, width,
};
use super::super::value::ValueKind;
use super::super::vocabulary::Vocabulary;
use super::Batch;
use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};

impl Batch {
    /// Appends the encoded form.
    pub(in crate::traces) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len() * 80 + 1024);
        put_vocabulary(&mut out, &self.vocabulary);
        put_uvarint(&mut out, self.traces.len() as u64);
        self.traces.iter().for_each(|id| out.extend_from_slice(id));
        let spans = &self.spans;
        put_uvarint(&mut out, spans.class.len() as u64);
        spans
            .class
            .iter()
            .for_each(|n| put_uvarint(&mut out, (*n).into()));
        put_deltas(&mut out, spans.trace.iter().map(|n| i64::from(*n)));
        for ids in [&spans.id, &spans.parent] {
            ids.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
        }
        put_deltas(&mut out, spans.start.iter().copied());
        spans.duration.iter().for_each(|n| put_svarint(&mut out, *n));
        self.put_cells(&mut out, Owner::Span, &spans.class, &spans.cells);
        put_uvarint(&mut out, self.events.class.len() as u64);
        self.events
            .class
            .iter()
            .for_each(|n| put_uvarint(&mut out, (*n).into()));
        self.events.time.iter().for_each(|n| put_svarint(&mut out, *n));
        self.put_cells(&mut out, Owner::Event, &self.events.class, &self.events.cells);
        put_uvarint(&mut out, self.links.class.len() as u64);
        self.links
            .class
            .iter()
            .for_each(|n| put_uvarint(&mut out, (*n).into()));
        self.links
            .trace_id
            .iter()
            .for_each(|id| out.extend_from_slice(id));
        self.links
            .span_id
            .iter()
            .for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
        self.put_cells(&mut out, Owner::Link, &self.links.class, &self.links.cells);
        out
    }

    fn put_cells(&self, out: &mut Vec<u8>, owner: Owner, classes: &[u32], cells: &[u32]) {
        let columns = self.vocabulary.columns();
        let mut at = 0;
        for class in classes {
            for column in &shape_of(&self.vocabulary, owner, *class).columns {
                let kind = columns[*column as usize].key.kind;
                match kind {
                    ValueKind::Int => put_svarint(out, wide(&cells[at..]).cast_signed()),
                    ValueKind::Double => out.extend_from_slice(&wide(&cells[at..]).to_le_bytes()),
                    ValueKind::Empty => {}
                    _ => put_uvarint(out, cells[at].into()),
                }
                at += width(kind) as usize;
            }
        }
    }

    /// Reads the encoded form.
    pub(in crate::traces) fn decode(bytes: &[u8]) -> Result<Batch, Malformed> {
        let mut r = Reader::new(bytes);
        let mut batch = Batch {
            vocabulary: vocabulary(&mut r)?,
            ..Batch::default()
        };
        for _ in 0..r.count(16)? {
            batch.traces.push(array(&mut r)?);
        }
        batch.decode_spans(&mut r)?;
        batch.decode_items(&mut r)?;
        batch.check_items()?;
        match r.remaining() {
            0 => Ok(batch),
            _ => Err(Malformed("bytes behind the record")),
        }
    }

    fn decode_spans(&mut self, r: &mut Reader<'_>) -> Result<(), Malformed> {
        let count = r.count(20)?;
        let spans = &mut self.spans;
        spans.class = numbers(r, count, self.vocabulary.spans.items().len())?;
        let mut last = 0i64;
        for _ in 0..count {
            last = last.wrapping_add(r.svarint()?);
            let trace = u32::try_from(last).map_err(|_| Malformed("number of a trace"))?;
            if trace as usize >= self.traces.len() {
                return Err(Malformed("number of a trace"));
            }
            spans.trace.push(trace);
        }
        for ids in [&mut spans.id, &mut spans.parent] {
            ids.reserve(count);
            for _ in 0..count {
                ids.push(r.u64()?);
            }
        }
        let mut last = 0i64;
        for _ in 0..count {
            last = last.wrapping_add(r.svarint()?);
            spans.start.push(last);
        }
        for _ in 0..count {
            spans.duration.push(r.svarint()?);
        }
        spans.cells = cells(r, &self.vocabulary, Owner::Span, &spans.class)?;
        Ok(())
    }

    fn decode_items(&mut self, r: &mut Reader<'_>) -> Result<(), Malformed> {
        let count = r.count(2)?;
        let events = &mut self.events;
        events.class = numbers(r, count, self.vocabulary.events.items().len())?;
        for _ in 0..count {
            events.time.push(r.svarint()?);
        }
        events.cells = cells(r, &self.vocabulary, Owner::Event, &events.class)?;
        let count = r.count(25)?;
        let links = &mut self.links;
        links.class = numbers(r, count, self.vocabulary.links.items().len())?;
        for _ in 0..count {
            links.trace_id.push(array(r)?);
        }
        for _ in 0..count {
            links.span_id.push(r.u64()?);
        }
        links.cells = cells(r, &self.vocabulary, Owner::Link, &links.class)?;
        Ok(())
    }

    /// The events and links that spans count must be those that there are.
    fn check_items(&self) -> Result<(), Malformed> {
        let columns = self.vocabulary.columns();
        let (mut events, mut links, mut at) = (0u64, 0u64, 0usize);
        for class in &self.spans.class {
            let shape = self.vocabulary.shape_of_span(*class);
            for (column, offset) in shape.columns.iter().zip(&shape.offsets) {
                let count = || wide(&self.spans.cells[at + *offset as usize..]);
                match columns[*column as usize].key.name {
                    ColumnName::Extra(Extra::Events) => events = events.saturating_add(count()),
                    ColumnName::Extra(Extra::Links) => links = links.saturating_add(count()),
                    _ => {}
                }
            }
            at += shape.width as usize;
        }
        if events != self.events.class.len() as u64 || links != self.links.class.len() as u64 {
            return Err(Malformed("number of events or links"));
        }
        Ok(())
    }
}

fn shape_of(vocabulary: &Vocabulary, owner: Owner, class: u32) -> &super::super::vocabulary::Shape {
    match owner {
        Owner::Span => vocabulary.shape_of_span(class),
        _ => vocabulary.shape_of_item(owner, class),
    }
}

fn put_deltas(out: &mut Vec<u8>, numbers: impl Iterator<Item = i64>) {
    let mut last = 0i64;
    for n in numbers {
        put_svarint(out, n.wrapping_sub(last));
        last = n;
    }
}

fn array<const N: usize>(r: &mut Reader<'_>) -> Result<[u8; N], Malformed> {
    r.take(N)?.try_into().map_err(|_| Malformed("ends early"))
}

fn numbers(r: &mut Reader<'_>, count: usize, limit: usize) -> Result<Vec<u32>, Malformed> {
    (0..count).map(|_| number(r, limit)).collect()
}

fn number(r: &mut Reader<'_>, limit: usize) -> Result<u32, Malformed> {
    let n = r.uvarint32()?;
    if n as usize >= limit {
        return Err(Malformed("number of something that is not there"));
    }
    Ok(n)
}

fn cells(
    r: &mut Reader<'_>,
    vocabulary: &Vocabulary,
    owner: Owner,
    classes: &[u32],
) -> Result<Vec<u32>, Malformed> {
    let columns = vocabulary.columns();
    let mut out = Vec::new();
    for class in classes {
        for column in &shape_of(vocabulary, owner, *class).columns {
            let column = &columns[*column as usize];
            match column.key.kind {
                ValueKind::Empty => {}
                ValueKind::Bool => out.push(number(r, 2)?),
                ValueKind::Int => put_wide(&mut out, r.svarint()?.cast_unsigned()),
                ValueKind::Double => put_wide(&mut out, r.u64()?),
                _ => out.push(number(r, column.values.len())?),
            }
        }
    }
    Ok(out)
}

pub(in crate::traces) fn put_interner(out: &mut Vec<u8>, interner: &Interner) {
    put_uvarint(out, interner.len() as u64);
    interner.iter().for_each(|bytes| put_bytes(out, bytes));
}

pub(in crate::traces) fn put_vocabulary(out: &mut Vec<u8>, vocabulary: &Vocabulary) {
    for interner in [
        &vocabulary.names,
        &vocabulary.event_names,
        &vocabulary.resources,
        &vocabulary.scopes,
    ] {
        put_interner(out, interner);
    }
    put_uvarint(out, vocabulary.columns().len() as u64);
    for column in vocabulary.columns() {
        put_key(out, &column.key);
        if is_interned(column.key.kind) {
            put_interner(out, &column.values);
        }
    }
    put_uvarint(out, vocabulary.shapes().len() as u64);
    for shape in vocabulary.shapes() {
        put_uvarint(out, shape.columns.len() as u64);
        shape.columns.iter().for_each(|c| put_uvarint(out, (*c).into()));
    }
    put_uvarint(out, vocabulary.spans.items().len() as u64);
    for class in vocabulary.spans.items() {
        for n in [class.resource, class.scope, class.name, class.flags, class.shape] {
            put_uvarint(out, n.into());
        }
        put_svarint(out, class.kind.into());
        put_svarint(out, class.status.into());
    }
    for owner in [Owner::Event, Owner::Link] {
        let classes = vocabulary.item_classes(owner);
        put_uvarint(out, classes.len() as u64);
        for class in classes {
            put_uvarint(out, class.label.into());
            put_uvarint(out, class.shape.into());
        }
    }
}

pub(in crate::traces) fn put_key(out: &mut Vec<u8>, key: &ColumnKey) {
    out.push(key.owner as u8);
    out.push(key.kind as u8);
    match &key.name {
        ColumnName::Attribute(name) => {
            out.push(0);
            put_bytes(out, name.as_bytes());
        }
        ColumnName::Extra(extra) => out.push(*extra as u8),
    }
}

pub(in crate::traces) fn key(r: &mut Reader<'_>) -> Result<ColumnKey, Malformed> {
    let owner = Owner::from_number(r.u8()?).ok_or(Malformed("owner of a column"))?;
    let kind = ValueKind::from_number(r.u8()?)?;
    let name = match r.u8()? {
        0 => ColumnName::Attribute(r.str()?.into()),
        n => {
            let extra = Extra::from_number(n).ok_or(Malformed("column"))?;
            if extra.kind() != kind {
                return Err(Malformed("kind of a column"));
            }
            ColumnName::Extra(extra)
        }
    };
    Ok(ColumnKey { owner, name, kind })
}

fn texts(r: &mut Reader<'_>, into: &mut Interner, utf8: bool) -> Result<(), Malformed> {
    for n in 0..r.count(1)? {
        let bytes = r.bytes()?;
        if utf8 && std::str::from_utf8(bytes).is_err() {
            return Err(Malformed("string is not UTF-8"));
        }
        if into.intern(bytes) as usize != n {
            return Err(Malformed("string twice"));
        }
    }
    Ok(())
}

pub(in crate::traces) fn vocabulary(r: &mut Reader<'_>) -> Result<Vocabulary, Malformed> {
    let mut v = Vocabulary::default();
    texts(r, &mut v.names, true)?;
    texts(r, &mut v.event_names, true)?;
    texts(r, &mut v.resources, false)?;
    texts(r, &mut v.scopes, false)?;
    for n in 0..r.count(3)? {
        let key = key(r)?;
        let kind = key.kind;
        let column = v.column(key);
        if column as usize != n {
            return Err(Malformed("column twice"));
        }
        if is_interned(kind) {
            texts(r, &mut v.column_mut(column).values, kind == ValueKind::String)?;
        }
    }
    for n in 0..r.count(1)? {
        let count = r.count(1)?;
        let columns = numbers(r, count, v.columns().len())?;
        if v.shape(&columns) as usize != n {
            return Err(Malformed("shape twice"));
        }
    }
    check_owners(&v)?;
    classes(r, &mut v)?;
    Ok(v)
}

/// The columns of a shape belong to rows of one kind.
fn check_owners(v: &Vocabulary) -> Result<(), Malformed> {
    let owner = |column: &u32| v.columns()[*column as usize].key.owner;
    for shape in v.shapes() {
        if shape.columns.windows(2).any(|w| owner(&w[0]) != owner(&w[1])) {
            return Err(Malformed("columns of a shape"));
        }
    }
    Ok(())
}

fn classes(r: &mut Reader<'_>, v: &mut Vocabulary) -> Result<(), Malformed> {
    let narrow = |n: i64| i32::try_from(n).map_err(|_| Malformed("kind or status"));
    let shapes = v.shapes().len();
    for n in 0..r.count(7)? {
        let class = SpanClass {
            resource: number(r, v.resources.len())?,
            scope: number(r, v.scopes.len())?,
            name: number(r, v.names.len())?,
            flags: r.uvarint32()?,
            shape: number(r, shapes)?,
            kind: narrow(r.svarint()?)?,
            status: narrow(r.svarint()?)?,
        };
        check_owner(v, class.shape, Owner::Span)?;
        if v.spans.number(class) as usize != n {
            return Err(Malformed("class twice"));
        }
    }
    for owner in [Owner::Event, Owner::Link] {
        for n in 0..r.count(2)? {
            let label = match owner {
                Owner::Event => number(r, v.event_names.len())?,
                _ => r.uvarint32()?,
            };
            let shape = number(r, shapes)?;
            check_owner(v, shape, owner)?;
            let class = ItemClass { label, shape };
            let numbered = match owner {
                Owner::Event => &mut v.events,
                _ => &mut v.links,
            };
            if numbered.number(class) as usize != n {
                return Err(Malformed("class twice"));
            }
        }
    }
    Ok(())
}

fn check_owner(v: &Vocabulary, shape: u32, owner: Owner) -> Result<(), Malformed> {
    let first = v.shapes()[shape as usize].columns.first();
    match first.is_none_or(|column| v.columns()[*column as usize].key.owner == owner) {
        true => Ok(()),
        false => Err(Malformed("shape of a class")),
    }
}
