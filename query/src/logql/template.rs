//! Templates of `line_format` and `label_format`: Go's text/template with the functions Loki gives it.
//! Not for `define`, `template` and `block`, which a template of one line has no use for.

mod date;
mod functions;
mod lexer;
mod parser;
mod printf;
mod run;
mod value;

use std::collections::BTreeMap;

use parser::Node;

/// A template, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    nodes: Vec<Node>,
    variables: usize,
}

/// What a template is run with.
pub struct Context<'c> {
    /// The value of a label; an absent one is empty.
    pub label: &'c dyn Fn(&str) -> Option<&'c str>,
    /// All labels.
    pub labels: &'c dyn Fn() -> BTreeMap<String, String>,
    /// The line.
    pub line: &'c str,
    /// Time of the entry in nanoseconds since 1970.
    pub time: i64,
    /// What `now` answers, in nanoseconds since 1970.
    pub now: i64,
}

impl Template {
    /// Parses a template. `name` is how messages call it.
    ///
    /// # Errors
    /// What is wrong, in the words of Go.
    pub fn parse(name: &str, text: &str) -> Result<Template, String> {
        let parsed =
            parser::parse(text).map_err(|e| format!("template: {name}:{}: {}", e.line, e.message))?;
        Ok(Template {
            nodes: parsed.0,
            variables: parsed.1,
        })
    }

    /// Appends what the template makes of a line.
    ///
    /// # Errors
    /// A function that cannot do with what it is given. What was appended by then is to be taken away.
    pub fn run(&self, out: &mut String, context: &Context<'_>) -> Result<(), String> {
        run::run(&self.nodes, self.variables, context, out)
    }

    /// Names of the labels the template takes, as far as they are told in it; none when it may take any.
    pub fn labels(&self) -> Option<Vec<&str>> {
        parser::labels(&self.nodes)
    }
}

#[cfg(test)]
mod tests;
