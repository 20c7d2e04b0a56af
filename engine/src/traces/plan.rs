//! A filter made ready for one block: conditions on what depends on the class are answered for every class, conditions on
//! values become conditions on codes. Answers may let through more than the filter, never less.

mod rows;

use std::sync::Arc;

use super::block::hash_of_bytes;
use super::block::rows::GroupRows;
use super::block::schema::Storage;
use super::filter::{Filter, TestOp};
use super::layout::{ColumnName, Extra, Owner};
use super::table::columns::{class_values, is_of_class};
use super::table::{AttributeScope, Field};
use super::value::{Value, ValueKind};
use crate::error::Result;
use crate::metrics::re2::{Anchored, compile_anchored};
pub(super) use rows::Rows;

/// A test of a value.
#[derive(Debug, Clone)]
pub(super) struct Test {
    op: TestOp,
    values: Vec<Value>,
    /// Of a regular expression; none when it does not compile, which lets all through.
    regex: Option<Arc<Anchored>>,
}

impl Test {
    fn new(op: &TestOp, values: &[Value]) -> Test {
        let regex = match op {
            TestOp::Regex(pattern) => compile_anchored(pattern).map(Arc::new),
            _ => None,
        };
        Test {
            op: op.clone(),
            values: values.to_vec(),
            regex,
        }
    }

    /// Whether a value passes.
    fn passes(&self, value: &Value) -> bool {
        if let Value::Array(items) = value {
            return self.op == TestOp::Exists || items.iter().any(|item| self.passes(item));
        }
        match &self.op {
            TestOp::Exists => true,
            TestOp::Regex(_) => match (value, &self.regex) {
                (Value::String(text), Some(regex)) => regex.is_match(text),
                (Value::String(_), None) => true,
                _ => false,
            },
            op => self.values.iter().any(|wanted| compares(op, value, wanted)),
        }
    }

    /// The range that whole numbers must be in to pass, widened where doubles are not exact.
    fn int_ranges(&self) -> Vec<(i64, i64)> {
        let range = |wanted: &Value| -> Option<(i64, i64)> {
            let (low, high) = match wanted {
                Value::Int(n) => (*n, *n),
                Value::Double(d) if d.is_nan() => return None,
                Value::Double(d) => (d.floor() as i64, d.ceil() as i64),
                _ => return None,
            };
            Some(match self.op {
                TestOp::Eq => (low, high),
                TestOp::Lt | TestOp::Le => (i64::MIN, high),
                TestOp::Gt | TestOp::Ge => (low, i64::MAX),
                _ => return None,
            })
        };
        if self.op == TestOp::Exists {
            return vec![(i64::MIN, i64::MAX)];
        }
        self.values.iter().filter_map(range).collect()
    }
}

/// Numbers up to here are exact as doubles.
const EXACT: u64 = 1 << 53;

fn compares(op: &TestOp, value: &Value, wanted: &Value) -> bool {
    let ordering = match (value, wanted) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Int(a), Value::Double(_)) | (Value::Double(_), Value::Int(a)) if a.unsigned_abs() > EXACT => {
            return true;
        }
        (Value::Int(a), Value::Double(b)) => return compare_doubles(op, *a as f64, *b),
        (Value::Double(a), Value::Int(b)) => return compare_doubles(op, *a, *b as f64),
        (Value::Double(a), Value::Double(b)) => return compare_doubles(op, *a, *b),
        _ => return false,
    };
    match op {
        TestOp::Eq => ordering.is_eq(),
        TestOp::Lt => ordering.is_lt(),
        TestOp::Le => ordering.is_le(),
        TestOp::Gt => ordering.is_gt(),
        TestOp::Ge => ordering.is_ge(),
        TestOp::Regex(_) | TestOp::Exists => true,
    }
}

fn compare_doubles(op: &TestOp, a: f64, b: f64) -> bool {
    match op {
        TestOp::Eq => a == b,
        TestOp::Lt => a < b,
        TestOp::Le => a <= b,
        TestOp::Gt => a > b,
        TestOp::Ge => a >= b,
        TestOp::Regex(_) | TestOp::Exists => true,
    }
}

/// A filter for one block.
#[derive(Debug)]
pub(super) enum Plan {
    /// Lets all through.
    All,
    /// Lets nothing through.
    None,
    And(Vec<Plan>),
    Or(Vec<Plan>),
    /// By class.
    Classes(Vec<bool>),
    /// By the values of columns, any of them.
    Columns(Vec<ColumnPlan>),
    Duration(Vec<(i64, i64)>),
}

/// A condition on a column.
#[derive(Debug)]
pub(super) struct ColumnPlan {
    column: u32,
    /// Rows of these classes have it.
    classes: Vec<u32>,
    condition: Condition,
}

#[derive(Debug)]
enum Condition {
    /// Having it is enough.
    Present,
    /// Codes of the dictionary, ascending.
    Codes(Vec<u32>),
    /// Ranges of numbers, both ends within.
    Ranges(Vec<(i64, i64)>),
    /// Doubles, and strings of pages.
    Values(Test, Vec<u64>),
}

impl Plan {
    /// Makes a filter ready. `group` is any of the block.
    pub(super) fn new(filter: &Filter, group: &GroupRows<'_>) -> Result<Plan> {
        Ok(match filter {
            // Which traces is told by the scan.
            Filter::Any | Filter::Trace(_) => Plan::All,
            Filter::And(all) => {
                let mut plans = Vec::new();
                for filter in all {
                    match Plan::new(filter, group)? {
                        Plan::All => {}
                        Plan::None => return Ok(Plan::None),
                        plan => plans.push(plan),
                    }
                }
                if plans.is_empty() {
                    Plan::All
                } else {
                    Plan::And(plans)
                }
            }
            Filter::Or(any) => {
                let mut plans = Vec::new();
                for filter in any {
                    match Plan::new(filter, group)? {
                        Plan::All => return Ok(Plan::All),
                        Plan::None => {}
                        plan => plans.push(plan),
                    }
                }
                if plans.is_empty() {
                    Plan::None
                } else {
                    Plan::Or(plans)
                }
            }
            Filter::Test { field, op, values } => Plan::of_test(field, Test::new(op, values), group)?,
        })
    }

