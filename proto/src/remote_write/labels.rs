//! The labels of one series of remote write 1.0, decoded from the bytes that a scan leaves alone.

use crate::error::Result;
use crate::wire::Reader;

/// A label as sent: neither checked nor sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Value.
    pub value: &'a [u8],
}

/// Reads the labels of the bytes in [`Series::labels`](super::Series::labels).
#[derive(Debug, Clone)]
pub struct Labels<'a>(Reader<'a>);

impl<'a> Labels<'a> {
    /// Reads the labels of one series.
    pub fn new(region: &'a [u8]) -> Labels<'a> {
        Labels(Reader::new(region))
    }

    fn next_label(&mut self) -> Result<Option<Label<'a>>> {
        while let Some(field) = self.0.next_field()? {
            if field.number == 1 {
                return decode(field.message()?).map(Some);
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Result<Label<'a>>;

    fn next(&mut self) -> Option<Result<Label<'a>>> {
        self.next_label().transpose()
    }
}

/// Decodes one `Label` message.
pub(super) fn decode<'a>(mut reader: Reader<'a>) -> Result<Label<'a>> {
    let mut label = Label {
        name: b"",
        value: b"",
    };
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => label.name = field.bytes()?,
            2 => label.value = field.bytes()?,
            _ => {}
        }
    }
    Ok(label)
}
