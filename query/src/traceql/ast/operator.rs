//! Operators and the words they are written with. Not for precedence, which is the parser's.

use super::statics::Type;

/// Implements the spelling of an enum of operators.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$note])* $variant,)+
        }

        impl $name {
            /// How it is written.
            pub fn text(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)+
                }
            }

            /// The operator of a text.
            pub fn of(text: &str) -> Option<$name> {
                match text {
                    $($text => Some($name::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

spelled! {
    /// Arithmetic and comparison of two expressions.
    BinaryOp {
        /// Sum.
        Add = "+",
        /// Difference.
        Sub = "-",
        /// Product.
        Mul = "*",
        /// Quotient; of two integers an integer.
        Div = "/",
        /// Remainder.
        Mod = "%",
        /// Power.
        Pow = "^",
        /// Equal.
        Equal = "=",
        /// Not equal.
        NotEqual = "!=",
        /// Less.
        Less = "<",
        /// Less or equal.
        LessEqual = "<=",
        /// Greater.
        Greater = ">",
        /// Greater or equal.
        GreaterEqual = ">=",
        /// Matches a regular expression as a whole.
        Regex = "=~",
        /// Does not match it.
        NotRegex = "!~",
    }
}

spelled! {
    /// `&&` and `||`, of one precedence.
    LogicOp {
        /// Both.
        And = "&&",
        /// One of them.
        Or = "||",
    }
}

spelled! {
    /// Operators of one operand.
    UnaryOp {
        /// The opposite truth.
        Not = "!",
        /// The negative number.
        Negate = "-",
    }
}

spelled! {
    /// Comparison of numbers.
    Comparison {
        /// Equal.
        Equal = "=",
        /// Not equal.
        NotEqual = "!=",
        /// Less.
        Less = "<",
        /// Less or equal.
        LessEqual = "<=",
        /// Greater.
        Greater = ">",
        /// Greater or equal.
        GreaterEqual = ">=",
    }
}

spelled! {
    /// Arithmetic of scalars.
    ScalarOp {
        /// Sum.
        Add = "+",
        /// Difference.
        Sub = "-",
        /// Product.
        Mul = "*",
        /// Quotient.
        Div = "/",
        /// Remainder.
        Mod = "%",
        /// Power.
        Pow = "^",
    }
}

spelled! {
    /// Aggregates over the spans of a spanset.
    Aggregator {
        /// How many spans.
        Count = "count",
        /// Average.
        Avg = "avg",
        /// Largest.
        Max = "max",
        /// Smallest.
        Min = "min",
        /// Sum.
        Sum = "sum",
    }
}

/// How the spans of the right side stand to those of the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They are children of one.
    Child,
    /// They are below one.
    Descendant,
    /// They are the parent of one.
    Parent,
    /// They are above one.
    Ancestor,
    /// They have the parent of another one.
    Sibling,
}

/// An operator between two spansets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpansetOp {
    /// All spans of both when there are some in each.
    And,
    /// All spans of both.
    Or,
    /// The right spans that stand in the relation.
    Related(Relation),
    /// The right spans that do not stand in it.
    NotRelated(Relation),
    /// The spans of both sides that stand in it.
    Union(Relation),
}

const RELATIONS: [(&str, Relation); 5] = [
    (">", Relation::Child),
    (">>", Relation::Descendant),
    ("<", Relation::Parent),
    ("<<", Relation::Ancestor),
    ("~", Relation::Sibling),
];

impl SpansetOp {
    /// The operator of a text.
    pub fn of(text: &str) -> Option<SpansetOp> {
        let relation = |text: &str| RELATIONS.iter().find(|(t, _)| *t == text).map(|(_, r)| *r);
        match text {
            "&&" => Some(SpansetOp::And),
            "||" => Some(SpansetOp::Or),
            _ => match (text.strip_prefix('!'), text.strip_prefix('&')) {
                (Some(rest), _) => relation(rest).map(SpansetOp::NotRelated),
                (_, Some(rest)) => relation(rest).map(SpansetOp::Union),
                _ => relation(text).map(SpansetOp::Related),
            },
        }
    }

    /// How it is written.
    pub fn text(self) -> String {
        let (prefix, relation) = match self {
            SpansetOp::And => return "&&".to_owned(),
            SpansetOp::Or => return "||".to_owned(),
            SpansetOp::Related(relation) => ("", relation),
            SpansetOp::NotRelated(relation) => ("!", relation),
            SpansetOp::Union(relation) => ("&", relation),
        };
        let (text, _) = RELATIONS[relation as usize];
        format!("{prefix}{text}")
    }
}

impl BinaryOp {
    /// True when the result is a truth.
    pub fn is_comparison(self) -> bool {
        !self.is_arithmetic()
    }

    /// True when the result is a number.
    pub fn is_arithmetic(self) -> bool {
        use BinaryOp::{Add, Div, Mod, Mul, Pow, Sub};
        matches!(self, Add | Sub | Mul | Div | Mod | Pow)
    }

    /// True for `=~` and `!~`.
    pub fn is_regex(self) -> bool {
        matches!(self, BinaryOp::Regex | BinaryOp::NotRegex)
    }

    /// True when values of the type may be its operands.
    pub(crate) fn takes(self, value: Type) -> bool {
        use BinaryOp::{Equal, NotEqual};
        match value {
            Type::Unknown => true,
            Type::Int | Type::Float | Type::Duration => !self.is_regex(),
            Type::String => self.is_comparison(),
            Type::Bool | Type::Status | Type::Kind | Type::Nil => matches!(self, Equal | NotEqual),
        }
    }
}

impl Comparison {
    /// Compares two numbers; with NaN only [`Comparison::NotEqual`] holds.
    pub fn holds(self, lhs: f64, rhs: f64) -> bool {
        match self {
            Comparison::Equal => lhs == rhs,
            Comparison::NotEqual => lhs != rhs,
            Comparison::Less => lhs < rhs,
            Comparison::LessEqual => lhs <= rhs,
            Comparison::Greater => lhs > rhs,
            Comparison::GreaterEqual => lhs >= rhs,
        }
    }
}
