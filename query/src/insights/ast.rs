//! The tree of a query. It prints as a text that parses to the same tree. Not for what it gives.

/// A query: commands, each over what the one before it leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// In the order of the text; at least one.
    pub commands: Vec<Command>,
}

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// `fields`: more columns.
    Fields(Vec<Named>),
    /// `display`: these columns and no others.
    Display(Vec<Named>),
    /// `filter`: keeps rows.
    Filter(Expr),
    /// `parse`: takes fields from a text.
    Parse(Parse),
    /// `stats`: one row for each group.
    Stats {
        /// Expressions over aggregates.
        totals: Vec<Named>,
        /// What groups have in common.
        by: Vec<Named>,
    },
    /// `sort`, the first deciding first.
    Sort(Vec<(Expr, Order)>),
    /// `limit`: the first rows.
    Limit(usize),
    /// `dedup`: of the rows with the same values the first.
    Dedup(Vec<Expr>),
}

/// An order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

/// An expression and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The expression.
    pub expr: Expr,
    /// Its name behind `as`.
    pub alias: Option<String>,
}

impl Named {
    /// The name of its column: without `as` the name of a field, or the expression's text.
    pub fn name(&self) -> String {
        match (&self.alias, &self.expr) {
            (Some(alias), _) => alias.clone(),
            (None, Expr::Name(name)) => name.clone(),
            (None, expr) => expr.to_string(),
        }
    }
}

/// `parse from "pattern" as names` or `parse from /expression/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parse {
    /// The field that is parsed, the line when none is named.
    pub from: String,
    /// How.
    pub by: Pattern,
}

/// How fields stand in a text.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// Each `*` is a field.
    Glob {
        /// The pattern.
        pattern: String,
        /// As many as there are `*`.
        names: Vec<String>,
    },
    /// Named groups are fields.
    Regex(String),
}

/// What a text is like.
#[derive(Debug, Clone, PartialEq)]
pub enum Likeness {
    /// It holds a text.
    Text(String),
    /// It matches somewhere.
    Regex(String),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A field.
    Name(String),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A length of time such as `5m`, as it is written, and its nanoseconds.
    Period(String, i64),
    /// `-expr`.
    Negate(Box<Expr>),
    /// `not expr`.
    Not(Box<Expr>),
    /// A chain of `and`, at least two.
    And(Vec<Expr>),
    /// A chain of `or`, at least two.
    Or(Vec<Expr>),
    /// Arithmetic or comparison.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left side.
        lhs: Box<Expr>,
        /// Right side.
        rhs: Box<Expr>,
    },
    /// `expr like ..`.
    Like {
        /// What is looked at.
        expr: Box<Expr>,
        /// What it must be like.
        like: Likeness,
    },
    /// `expr in [..]`.
    In {
        /// What is looked for.
        expr: Box<Expr>,
        /// Among these.
        list: Vec<Expr>,
    },
    /// A function of values.
    Call(Function, Vec<Expr>),
    /// A function of the rows of a group; no argument for `count(*)`.
    Aggregate(Aggregator, Vec<Expr>),
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$what])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// As it is written.
            pub fn text(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }

            /// From its text in any case.
            pub fn of(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.text().eq_ignore_ascii_case(text))
            }
        }
    };
}

names! {
    /// An operator between two values.
    BinaryOp {
        /// Equality.
        Equal = "=",
        /// Its opposite, which holds for what is missing, too.
        NotEqual = "!=",
        /// Before.
        Less = "<",
        /// Not behind.
        LessEqual = "<=",
        /// Behind.
        Greater = ">",
        /// Not before.
        GreaterEqual = ">=",
        /// Sum.
        Add = "+",
        /// Difference.
        Sub = "-",
        /// Product.
        Mul = "*",
        /// Quotient.
        Div = "/",
        /// Rest.
        Mod = "%",
        /// Power.
        Pow = "^",
    }
}

names! {
    /// A function of values.
    Function {
        /// The time of the entry, floored.
        Bin = "bin",
        /// A time, floored.
        DateFloor = "datefloor",
        /// A time, raised.
        DateCeil = "dateceil",
        /// A time from milliseconds since 1970.
        FromMillis = "fromMillis",
        /// Milliseconds since 1970 of a time.
        ToMillis = "toMillis",
        /// Whether there is a value.
        IsPresent = "ispresent",
        /// Whether there is none, or an empty one.
        IsEmpty = "isempty",
        /// The same for one of blanks.
        IsBlank = "isblank",
        /// The first that is there.
        Coalesce = "coalesce",
        /// Texts joined.
        Concat = "concat",
        /// Characters of a text.
        StrLen = "strlen",
        /// Upper case.
        ToUpper = "toupper",
        /// Lower case.
        ToLower = "tolower",
        /// Without blanks at both ends.
        Trim = "trim",
        /// Without blanks at the beginning.
        LTrim = "ltrim",
        /// Without blanks at the end.
        RTrim = "rtrim",
        /// Characters from a place on, from 0, at most so many.
        Substr = "substr",
        /// A text with every occurrence of another replaced.
        Replace = "replace",
        /// Whether a text holds another.
        StrContains = "strcontains",
        /// Without its sign.
        Abs = "abs",
        /// The next whole number above.
        Ceil = "ceil",
        /// The next whole number below.
        Floor = "floor",
        /// The natural logarithm.
        Log = "log",
        /// The square root.
        Sqrt = "sqrt",
        /// The largest.
        Greatest = "greatest",
        /// The smallest.
        Least = "least",
    }
}

impl Function {
    /// Least and most arguments.
    pub fn arity(self) -> (usize, usize) {
        match self {
            Function::Coalesce | Function::Concat | Function::Greatest | Function::Least => (1, 64),
            Function::DateFloor | Function::DateCeil | Function::StrContains => (2, 2),
            Function::Substr => (2, 3),
            Function::Replace => (3, 3),
            _ => (1, 1),
        }
    }

    /// The number of the argument that is a length of time.
    pub fn period(self) -> Option<usize> {
        match self {
            Function::Bin => Some(0),
            Function::DateFloor | Function::DateCeil => Some(1),
            _ => None,
        }
    }
}

names! {
    /// A function of the rows of a group.
    Aggregator {
        /// How many rows, or how many have a value.
        Count = "count",
        /// How many different values.
        CountDistinct = "count_distinct",
        /// The sum of the numbers.
        Sum = "sum",
        /// Their mean.
        Avg = "avg",
        /// The smallest value.
        Min = "min",
        /// The largest value.
        Max = "max",
        /// A percentile of the numbers, between neighbours in proportion.
        Pct = "pct",
        /// Their standard deviation, of all there are.
        Stddev = "stddev",
        /// The value of the oldest row.
        Earliest = "earliest",
        /// That of the newest.
        Latest = "latest",
    }
}

impl Aggregator {
    /// Least and most arguments.
    pub fn arity(self) -> (usize, usize) {
        match self {
            Aggregator::Count => (0, 1),
            Aggregator::Pct => (2, 2),
            _ => (1, 1),
        }
    }
}
