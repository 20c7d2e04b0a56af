//! Expressions: precedence, functions and what they take. From loose to tight: `or`, `and`, `not`, comparisons, sums, products,
//! powers, signs.

use super::super::ast::{Aggregator, BinaryOp, Expr, Function, Likeness};
use super::super::lexer::{Token, period};
use super::super::value::compile_regex;
use super::{DEPTH_MAX, Parsed, Parser, is_keyword};

impl Parser<'_> {
    /// Reads one level deeper.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            let what = format!("the query is nested deeper than {DEPTH_MAX} levels");
            return Err((self.start, what));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(|p| p.chain("or", Self::and, Expr::Or))
    }

    fn and(&mut self) -> Parsed<Expr> {
        self.chain("and", Self::not, Expr::And)
    }

    fn chain(
        &mut self,
        word: &str,
        operand: impl Fn(&mut Self) -> Parsed<Expr>,
        of: impl Fn(Vec<Expr>) -> Expr,
    ) -> Parsed<Expr> {
        let first = operand(self)?;
        let mut all = vec![first];
        while self.eat_word(word)? {
            all.push(operand(self)?);
        }
        Ok(match all.len() {
            1 => all.remove(0),
            _ => of(all),
        })
    }

    fn not(&mut self) -> Parsed<Expr> {
        if self.eat_word("not")? {
            return Ok(Expr::Not(Box::new(self.deeper(Self::not)?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let lhs = self.sum()?;
        if self.eat_word("not")? {
            return match &self.token {
                Token::Word(word) if ["like", "in"].iter().any(|w| word.eq_ignore_ascii_case(w)) => {
                    let inner = self.test(lhs)?;
                    Ok(Expr::Not(Box::new(inner)))
                }
                _ => self.wanted("`like` or `in`"),
            };
        }
        self.test(lhs)
    }

    /// What stands behind a value: a comparison, `like`, `in`, or nothing.
    fn test(&mut self, lhs: Expr) -> Parsed<Expr> {
        let expr = Box::new(lhs);
        if self.token == Token::Matches || self.eat_word("like")? {
            if self.token == Token::Matches {
                self.advance()?;
            }
            let like = self.likeness()?;
            return Ok(Expr::Like { expr, like });
        }
        if self.eat_word("in")? {
            self.expect(&Token::OpenList, "`[`")?;
            let list = self.list(Self::sum)?;
            self.expect(&Token::CloseList, "`]`")?;
            return Ok(Expr::In { expr, list });
        }
        match self.token {
            Token::Op(op) if is_comparison(op) => {
                self.advance()?;
                let rhs = Box::new(self.sum()?);
                Ok(Expr::Binary { op, lhs: expr, rhs })
            }
            _ => Ok(*expr),
        }
    }

    fn likeness(&mut self) -> Parsed<Likeness> {
        if self.token == Token::Op(BinaryOp::Div) {
            let start = self.start;
            let pattern = self.regex()?;
            compile_regex(&pattern).map_err(|what| (start, what))?;
            return Ok(Likeness::Regex(pattern));
        }
        let Token::Text(text) = &self.token else {
            return self.wanted("a text in quotes or an expression in slashes");
        };
        let text = text.clone();
        self.advance()?;
        Ok(Likeness::Text(text))
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.operators(&[BinaryOp::Add, BinaryOp::Sub], Self::product)
    }

    fn product(&mut self) -> Parsed<Expr> {
        self.operators(&[BinaryOp::Mul, BinaryOp::Div, BinaryOp::Mod], Self::power)
    }

    /// A chain from left to right; each link is a level of the tree.
    fn operators(&mut self, ops: &[BinaryOp], operand: impl Fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let (mut all, depth) = (operand(self)?, self.depth);
        loop {
            let op = match self.token {
                Token::Op(op) if ops.contains(&op) => op,
                _ => break,
            };
            self.advance()?;
            let rhs = self.deeper(&operand)?;
            self.depth += 1;
            all = Expr::Binary {
                op,
                lhs: Box::new(all),
                rhs: Box::new(rhs),
            };
        }
        self.depth = depth;
        Ok(all)
    }

    fn power(&mut self) -> Parsed<Expr> {
        let lhs = self.signed()?;
        if !self.eat(&Token::Op(BinaryOp::Pow))? {
            return Ok(lhs);
        }
        Ok(Expr::Binary {
            op: BinaryOp::Pow,
            lhs: Box::new(lhs),
            rhs: Box::new(self.deeper(Self::power)?),
        })
    }

    fn signed(&mut self) -> Parsed<Expr> {
        if self.eat(&Token::Op(BinaryOp::Sub))? {
            return Ok(Expr::Negate(Box::new(self.deeper(Self::signed)?)));
        }
        self.atom()
    }

    fn atom(&mut self) -> Parsed<Expr> {
        let start = self.start;
        match self.token.clone() {
            Token::Number(number) => self.literal(Expr::Number(number)),
            Token::Period(text, nanos) => self.literal(Expr::Period(text, nanos)),
            Token::Text(text) => self.literal(Expr::Text(text)),
            Token::Quoted(name) => self.literal(Expr::Name(name)),
            Token::Open => {
                self.advance()?;
                let inner = self.expr()?;
                self.expect(&Token::Close, "`)`")?;
                Ok(inner)
            }
            Token::Word(word) => {
                let truth = ["false", "true"]
                    .iter()
                    .position(|w| word.eq_ignore_ascii_case(w));
                if let Some(truth) = truth {
                    return self.literal(Expr::Bool(truth == 1));
                }
                if is_keyword(&word) {
                    return self.wanted("a value");
                }
                self.advance()?;
                match self.token == Token::Open {
                    true => self.call(&word, start),
                    false => Ok(Expr::Name(word)),
                }
            }
            _ => self.wanted("a value"),
        }
    }

    fn literal(&mut self, expr: Expr) -> Parsed<Expr> {
        self.advance()?;
        Ok(expr)
    }

    fn call(&mut self, word: &str, start: usize) -> Parsed<Expr> {
        if let Some(op) = Aggregator::of(word) {
            return self.aggregate(op, start);
        }
        let Some(function) = Function::of(word) else {
            return Err((start, format!("there is no function `{word}`")));
        };
        self.advance()?;
        let args = self.arguments(function.period())?;
        within(function.text(), function.arity(), &args, start)?;
        if let Some(place) = function.period()
            && !matches!(args.get(place), Some(Expr::Period(..)))
        {
            let what = format!("`{}` takes a length of time such as 5m", function.text());
            return Err((start, what));
        }
        Ok(Expr::Call(function, args))
    }

    fn aggregate(&mut self, op: Aggregator, start: usize) -> Parsed<Expr> {
        let is_allowed = std::mem::take(&mut self.in_stats);
        self.advance()?;
        let star = op == Aggregator::Count && self.eat(&Token::Op(BinaryOp::Mul))?;
        let args = match star {
            true => {
                self.expect(&Token::Close, "`)`")?;
                Vec::new()
            }
            false => self.arguments(None)?,
        };
        self.in_stats = is_allowed;
        within(op.text(), op.arity(), &args, start)?;
        if op == Aggregator::Pct && !matches!(args[1], Expr::Number(p) if (0.0..=100.0).contains(&p)) {
            return Err((start, "`pct` takes a percentage from 0 to 100".to_owned()));
        }
        let expr = Expr::Aggregate(op, args);
        match is_allowed || self.columns.contains(&expr.to_string()) {
            true => Ok(expr),
            false => Err((start, format!("`{}` can only stand in `stats`", op.text()))),
        }
    }

    /// What stands in parentheses, of which the opening one is behind. The argument of number `period` may be a length of
    /// time in two words.
    fn arguments(&mut self, period_at: Option<usize>) -> Parsed<Vec<Expr>> {
        if self.token == Token::Open {
            self.advance()?;
        }
        let mut args = Vec::new();
        while self.token != Token::Close {
            let arg = self.expr()?;
            args.push(match (&arg, &self.token) {
                (Expr::Number(n), Token::Word(unit)) if period_at == Some(args.len()) => {
                    let (count, unit) = (crate::number::format_plain(*n), unit.to_ascii_lowercase());
                    let Some(nanos) = period(&count, &unit) else {
                        return self.wanted("a unit of time");
                    };
                    self.advance()?;
                    Expr::Period(format!("{count}{unit}"), nanos)
                }
                _ => arg,
            });
            if !self.eat(&Token::Comma)? {
                break;
            }
        }
        self.expect(&Token::Close, "`)`")?;
        Ok(args)
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

fn within(name: &str, (least, most): (usize, usize), args: &[Expr], start: usize) -> Parsed<()> {
    if (least..=most).contains(&args.len()) {
        return Ok(());
    }
    let takes = match (least, most) {
        (least, most) if least == most => format!("{least}"),
        (least, most) => format!("{least} to {most}"),
    };
    Err((
        start,
        format!("`{name}` takes {takes} arguments, not {}", args.len()),
    ))
}
