//! Days, months and years of the proleptic Gregorian calendar in UTC, as PromQL's date functions need them.

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::series::{StepSeries, StepValue};
use crate::promql::ast::CallExpr;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    /// 1 to 366.
    pub(super) day_of_year: i64,
    /// 0 is Sunday.
    pub(super) weekday: i64,
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    /// The day that holds this second since 1970.
    pub(super) fn of(seconds: i64) -> Date {
        let days = seconds.div_euclid(86_400);
        // Years are counted from March, in eras of 400 years of 146,097 days, so that leap days come last.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let before: i64 = (1..month).map(|m| days_in_month(year, m)).sum();
        Date {
            year,
            month,
            day,
            day_of_year: before + day,
            weekday: (days + 4).rem_euclid(7),
        }
    }
}

fn part(name: &str, value: f64) -> f64 {
    if !value.is_finite() {
        // Go's conversion of what is no integer gives the smallest one; no calendar has such a day.
        return f64::NAN;
    }
    let seconds = value as i64;
    let date = Date::of(seconds.clamp(-1 << 55, 1 << 55));
    let of_day = seconds.rem_euclid(86_400);
    (match name {
        "minute" => of_day / 60 % 60,
        "hour" => of_day / 3600,
        "day_of_week" => date.weekday,
        "day_of_month" => date.day,
        "day_of_year" => date.day_of_year,
        "days_in_month" => days_in_month(date.year, date.month),
        "month" => date.month,
        _ => date.year,
    }) as f64
}

/// `hour()` and its kind: parts of the UTC time of each value, or of the evaluation time without argument.
pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let name = call.function.name;
    let Some(arg) = call.args.first() else {
        let values = grid
            .times()
            .map(|t| part(name, t.div_euclid(1000) as f64))
            .collect();
        let labels = kymo_engine::labels::Labels::empty();
        return Ok(StepValue::Vector(vec![StepSeries::floats(labels, false, values)]));
    };
    let mut vector = super::math_fn::floats(context.vector(arg, grid)?);
    for series in &mut vector {
        for (_, value) in series.values.iter_mut() {
            *value = part(name, *value);
        }
    }
    context.drop_names(vector).map(StepValue::Vector)
}
