//! A query made ready: names have slots in rows, expressions are compiled, and it is known which commands need all rows.
//! Not for rows themselves.

use memchr::memmem::Finder;

use super::super::ast::{BinaryOp, Command, Expr, Function, Likeness, Named, Order, Parse, Pattern, Query};
use super::super::fields::Source;
use super::super::value::{Value, compile_regex};
use super::compiled::{As, Compiled};
use super::glob::Glob;
use super::totals::Aggregate;

/// What a command does with a row.
#[derive(Debug)]
pub(super) enum Step {
    /// Gives slots values, all computed from the row as it was.
    Assign(Vec<(usize, Compiled)>),
    Filter(Compiled),
    Glob(usize, Glob, Vec<usize>),
    /// Groups by number and their slots.
    Regex(usize, regex::Regex, Vec<(usize, usize)>),
}

/// What a command does with all rows.
#[derive(Debug)]
pub(super) enum Whole {
    Stats(Grouping),
    Sort(Vec<(Compiled, Order)>),
    Limit(usize),
    Dedup(Vec<Compiled>),
    /// Steps behind one that needs all rows.
    Steps(Vec<Step>),
}

/// `stats`.
#[derive(Debug)]
pub(super) struct Grouping {
    pub(super) by: Vec<Compiled>,
    /// Slots of what groups have in common.
    pub(super) by_slots: Vec<usize>,
    pub(super) aggregates: Vec<Aggregate>,
    /// Slots of results.
    pub(super) totals: Vec<(usize, Compiled)>,
}

/// A query made ready.
#[derive(Debug)]
pub(super) struct Plan {
    /// Fields of entries, the first slots; the others are made.
    pub(super) sources: Vec<(usize, Source)>,
    pub(super) slots: usize,
    /// For each entry.
    pub(super) steps: Vec<Step>,
    /// The oldest come first.
    pub(super) forward: bool,
    /// For all rows.
    pub(super) whole: Vec<Whole>,
    /// Names and slots of the answer.
    pub(super) columns: Vec<(String, usize)>,
    /// Most rows of the answer.
    pub(super) limit: usize,
}

/// A command's part in the plan.
enum Part {
    Step(Step),
    Whole(Whole),
}

impl Plan {
    pub(super) fn new(query: &Query, limit: usize) -> Result<Plan, String> {
        let mut making = Making::default();
        let mut plan = Plan {
            sources: Vec::new(),
            slots: 0,
            steps: Vec::new(),
            forward: false,
            whole: Vec::new(),
            columns: Vec::new(),
            limit,
        };
        for command in &query.commands {
            for part in making.command(command)? {
                plan.add(part, &making);
            }
        }
        if making.columns.is_empty() {
            for name in ["@timestamp", "@message"] {
                let slot = making.slot(name);
                making.columns.push((name.to_owned(), slot));
            }
        }
        plan.columns = making.columns;
        plan.slots = making.names.len();
        let sources = making.names.into_iter().enumerate();
        plan.sources = sources
            .filter_map(|(slot, (_, source))| Some((slot, source?)))
            .collect();
        Ok(plan)
    }

    fn add(&mut self, part: Part, making: &Making) {
        match (part, self.whole.last_mut()) {
            (Part::Step(step), None) => self.steps.push(step),
            (Part::Step(step), Some(Whole::Steps(steps))) => steps.push(step),
            (Part::Step(step), Some(_)) => self.whole.push(Whole::Steps(vec![step])),
            (Part::Whole(Whole::Sort(keys)), None) if making.is_time(&keys) => {
                self.forward = keys[0].1 == Order::Ascending;
            }
            (Part::Whole(whole), _) => self.whole.push(whole),
        }
    }
}

/// Names on their way to slots.
#[derive(Default)]
struct Making {
    /// By slot, and where the first values come from; made ones come from nowhere.
    names: Vec<(String, Option<Source>)>,
    /// Names that commands gave values.
    made: Vec<String>,
    columns: Vec<(String, usize)>,
    /// Aggregates of the command at hand.
    aggregates: Vec<Aggregate>,
    /// Rows are groups.
    grouped: bool,
}

impl Making {
    fn place(&mut self, name: &str, source: impl FnOnce() -> Option<Source>) -> usize {
        if let Some(known) = self.names.iter().position(|(of, _)| of == name) {
            return known;
        }
        self.names.push((name.to_owned(), source()));
        self.names.len() - 1
    }

    /// The slot of a name that is read. Groups have no fields of entries.
    fn slot(&mut self, name: &str) -> usize {
        let grouped = self.grouped;
        self.place(name, || (!grouped).then(|| Source::of(name)))
    }

