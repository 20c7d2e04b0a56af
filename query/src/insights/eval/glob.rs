//! `parse ".. * .."`: fields between the fixed texts of a pattern. Not for expressions.

/// A pattern, cut at its stars.
#[derive(Debug)]
pub(super) struct Glob {
    /// Stands before the first field, anywhere in the text.
    first: String,
    /// What stands behind each field; the last field goes to the end of the text where that is empty.
    behind: Vec<String>,
}

impl Glob {
    /// From a pattern with at least one star, no two of them beside each other.
    pub(super) fn new(pattern: &str) -> Glob {
        let mut texts = pattern.split('*').map(str::to_owned);
        Glob {
            first: texts.next().unwrap_or_default(),
            behind: texts.collect(),
        }
    }

    /// The fields of a text, as short as they can be; `None` where it does not fit.
    pub(super) fn fields<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let at = text.find(&self.first)?;
        let mut rest = &text[at + self.first.len()..];
        let mut fields = Vec::with_capacity(self.behind.len());
        for behind in &self.behind {
            let len = match behind.is_empty() {
                true => rest.len(),
                false => rest.find(behind.as_str())?,
            };
            fields.push(&rest[..len]);
            rest = &rest[len + behind.len()..];
        }
        Some(fields)
    }
}
