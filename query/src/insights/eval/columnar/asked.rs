//! What a plan asks of entries, sorted by who can answer: columns of texts, values that few columns decide, or only the line. Not for
//! what a group of entries has (see `shapes`).

use super::super::compiled::{Compiled, Context};
use super::super::plan::{Grouping, Plan, Step, Whole};
use super::super::rows::apply;
use super::super::totals::Aggregate;
use crate::insights::ast::{Aggregator, Function};
use crate::insights::fields::Source;
use crate::insights::value::Value;

/// Said of a replacement for what is no text: a line that is none may hold it when shown.
const REPLACEMENT: char = '\u{fffd}';

/// A plan as columns are asked for it.
pub(in crate::insights::eval) struct Asked<'p> {
    pub(super) plan: &'p Plan,
    /// Texts that lines must hold, or must not (true).
    pub(super) line_texts: Vec<(&'p [u8], bool)>,
    /// Conditions that come first and look at fields alone.
    conditions: Vec<&'p Compiled>,
    /// All conditions that come first are among these.
    pub(super) tells_all: bool,
    /// Present where columns are enough for groups.
    pub(super) groups: Option<Grouped<'p>>,
    /// Sources by number whose values tell what comes of an entry.
    pub(super) sources: Vec<usize>,
    /// Lengths of time that results depend on.
    periods: Vec<i64>,
}

/// Groups by columns.
pub(super) struct Grouped<'p> {
    pub(super) grouping: &'p Grouping,
    /// Steps behind the conditions that come first.
    rest: &'p [Step],
    /// They depend on the time.
    pub(super) is_timed: bool,
    /// For each aggregate the number of the source whose values it takes one by one.
    pub(super) singly: Vec<Option<usize>>,
}