    /// The slot of a name that is given a value.
    fn target(&mut self, name: &str) -> usize {
        if !self.made.iter().any(|made| made == name) {
            self.made.push(name.to_owned());
        }
        self.place(name, || None)
    }

    /// True for the time of entries alone.
    fn is_time(&self, keys: &[(Compiled, Order)]) -> bool {
        match keys {
            [(Compiled::Slot(slot), _)] => {
                let name = &self.names[*slot].0;
                name == "@timestamp" && !self.made.contains(name)
            }
            _ => false,
        }
    }

    fn command(&mut self, command: &Command) -> Result<Vec<Part>, String> {
        Ok(match command {
            Command::Fields(names) => self.fields(names)?,
            Command::Display(names) => {
                self.columns.clear();
                self.fields(names)?
            }
            Command::Filter(expr) => vec![Part::Step(Step::Filter(self.compile(expr)?))],
            Command::Parse(parse) => vec![Part::Step(self.parse(parse)?)],
            Command::Stats { totals, by } => vec![Part::Whole(Whole::Stats(self.stats(totals, by)?))],
            Command::Sort(keys) => {
                let keys = keys.iter().map(|(expr, order)| Ok((self.compile(expr)?, *order)));
                vec![Part::Whole(Whole::Sort(keys.collect::<Result<_, String>>()?))]
            }
            Command::Limit(most) => vec![Part::Whole(Whole::Limit(*most))],
            Command::Dedup(keys) => {
                let keys: Result<Vec<Compiled>, String> = keys.iter().map(|key| self.compile(key)).collect();
                vec![Part::Whole(Whole::Dedup(keys?))]
            }
        })
    }

    fn fields(&mut self, names: &[Named]) -> Result<Vec<Part>, String> {
        let mut assigned = Vec::new();
        let mut shown = Vec::new();
        for named in names {
            let name = named.name();
            let compiled = self.compile(&named.expr)?;
            match compiled {
                Compiled::Slot(slot) if self.names[slot].0 == name => shown.push((name, Some(slot))),
                compiled => {
                    assigned.push((name.clone(), compiled));
                    shown.push((name, None));
                }
            }
        }
        let assigned: Vec<(usize, Compiled)> = assigned
            .into_iter()
            .map(|(name, compiled)| (self.target(&name), compiled))
            .collect();
        for (name, slot) in shown {
            let slot = match slot {
                Some(slot) => slot,
                None => self.target(&name),
            };
            if !self.columns.iter().any(|(_, known)| *known == slot) {
                self.columns.push((name, slot));
            }
        }
        Ok(match assigned.is_empty() {
            true => Vec::new(),
            false => vec![Part::Step(Step::Assign(assigned))],
        })
    }

    fn parse(&mut self, parse: &Parse) -> Result<Step, String> {
        let from = self.slot(&parse.from);
        Ok(match &parse.by {
            Pattern::Glob { pattern, names } => {
                let slots = names.iter().map(|name| self.target(name)).collect();
                Step::Glob(from, Glob::new(pattern), slots)
            }
            Pattern::Regex(pattern) => {
                let regex = compile_regex(pattern)?;
                let names: Vec<(usize, String)> = regex
                    .capture_names()
                    .enumerate()
                    .filter_map(|(group, name)| Some((group, name?.to_owned())))
                    .collect();
                let slots = names.into_iter().map(|(group, name)| (group, self.target(&name)));
                Step::Regex(from, regex.clone(), slots.collect())
            }
        })
    }

    fn stats(&mut self, totals: &[Named], by: &[Named]) -> Result<Grouping, String> {
        let keys: Result<Vec<Compiled>, String> = by.iter().map(|named| self.compile(&named.expr)).collect();
        let keys = keys?;
        self.aggregates.clear();
        let mut results = Vec::new();
        for named in totals {
            results.push((named.name(), self.compile_total(&named.expr)?));
        }
        self.grouped = true;
        self.made.clear();
        let by_slots: Vec<usize> = by.iter().map(|named| self.target(&named.name())).collect();
        let totals: Vec<(usize, Compiled)> = results
            .into_iter()
            .map(|(name, compiled)| (self.target(&name), compiled))
            .collect();
        self.columns.clear();
        for slot in by_slots
            .iter()
            .copied()
            .chain(totals.iter().map(|(slot, _)| *slot))
        {
            if !self.columns.iter().any(|(_, known)| *known == slot) {
                self.columns.push((self.names[slot].0.clone(), slot));
            }
        }
        Ok(Grouping {
            by: keys,
            by_slots,
            aggregates: std::mem::take(&mut self.aggregates),
            totals,
        })
    }

