//! The signatures of PromQL's functions. Not for what they compute (see `eval`).

use super::ast::ValueType::{self, Matrix, Scalar, String as Text, Vector};

/// The signature of a function.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The name in the query.
    pub name: &'static str,
    /// The types of the arguments; the last one repeats for variadic functions.
    pub args: &'static [ValueType],
    /// 0: exactly `args`. n > 0: the last argument may be absent, or there may be up to n - 1 more. Negative: any number.
    pub variadic: i8,
    /// The type of the result.
    pub returns: ValueType,
    /// Needs [`ParseOptions::experimental_functions`](super::ParseOptions).
    pub experimental: bool,
}

const fn plain(name: &'static str, args: &'static [ValueType]) -> Function {
    Function {
        name,
        args,
        variadic: 0,
        returns: Vector,
        experimental: false,
    }
}

const fn variadic(name: &'static str, args: &'static [ValueType], variadic: i8) -> Function {
    Function {
        name,
        args,
        variadic,
        returns: Vector,
        experimental: false,
    }
}

const fn scalar(name: &'static str, args: &'static [ValueType]) -> Function {
    Function {
        name,
        args,
        variadic: 0,
        returns: Scalar,
        experimental: false,
    }
}

const fn experimental(function: Function) -> Function {
    Function {
        experimental: true,
        ..function
    }
}

/// All functions, sorted by name.
pub static FUNCTIONS: &[Function] = &[
    plain("abs", &[Vector]),
    plain("absent", &[Vector]),
    plain("absent_over_time", &[Matrix]),
    plain("acos", &[Vector]),
    plain("acosh", &[Vector]),
    plain("asin", &[Vector]),
    plain("asinh", &[Vector]),
    plain("atan", &[Vector]),
    plain("atanh", &[Vector]),
    plain("avg_over_time", &[Matrix]),
    plain("ceil", &[Vector]),
    plain("changes", &[Matrix]),
    plain("clamp", &[Vector, Scalar, Scalar]),
    plain("clamp_max", &[Vector, Scalar]),
    plain("clamp_min", &[Vector, Scalar]),
    plain("cos", &[Vector]),
    plain("cosh", &[Vector]),
    plain("count_over_time", &[Matrix]),
    variadic("day_of_month", &[Vector], 1),
    variadic("day_of_week", &[Vector], 1),
    variadic("day_of_year", &[Vector], 1),
    variadic("days_in_month", &[Vector], 1),
    plain("deg", &[Vector]),
    plain("delta", &[Matrix]),
    plain("deriv", &[Matrix]),
    experimental(plain("double_exponential_smoothing", &[Matrix, Scalar, Scalar])),
    experimental(scalar("end", &[])),
    plain("exp", &[Vector]),
    plain("first_over_time", &[Matrix]),
    plain("floor", &[Vector]),
    plain("histogram_avg", &[Vector]),
    plain("histogram_count", &[Vector]),
    plain("histogram_fraction", &[Scalar, Scalar, Vector]),
    plain("histogram_quantile", &[Scalar, Vector]),
    experimental(variadic(
        "histogram_quantiles",
        &[Vector, Text, Scalar, Scalar],
        9,
    )),
    plain("histogram_stddev", &[Vector]),
    plain("histogram_stdvar", &[Vector]),
    plain("histogram_sum", &[Vector]),
    variadic("hour", &[Vector], 1),
    plain("idelta", &[Matrix]),
    plain("increase", &[Matrix]),
    experimental(variadic("info", &[Vector, Vector], 1)),
    plain("irate", &[Matrix]),
    variadic("label_join", &[Vector, Text, Text, Text], -1),
    plain("label_replace", &[Vector, Text, Text, Text, Text]),
    plain("last_over_time", &[Matrix]),
    plain("ln", &[Vector]),
    plain("log10", &[Vector]),
    plain("log2", &[Vector]),
    experimental(plain("mad_over_time", &[Matrix])),
    experimental(scalar("max_of", &[Scalar, Scalar])),
    plain("max_over_time", &[Matrix]),
    experimental(scalar("min_of", &[Scalar, Scalar])),
    plain("min_over_time", &[Matrix]),
    variadic("minute", &[Vector], 1),
    variadic("month", &[Vector], 1),
    scalar("pi", &[]),
    plain("predict_linear", &[Matrix, Scalar]),
    plain("present_over_time", &[Matrix]),
    plain("quantile_over_time", &[Scalar, Matrix]),
    plain("rad", &[Vector]),
    experimental(scalar("range", &[])),
    plain("rate", &[Matrix]),
    plain("resets", &[Matrix]),
    variadic("round", &[Vector, Scalar], 1),
    scalar("scalar", &[Vector]),
    plain("sgn", &[Vector]),
    plain("sin", &[Vector]),
    plain("sinh", &[Vector]),
    plain("sort", &[Vector]),
    experimental(variadic("sort_by_label", &[Vector, Text], -1)),
    experimental(variadic("sort_by_label_desc", &[Vector, Text], -1)),
    plain("sort_desc", &[Vector]),
    plain("sqrt", &[Vector]),
    experimental(scalar("start", &[])),
    experimental(plain("start_timestamp", &[Vector])),
    plain("stddev_over_time", &[Matrix]),
    plain("stdvar_over_time", &[Matrix]),
    experimental(scalar("step", &[])),
    plain("sum_over_time", &[Matrix]),
    plain("tan", &[Vector]),
    plain("tanh", &[Vector]),
    scalar("time", &[]),
    plain("timestamp", &[Vector]),
    experimental(plain("ts_of_first_over_time", &[Matrix])),
    experimental(plain("ts_of_last_over_time", &[Matrix])),
    experimental(plain("ts_of_max_over_time", &[Matrix])),
    experimental(plain("ts_of_min_over_time", &[Matrix])),
    plain("vector", &[Scalar]),
    variadic("year", &[Vector], 1),
];

/// The function of this name. Names are case-sensitive.
pub fn lookup(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .binary_search_by(|f| f.name.cmp(name))
        .ok()
        .map(|i| &FUNCTIONS[i])
}

/// True for functions whose result depends on the evaluation time even if every selector is pinned with `@`.
pub fn depends_on_time(name: &str) -> bool {
    matches!(
        name,
        "days_in_month"
            | "day_of_month"
            | "day_of_week"
            | "day_of_year"
            | "end"
            | "hour"
            | "minute"
            | "month"
            | "predict_linear"
            | "range"
            | "start"
            | "step"
            | "time"
            | "timestamp"
            | "year"
    )
}
