//! Metrics functions and what may follow them. Not for arithmetic between series (see `expression`).

use super::super::ast::{
    Attribute, Compare, Comparison, Function, Metrics, Pipeline, Rank, Scalar, Series, SpansetExpr, Stage,
};
use super::super::token::{Kind, Payload};
use super::{Parsed, Parser, Thing};

/// Values shown per attribute by `compare` unless the query says otherwise.
const COMPARE_TOP: i64 = 10;

impl Parser {
    /// A metrics function behind a pipe; it takes the stages before it.
    pub(super) fn first_metrics(&mut self, stages: &mut Vec<Stage>) -> Parsed<Option<Metrics>> {
        let name = self.symbol();
        if name == "compare" {
            self.advance();
            let pipeline = Pipeline {
                stages: std::mem::take(stages),
            };
            return self
                .compare(pipeline)
                .map(|compare| Some(Metrics::Compare(Box::new(compare))));
        }
        let over = name.ends_with("_over_time");
        if !over && name != "rate" {
            return Ok(None);
        }
        self.advance();
        self.expect("(", &["("])?;
        let function = self.function(name)?;
        self.expect(")", &[])?;
        let by = if self.accept("by") {
            self.attributes()?
        } else {
            Vec::new()
        };
        Ok(Some(Metrics::Series(Box::new(Series {
            pipeline: Pipeline {
                stages: std::mem::take(stages),
            },
            function,
            by,
        }))))
    }

    /// What stands in the parentheses of a function.
    fn function(&mut self, name: &str) -> Parsed<Function> {
        match name {
            "rate" => return Ok(Function::Rate),
            "count_over_time" => return Ok(Function::Count),
            _ => {}
        }
        let attribute: Attribute = self.attribute()?;
        Ok(match name {
            "min_over_time" => Function::Min(attribute),
            "max_over_time" => Function::Max(attribute),
            "avg_over_time" => Function::Avg(attribute),
            "sum_over_time" => Function::Sum(attribute),
            "histogram_over_time" => Function::Histogram(attribute),
            _ => {
                let mut quantiles = Vec::new();
                self.expect(",", &[","])?;
                loop {
                    quantiles.push(self.quantile()?);
                    if !self.accept(",") {
                        break;
                    }
                }
                Function::Quantile(attribute, quantiles)
            }
        })
    }

    fn quantile(&mut self) -> Parsed<f64> {
        let token = self.peek();
        let value = match (token.kind, &token.payload) {
            (Kind::Integer, Payload::Integer(n)) => *n as f64,
            (Kind::Float, Payload::Float(x)) => *x,
            _ => return Err(self.unexpected(&["INTEGER", "FLOAT"])),
        };
        self.advance();
        Ok(value)
    }

    fn compare(&mut self, pipeline: Pipeline) -> Parsed<Compare> {
        self.expect("(", &["("])?;
        let selection = match self.spanset_filter()? {
            SpansetExpr::Filter(expr) => expr.map(|expr| *expr),
            _ => None,
        };
        let mut numbers = Vec::new();
        while numbers.len() < 3 && self.accept(",") {
            numbers.push(self.integer()?);
        }
        let expecting: &[&str] = if numbers.len() < 3 { &[")", ","] } else { &[")"] };
        self.expect(")", expecting)?;
        let window = match numbers[..] {
            [_, start, end] => Some((start, end)),
            [_, _] => return Err(self.fault_behind("compare() needs both a start and an end of its window")),
            _ => None,
        };
        Ok(Compare {
            pipeline,
            selection,
            top: numbers.first().copied().unwrap_or(COMPARE_TOP),
            window,
        })
    }

    fn integer(&mut self) -> Parsed<i64> {
        let (Kind::Integer, Payload::Integer(n)) = (self.peek().kind, &self.peek().payload) else {
            return Err(self.unexpected(&["INTEGER"]));
        };
        let n = *n;
        self.advance();
        Ok(n)
    }

    /// Second stages behind series: rankings and comparisons in any order.
    pub(super) fn ranked(&mut self, mut metrics: Metrics) -> Parsed<Metrics> {
        let entered = self.depth;
        loop {
            let symbol = self.symbol();
            if let Some(op) = Comparison::of(symbol) {
                self.advance();
                let of = Box::new(metrics);
                let with = self.threshold()?;
                metrics = Metrics::Filter { of, op, with };
            } else if symbol == "|" {
                self.advance();
                let rank = match self.symbol() {
                    "topk" => Rank::Top,
                    "bottomk" => Rank::Bottom,
                    _ => return Err(self.unexpected(&["topk", "bottomk"])),
                };
                self.advance();
                self.expect("(", &["("])?;
                let limit = self.integer()?;
                self.expect(")", &[")"])?;
                let of = Box::new(metrics);
                metrics = Metrics::Rank { of, rank, limit };
            } else {
                break;
            }
            self.deepen()?;
        }
        self.depth = entered;
        Ok(metrics)
    }

    /// What samples are compared with: a number, a duration, or arithmetic of numbers.
    fn threshold(&mut self) -> Parsed<Scalar> {
        // Sums bind tighter than comparisons.
        match self.expression(3)? {
            Thing::Scalar(number @ Scalar::Number(_)) => Ok(number),
            Thing::Scalar(scalar) => {
                let closing = Kind::Symbol(")");
                let before = &self.tokens.list[..self.at];
                let last = before.iter().rposition(|token| token.kind != closing);
                self.without_durations(&scalar, last.unwrap_or(0))?;
                Ok(scalar)
            }
            _ => Err(self.unexpected(&[])),
        }
    }
}
