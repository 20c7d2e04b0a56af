//! Trees to text, which parses to the same tree. Not for columns of answers beyond their names.

use std::fmt::{self, Display, Formatter};

use super::ast::{BinaryOp, Command, Expr, Likeness, Named, Order, Parse, Pattern, Query};
use super::lexer::{begins_name, is_name_char};
use super::parser::is_keyword;
use crate::number::format_plain;

/// How tightly an expression holds together.
#[derive(PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Power,
    Sign,
    Atom,
}

fn binding(expr: &Expr) -> Binding {
    match expr {
        Expr::Or(_) => Binding::Or,
        Expr::And(_) => Binding::And,
        Expr::Not(_) => Binding::Not,
        Expr::Like { .. } | Expr::In { .. } => Binding::Comparison,
        Expr::Binary { op, .. } => match op {
            BinaryOp::Add | BinaryOp::Sub => Binding::Sum,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => Binding::Product,
            BinaryOp::Pow => Binding::Power,
            _ => Binding::Comparison,
        },
        Expr::Negate(_) => Binding::Sign,
        _ => Binding::Atom,
    }
}

/// In parentheses where it does not hold together as tightly as its place asks.
struct Within<'e>(&'e Expr, Binding);

impl Display for Within<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match binding(self.0) < self.1 {
            true => write!(f, "({})", self.0),
            false => self.0.fmt(f),
        }
    }
}

/// Items with something between them.
fn list<T: Display>(f: &mut Formatter<'_>, items: impl IntoIterator<Item = T>, between: &str) -> fmt::Result {
    for (n, item) in items.into_iter().enumerate() {
        if n > 0 {
            f.write_str(between)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

/// A name, in backquotes where it needs them.
struct Name<'n>(&'n str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = self.0.starts_with(begins_name) && self.0.chars().all(is_name_char);
        match plain && !is_keyword(self.0) {
            true => f.write_str(self.0),
            false => write!(f, "`{}`", self.0),
        }
    }
}

struct Text<'t>(&'t str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// An expression between slashes.
struct Slashed<'t>(&'t str);

impl Display for Slashed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.replace('/', "\\/"))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Name(name) => Name(name).fmt(f),
            Expr::Number(number) => f.write_str(&format_plain(*number)),
            Expr::Text(text) => Text(text).fmt(f),
            Expr::Bool(truth) => write!(f, "{truth}"),
            Expr::Period(text, _) => f.write_str(text),
            Expr::Negate(inner) => write!(f, "-{}", Within(inner, Binding::Sign)),
            Expr::Not(inner) => write!(f, "not {}", Within(inner, Binding::Not)),
            Expr::And(all) => list(f, all.iter().map(|e| Within(e, Binding::Not)), " and "),
            Expr::Or(all) => list(f, all.iter().map(|e| Within(e, Binding::And)), " or "),
            Expr::Binary { op, lhs, rhs } => {
                let (left, right) = match binding(self) {
                    Binding::Sum => (Binding::Sum, Binding::Product),
                    Binding::Product => (Binding::Product, Binding::Power),
                    Binding::Power => (Binding::Sign, Binding::Power),
                    _ => (Binding::Sum, Binding::Sum),
                };
                write!(f, "{} {} {}", Within(lhs, left), op.text(), Within(rhs, right))
            }
            Expr::Like { expr, like } => {
                write!(f, "{} like ", Within(expr, Binding::Sum))?;
                match like {
                    Likeness::Text(text) => Text(text).fmt(f),
                    Likeness::Regex(pattern) => Slashed(pattern).fmt(f),
                }
            }
            Expr::In { expr, list: among } => {
                write!(f, "{} in [", Within(expr, Binding::Sum))?;
                list(f, among, ", ")?;
                f.write_str("]")
            }
            Expr::Call(function, args) => {
                write!(f, "{}(", function.text())?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
            Expr::Aggregate(op, args) if args.is_empty() => write!(f, "{}(*)", op.text()),
            Expr::Aggregate(op, args) => {
                write!(f, "{}(", op.text())?;
                list(f, args, ", ")?;
                f.write_str(")")
            }
        }
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        match &self.alias {
            Some(alias) => write!(f, " as {}", Name(alias)),
            None => Ok(()),
        }
    }
}

impl Display for Parse {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "parse {} ", Name(&self.from))?;
        match &self.by {
            Pattern::Glob { pattern, names } => {
                write!(f, "{} as ", Text(pattern))?;
                list(f, names.iter().map(|name| Name(name)), ", ")
            }
            Pattern::Regex(pattern) => Slashed(pattern).fmt(f),
        }
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Command::Fields(names) => {
                f.write_str("fields ")?;
                list(f, names, ", ")
            }
            Command::Display(names) => {
                f.write_str("display ")?;
                list(f, names, ", ")
            }
            Command::Filter(expr) => write!(f, "filter {expr}"),
            Command::Parse(parse) => parse.fmt(f),
            Command::Stats { totals, by } => {
                f.write_str("stats ")?;
                list(f, totals, ", ")?;
                if !by.is_empty() {
                    f.write_str(" by ")?;
                    list(f, by, ", ")?;
                }
                Ok(())
            }
            Command::Sort(keys) => {
                let key = |(expr, order): &(Expr, Order)| match order {
                    Order::Ascending => format!("{expr} asc"),
                    Order::Descending => format!("{expr} desc"),
                };
                f.write_str("sort ")?;
                list(f, keys.iter().map(key), ", ")
            }
            Command::Limit(most) => write!(f, "limit {most}"),
            Command::Dedup(keys) => {
                f.write_str("dedup ")?;
                list(f, keys, ", ")
            }
        }
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        list(f, &self.commands, " | ")
    }
}