impl<'p> Asked<'p> {
    /// None when columns tell nothing for a plan.
    pub(in crate::insights::eval) fn new(plan: &'p Plan) -> Option<Asked<'p>> {
        let count = plan
            .steps
            .iter()
            .take_while(|step| matches!(step, Step::Filter(_)));
        let (first, rest) = plan.steps.split_at(count.count());
        let mut asked = Asked {
            plan,
            line_texts: Vec::new(),
            conditions: Vec::new(),
            tells_all: true,
            groups: None,
            sources: Vec::new(),
            periods: Vec::new(),
        };
        for step in first {
            if let Step::Filter(condition) = step {
                asked.add(condition);
            }
        }
        asked.groups = asked.grouped(rest);
        asked.look();
        let keeps_first = matches!(plan.whole.first(), None | Some(Whole::Limit(_)));
        let tells = !asked.line_texts.is_empty() || !asked.conditions.is_empty() || asked.groups.is_some();
        (tells || keeps_first).then_some(asked)
    }

    /// Sorts in a condition that every row passes.
    fn add(&mut self, condition: &'p Compiled) {
        match condition {
            Compiled::And(all) => all.iter().for_each(|one| self.add(one)),
            Compiled::Not(one) if self.line_text(one).is_some() => {
                self.line_texts
                    .extend(self.line_text(one).map(|text| (text, true)));
            }
            one if self.line_text(one).is_some() => {
                self.line_texts
                    .extend(self.line_text(one).map(|text| (text, false)));
            }
            one if self.is_of_fields(one) && !is_timed(one) => self.conditions.push(one),
            _ => self.tells_all = false,
        }
    }

    fn source_of(&self, slot: usize) -> Option<usize> {
        self.plan.sources.iter().position(|(of, _)| *of == slot)
    }

    fn is_line(&self, slot: usize) -> bool {
        let source = self.source_of(slot).map(|n| &self.plan.sources[n].1);
        source == Some(&Source::Line)
    }

    /// The text that a condition looks for in lines.
    fn line_text(&self, condition: &'p Compiled) -> Option<&'p [u8]> {
        let Compiled::Holds(inner, finder) = condition else {
            return None;
        };
        let text = finder.needle();
        let is_sound = !text.is_empty() && std::str::from_utf8(text).is_ok_and(|t| !t.contains(REPLACEMENT));
        matches!(**inner, Compiled::Slot(slot) if self.is_line(slot) && is_sound).then_some(text)
    }

    /// True for what looks neither at lines nor at times of entries.
    fn is_of_fields(&self, expr: &Compiled) -> bool {
        let mut is_of_fields = true;
        expr.visit(&mut |one| {
            if let Compiled::Slot(slot) = one {
                let source = self.source_of(*slot).map(|n| &self.plan.sources[n].1);
                is_of_fields &= !matches!(source, Some(Source::Line | Source::Time));
            }
        });
        is_of_fields
    }

    fn grouped(&self, rest: &'p [Step]) -> Option<Grouped<'p>> {
        let Some(Whole::Stats(grouping)) = self.plan.whole.first() else {
            return None;
        };
        let mut all = expressions(rest).into_iter().chain(&grouping.by);
        let of_aggregates = |of: &Aggregate| {
            // The ends of time are those of entries.
            !matches!(of.op, Aggregator::Earliest | Aggregator::Latest)
                && of.of.as_ref().is_none_or(|expr| self.is_of_fields(expr))
        };
        let reads_lines = rest.iter().any(|step| match step {
            Step::Glob(from, ..) | Step::Regex(from, ..) => {
                let source = self.source_of(*from).map(|n| &self.plan.sources[n].1);
                matches!(source, Some(Source::Line | Source::Time))
            }
            _ => false,
        });
        let is_told = self.tells_all
            && !reads_lines
            && all.all(|expr| self.is_of_fields(expr))
            && grouping.aggregates.iter().all(of_aggregates);
        is_told.then(|| Grouped {
            grouping,
            rest,
            is_timed: expressions(rest).into_iter().any(is_timed)
                || grouping
                    .aggregates
                    .iter()
                    .filter_map(|of| of.of.as_ref())
                    .any(is_timed),
            singly: grouping
                .aggregates
                .iter()
                .map(|of| self.singly(of, rest))
                .collect(),
        })
    }

    /// The source whose values an aggregate takes as they are.
    fn singly(&self, of: &Aggregate, rest: &[Step]) -> Option<usize> {
        let Some(Compiled::Slot(slot)) = &of.of else {
            return None;
        };
        let is_given = rest.iter().any(|step| match step {
            Step::Filter(_) => false,
            Step::Assign(all) => all.iter().any(|(to, _)| to == slot),
            Step::Glob(_, _, to) => to.contains(slot),
            Step::Regex(_, _, to) => to.iter().any(|(_, to)| to == slot),
        });
        let source = self
            .source_of(*slot)
            .filter(|_| !is_given && of.op != Aggregator::CountDistinct)?;
        matches!(self.plan.sources[source].1, Source::Field(..)).then_some(source)
    }

    /// Finds which sources and lengths of time matter.
    fn look(&mut self) {
        let mut slots: Vec<usize> = Vec::new();
        let mut periods: Vec<i64> = Vec::new();
        let mut visit = |expr: &Compiled| {
            expr.visit(&mut |one| match one {
                Compiled::Slot(slot) => slots.push(*slot),
                Compiled::Call(Function::Bin, period, _) => periods.push(*period),
                _ => {}
            });
        };
        self.conditions.iter().for_each(|expr| visit(expr));
        if let Some(groups) = &self.groups {
            expressions(groups.rest).into_iter().for_each(&mut visit);
            groups.grouping.by.iter().for_each(&mut visit);
            for (of, singly) in groups.grouping.aggregates.iter().zip(&groups.singly) {
                of.of.iter().filter(|_| singly.is_none()).for_each(&mut visit);
            }
            slots.extend(groups.rest.iter().filter_map(|step| match step {
                Step::Glob(from, ..) | Step::Regex(from, ..) => Some(*from),
                _ => None,
            }));
        }
        let sources = self.plan.sources.iter().enumerate();
        let used = sources.filter(|(_, (slot, _))| slots.contains(slot));
        self.sources = used.map(|(n, _)| n).collect();
        self.periods = periods;
    }

    /// The last time at which results are those of a time.
    pub(super) fn last_of_segment(&self, time: i64) -> i64 {
        let last = |period: &i64| {
            let period = (*period).max(1);
            time.saturating_sub(time.rem_euclid(period))
                .saturating_add(period - 1)
        };
        self.periods.iter().map(last).min().unwrap_or(i64::MAX)
    }

    /// Takes the values of fields through the conditions and, for groups, the steps behind; false for what is left out.
    pub(super) fn passes(&self, time: i64, values: &mut [Value]) -> bool {
        let holds = self.conditions.iter().all(|condition| {
            condition.holds(Context {
                slots: values,
                totals: &[],
                time,
            })
        });
        holds
            && self
                .groups
                .as_ref()
                .is_none_or(|groups| apply(groups.rest, time, values))
    }
}

fn expressions(steps: &[Step]) -> Vec<&Compiled> {
    let mut all = Vec::new();
    for step in steps {
        match step {
            Step::Filter(condition) => all.push(condition),
            Step::Assign(assigned) => all.extend(assigned.iter().map(|(_, expr)| expr)),
            Step::Glob(..) | Step::Regex(..) => {}
        }
    }
    all
}

fn is_timed(expr: &Compiled) -> bool {
    let mut is_timed = false;
    expr.visit(&mut |one| is_timed |= matches!(one, Compiled::Call(Function::Bin, ..)));
    is_timed
}
