//! What a query says of the entries it can have to do with, in the words of LogQL, so that stores are searched as for that.
//! It may say less than the query, never more. Not for what decides.

use kymo_engine::metrics::matcher::Matcher;

use super::super::ast::{BinaryOp, Command, Expr, Likeness, Named, Pattern, Query};
use crate::logql::LogExpr;
use crate::logql::ast::{Filter, LineFilter, LineOp, LineText, Stage};

const LINE: &str = "@message";

/// The question to stores.
pub(super) fn narrowed(query: &Query, selector: &[Matcher]) -> LogExpr {
    let mut narrowing = Narrowing::default();
    for command in &query.commands {
        match command {
            Command::Filter(expr) => narrowing.all_of(expr),
            Command::Fields(names) | Command::Display(names) => narrowing.hide(names),
            Command::Parse(parse) => match &parse.by {
                Pattern::Glob { names, .. } => narrowing.hidden.extend(names.iter().cloned()),
                // Its names are known when it is compiled.
                Pattern::Regex(_) => break,
            },
            // Their keys are read, and nothing before the first `limit` or `dedup` may be left out.
            Command::Sort(_) => {}
            Command::Stats { .. } | Command::Limit(_) | Command::Dedup(_) => break,
        }
    }
    LogExpr {
        selector: selector.to_vec(),
        anywhere: selector.is_empty(),
        stages: narrowing.stages,
        tail: Vec::new(),
    }
}

#[derive(Default)]
struct Narrowing {
    stages: Vec<Stage>,
    /// Names that are no fields of entries any more.
    hidden: Vec<String>,
}

impl Narrowing {
    fn hide(&mut self, names: &[Named]) {
        let is_field = |named: &&Named| matches!((&named.alias, &named.expr), (None, Expr::Name(_)));
        let made = names.iter().filter(|named| !is_field(named));
        self.hidden.extend(made.map(Named::name));
    }

    /// A condition that every row passes.
    fn all_of(&mut self, expr: &Expr) {
        match expr {
            Expr::And(all) => all.iter().for_each(|expr| self.all_of(expr)),
            Expr::Like { expr, like } if self.is_line(expr) => {
                let (op, text) = match like {
                    Likeness::Text(text) => (LineOp::Contains, text),
                    Likeness::Regex(pattern) => (LineOp::Matches, pattern),
                };
                self.stages.push(Stage::Line(LineFilter {
                    op,
                    any: vec![LineText::Text(text.clone())],
                }));
            }
            expr => {
                if let Some(filter) = self.filter(expr) {
                    self.stages.push(Stage::Filter(filter));
                }
            }
        }
    }

    fn is_line(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Name(name) if name == LINE) && !self.hidden.iter().any(|name| name == LINE)
    }

    /// A field of entries and a text that it must be.
    fn equal(&self, name: &Expr, text: &Expr) -> Option<Filter> {
        match (name, text) {
            (Expr::Name(name), Expr::Text(text)) if !name.starts_with('@') && !self.hidden.contains(name) => {
                Some(Filter::Text(Matcher::equal(name.as_str(), text)))
            }
            _ => None,
        }
    }

    fn filter(&self, expr: &Expr) -> Option<Filter> {
        match expr {
            Expr::Binary {
                op: BinaryOp::Equal,
                lhs,
                rhs,
            } => self.equal(lhs, rhs).or_else(|| self.equal(rhs, lhs)),
            Expr::In { expr, list } => {
                let each = list.iter().map(|text| self.equal(expr, text));
                joined(each.collect::<Option<Vec<_>>>()?, Filter::Or)
            }
            Expr::Or(all) => {
                let each = all.iter().map(|expr| self.filter(expr));
                joined(each.collect::<Option<Vec<_>>>()?, Filter::Or)
            }
            Expr::And(all) => {
                let some = all.iter().filter_map(|expr| self.filter(expr));
                joined(some.collect(), Filter::And)
            }
            _ => None,
        }
    }
}

/// Filters in a tree that is not deep.
fn joined(mut all: Vec<Filter>, of: fn(Box<Filter>, Box<Filter>) -> Filter) -> Option<Filter> {
    if all.len() <= 1 {
        return all.pop();
    }
    let right = all.split_off(all.len() / 2);
    let (left, right) = (joined(all, of)?, joined(right, of)?);
    Some(of(Box::new(left), Box::new(right)))
}