    fn of_test(field: &Field, test: Test, group: &GroupRows<'_>) -> Result<Plan> {
        if is_of_class(field) {
            let values = class_values(group, field)?;
            let classes: Vec<bool> = values
                .iter()
                .map(|v| v.as_ref().is_some_and(|v| test.passes(v)))
                .collect();
            return Ok(match classes.contains(&true) {
                true => Plan::Classes(classes),
                false => Plan::None,
            });
        }
        match field {
            Field::Duration => Ok(Plan::Duration(test.int_ranges())),
            Field::StatusMessage => {
                Plan::of_columns(group, &test, |n| *n == ColumnName::Extra(Extra::StatusMessage))
            }
            Field::TraceState => {
                Plan::of_columns(group, &test, |n| *n == ColumnName::Extra(Extra::TraceState))
            }
            Field::Attribute {
                scope: AttributeScope::Span,
                key,
            } => Plan::of_columns(
                group,
                &test,
                |n| matches!(n, ColumnName::Attribute(name) if **name == **key),
            ),
            Field::LinkTraceId
            | Field::LinkSpanId
            | Field::Attribute {
                scope: AttributeScope::Link,
                ..
            } => Ok(Plan::of_items(group, Extra::Links)),
            _ => Ok(Plan::of_items(group, Extra::Events)),
        }
    }

    /// Spans that have events or links at all.
    fn of_items(group: &GroupRows<'_>, extra: Extra) -> Plan {
        let vocabulary = &group.index.schema.vocabulary;
        let is_extra = |c: &u32| vocabulary.columns()[*c as usize].key.name == ColumnName::Extra(extra);
        let classes = 0..vocabulary.spans.items().len() as u32;
        let has = |class: u32| vocabulary.shape_of_span(class).columns.iter().any(is_extra);
        Plan::Classes(classes.map(has).collect())
    }

    fn of_columns(
        group: &GroupRows<'_>,
        test: &Test,
        is_wanted: impl Fn(&ColumnName) -> bool,
    ) -> Result<Plan> {
        let schema = &group.index.schema;
        let vocabulary = &schema.vocabulary;
        let mut plans = Vec::new();
        for (n, column) in vocabulary.columns().iter().enumerate() {
            if column.key.owner != Owner::Span || !is_wanted(&column.key.name) {
                continue;
            }
            let condition = condition(group, n as u32, column.key.kind, test)?;
            let has = |class: &u32| vocabulary.shape_of_span(*class).columns.contains(&(n as u32));
            let classes: Vec<u32> = (0..vocabulary.spans.items().len() as u32).filter(has).collect();
            if let Some(condition) = condition
                && !classes.is_empty()
            {
                plans.push(ColumnPlan {
                    column: n as u32,
                    classes,
                    condition,
                });
            }
        }
        Ok(if plans.is_empty() {
            Plan::None
        } else {
            Plan::Columns(plans)
        })
    }
}

/// What a column's values must be to pass; none when none of the block's does.
fn condition(group: &GroupRows<'_>, column: u32, kind: ValueKind, test: &Test) -> Result<Option<Condition>> {
    if test.op == TestOp::Exists {
        return Ok(Some(Condition::Present));
    }
    Ok(match (&group.index.schema.storages[column as usize], kind) {
        (_, ValueKind::Empty | ValueKind::KvList) => None,
        (Storage::Numbers, ValueKind::Bool) => {
            let passes = |b: bool| {
                test.passes(&Value::Bool(b))
                    .then_some((i64::from(b), i64::from(b)))
            };
            let ranges: Vec<(i64, i64)> = [false, true].into_iter().filter_map(passes).collect();
            (!ranges.is_empty()).then_some(Condition::Ranges(ranges))
        }
        (Storage::Numbers, ValueKind::Int) => {
            let ranges = test.int_ranges();
            (!ranges.is_empty()).then_some(Condition::Ranges(ranges))
        }
        (Storage::Numbers, _) => Some(Condition::Values(test.clone(), Vec::new())),
        (Storage::Local, kind) => {
            let text = |v: &Value| match v {
                Value::String(text) => Some(hash_of_bytes(text.as_bytes())),
                _ => None,
            };
            let hashes = match (&test.op, kind) {
                (TestOp::Eq, ValueKind::String) => test.values.iter().filter_map(text).collect(),
                _ => Vec::new(),
            };
            if kind == ValueKind::String && test.op == TestOp::Eq && hashes.is_empty() {
                return Ok(None);
            }
            Some(Condition::Values(test.clone(), hashes))
        }
        (Storage::Dictionary(dictionary), kind) => {
            let mut codes = Vec::new();
            if let (TestOp::Eq, ValueKind::String) = (&test.op, kind) {
                for value in &test.values {
                    if let Value::String(text) = value {
                        codes.extend(dictionary.find(group.file, text.as_bytes())?);
                    }
                }
                codes.sort_unstable();
            } else {
                dictionary.each(group.file, 0, |code, bytes| {
                    if Value::from_payload(kind, bytes).is_ok_and(|v| test.passes(&v)) {
                        codes.push(code);
                    }
                    true
                })?;
            }
            (!codes.is_empty()).then_some(Condition::Codes(codes))
        }
    })
}