    /// An expression of the row. What an earlier command has computed under the same text is read, not computed again.
    fn compile(&mut self, expr: &Expr) -> Result<Compiled, String> {
        if let Expr::Call(..) | Expr::Aggregate(..) | Expr::Binary { .. } = expr {
            let text = expr.to_string();
            if self.made.contains(&text) {
                return Ok(Compiled::Slot(self.slot(&text)));
            }
        }
        self.build(expr, &mut |making, expr| making.compile(expr))
    }

    /// An expression over aggregates.
    fn compile_total(&mut self, expr: &Expr) -> Result<Compiled, String> {
        if let Expr::Aggregate(op, args) = expr {
            let of = args.first().map(|arg| self.compile(arg)).transpose()?;
            let param = match args.get(1) {
                Some(Expr::Number(percent)) => *percent,
                _ => 0.0,
            };
            self.aggregates.push(Aggregate { op: *op, of, param });
            return Ok(Compiled::Total(self.aggregates.len() - 1));
        }
        self.build(expr, &mut |making, expr| making.compile_total(expr))
    }

    fn build(
        &mut self,
        expr: &Expr,
        inner: &mut dyn FnMut(&mut Making, &Expr) -> Result<Compiled, String>,
    ) -> Result<Compiled, String> {
        let mut boxed = |making: &mut Making, expr: &Expr| inner(making, expr).map(Box::new);
        Ok(match expr {
            Expr::Name(name) => Compiled::Slot(self.slot(name)),
            Expr::Number(number) => Compiled::Constant(Value::Number(*number)),
            Expr::Text(text) => Compiled::Constant(Value::text(text)),
            Expr::Bool(truth) => Compiled::Constant(Value::Bool(*truth)),
            // Outside of the functions that take it, it counts in milliseconds, as times do.
            Expr::Period(_, nanos) => Compiled::Constant(Value::Number((nanos / 1_000_000) as f64)),
            Expr::Negate(one) => Compiled::Negate(boxed(self, one)?),
            Expr::Not(one) => Compiled::Not(boxed(self, one)?),
            Expr::And(all) => Compiled::And(self.each(all, inner)?),
            Expr::Or(all) => Compiled::Or(self.each(all, inner)?),
            Expr::Binary { op, lhs, rhs } => {
                let sides = Box::new((inner(self, lhs)?, inner(self, rhs)?));
                match is_arithmetic(*op) {
                    true => Compiled::Arithmetic(*op, sides),
                    false => Compiled::Compare(*op, taken(&[lhs, rhs]), sides),
                }
            }
            Expr::Like { expr, like } => match like {
                Likeness::Text(text) => Compiled::Holds(
                    boxed(self, expr)?,
                    Box::new(Finder::new(text.as_bytes()).into_owned()),
                ),
                Likeness::Regex(pattern) => {
                    Compiled::Matches(boxed(self, expr)?, Box::new(compile_regex(pattern)?))
                }
            },
            Expr::In { expr, list } => {
                let value = boxed(self, expr)?;
                let each = list
                    .iter()
                    .map(|one| Ok((taken(&[expr, one]), inner(self, one)?)));
                Compiled::In(value, each.collect::<Result<_, String>>()?)
            }
            Expr::Call(function, args) => self.call(*function, args, inner)?,
            // The parser lets them stand in `stats`, or where they name a column.
            Expr::Aggregate(..) => return Err(format!("`{expr}` can only stand in `stats`")),
        })
    }

    fn each(
        &mut self,
        all: &[Expr],
        inner: &mut dyn FnMut(&mut Making, &Expr) -> Result<Compiled, String>,
    ) -> Result<Vec<Compiled>, String> {
        all.iter().map(|expr| inner(self, expr)).collect()
    }

    fn call(
        &mut self,
        function: Function,
        args: &[Expr],
        inner: &mut dyn FnMut(&mut Making, &Expr) -> Result<Compiled, String>,
    ) -> Result<Compiled, String> {
        let period = match function.period().and_then(|at| args.get(at)) {
            Some(Expr::Period(_, nanos)) => *nanos,
            _ => 0,
        };
        Ok(Compiled::Call(function, period, self.each(args, inner)?))
    }
}

fn is_arithmetic(op: BinaryOp) -> bool {
    use BinaryOp::{Add, Div, Mod, Mul, Pow, Sub};
    matches!(op, Add | Sub | Mul | Div | Mod | Pow)
}

/// Beside a text in quotes a value is a text.
fn taken(sides: &[&Expr]) -> As {
    match sides.iter().any(|side| matches!(side, Expr::Text(_))) {
        true => As::Texts,
        false => As::Values,
    }
}
