//! What is wrong with a regular expression, in the words of Go's `regexp/syntax`, whose messages reach users of Prometheus.
//! It accepts RE2's syntax only and limits counts, nesting and size as Go does. Not for matching (see the engine).

mod class;
mod flags;

/// A regular expression that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {what}: `{expression}`")]
pub struct RegexError {
    /// The kind of error.
    pub what: &'static str,
    /// The part of the expression that it is about.
    pub expression: String,
}

type Checked<T> = Result<T, RegexError>;

/// Largest count in `{n,m}`, and largest product of nested ones.
const COUNT_MAX: i64 = 1_000;
/// Deepest nesting.
const DEPTH_MAX: usize = 1_000;
/// Most instructions of a compiled expression.
const SIZE_MAX: u64 = (128 << 20) / 40;

const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_RANGE: &str = "invalid character class range";
const INVALID_COUNT: &str = "invalid repeat count";
const NO_ARGUMENT: &str = "missing argument to repetition operator";

/// Checks the syntax of an expression.
///
/// # Errors
/// The first error that Go finds.
pub fn check(pattern: &str) -> Checked<()> {
    let mut parser = Parser {
        pattern,
        at: 0,
        groups: vec![Group::default()],
    };
    parser.run()
}

/// Something that a repetition may follow.
#[derive(Clone, Copy)]
struct Item {
    /// Product of the counts nested in it.
    copies: i64,
    /// Instructions.
    size: u64,
}

/// What has been read of a group, or of the whole.
#[derive(Default)]
struct Group {
    /// The last item, unless a `|` or nothing stands before.
    last: Option<Item>,
    copies: i64,
    size: u64,
}

impl Group {
    fn push(&mut self, item: Item) {
        self.fold();
        self.last = Some(item);
    }

    fn fold(&mut self) {
        if let Some(last) = self.last.take() {
            self.copies = self.copies.max(last.copies);
            self.size = self.size.saturating_add(last.size);
        }
    }

    fn into_item(mut self) -> Item {
        self.fold();
        Item {
            copies: self.copies.max(1),
            size: self.size.saturating_add(2),
        }
    }
}

struct Parser<'p> {
    pattern: &'p str,
    at: usize,
    groups: Vec<Group>,
}

impl<'p> Parser<'p> {
    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn fail<T>(&self, what: &'static str, from: usize) -> Checked<T> {
        Err(RegexError {
            what,
            expression: self.pattern[from..self.at].to_owned(),
        })
    }

    fn fail_whole<T>(&self, what: &'static str) -> Checked<T> {
        Err(RegexError {
            what,
            expression: self.pattern.to_owned(),
        })
    }

    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group::default());
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn push(&mut self) {
        self.group().push(Item { copies: 1, size: 1 });
    }

    fn run(&mut self) -> Checked<()> {
        // Where the repetition began that ends here, if one does: two in a row are an error.
        let mut repeated = None;
        while let Some(c) = self.peek() {
            let before = repeated.take();
            match c {
                '(' => self.open()?,
                '|' => {
                    self.at += 1;
                    self.group().fold();
                }
                ')' => self.close()?,
                '[' => {
                    self.class()?;
                    self.push();
                }
                '*' | '+' | '?' => repeated = Some(self.repeat(before, None)?),
                '{' => match self.counts() {
                    Some(counts) => repeated = Some(self.repeat(before, Some(counts))?),
                    None => self.literal(),
                },
                '\\' => self.backslash()?,
                _ => self.literal(),
            }
        }
        if self.groups.len() > 1 {
            return self.fail_whole("missing closing )");
        }
        let size = self.groups.pop().map_or(0, |group| group.into_item().size);
        if size > SIZE_MAX {
            return self.fail_whole("expression too large");
        }
        Ok(())
    }

    fn literal(&mut self) {
        self.next();
        self.push();
    }

    fn open(&mut self) -> Checked<()> {
        if self.rest().starts_with("(?") {
            if !self.flags()? {
                return Ok(());
            }
        } else {
            self.at += 1;
        }
        self.groups.push(Group::default());
        if self.groups.len() > DEPTH_MAX {
            return self.fail_whole("expression nests too deeply");
        }
        Ok(())
    }

    fn close(&mut self) -> Checked<()> {
        if self.groups.len() < 2 {
            return self.fail_whole("unexpected )");
        }
        self.at += 1;
        if let Some(group) = self.groups.pop() {
            self.group().push(group.into_item());
        }
        Ok(())
    }

    /// `*`, `+`, `?` or counts that have been read up to `end`, with what makes them lazy. Answers where it begins.
    fn repeat(&mut self, before: Option<usize>, counts: Option<(i64, i64, usize)>) -> Checked<usize> {
        let from = self.at;
        self.at = counts.map_or(self.at + 1, |(_, _, end)| end);
        if let Some((min, max, _)) = counts
            && (!(0..=COUNT_MAX).contains(&min) || max > COUNT_MAX || (max >= 0 && min > max))
        {
            return self.fail(INVALID_COUNT, from);
        }
        if self.peek() == Some('?') {
            self.at += 1;
        }
        if let Some(before) = before {
            return self.fail("invalid nested repetition operator", before);
        }
        let Some(last) = &mut self.group().last else {
            return self.fail(NO_ARGUMENT, from);
        };
        last.size = last.size.saturating_add(1);
        if let Some((min, max, _)) = counts {
            let most = if max < 0 { min } else { max };
            last.copies = last.copies.saturating_mul(most.max(1));
            last.size = last.size.saturating_mul(most.max(1).unsigned_abs());
            if last.copies > COUNT_MAX && (min >= 2 || max >= 2) {
                return self.fail(INVALID_COUNT, from);
            }
        }
        Ok(from)
    }

    /// `{n}`, `{n,}` or `{n,m}` here: least and most (-1 without one) and where it ends. Numbers that are too large come as -1
    /// for the least. Anything else is no repetition but literal.
    fn counts(&self) -> Option<(i64, i64, usize)> {
        let rest = self.rest();
        let end = rest.find('}')?;
        let number = |text: &str| -> Option<i64> {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let leading_zero = text.len() > 1 && text.starts_with('0');
            (digits && !leading_zero).then(|| match text.parse::<i64>() {
                Ok(n) if n < 1_000_000_000 => n,
                _ => -1,
            })
        };
        let (min, max) = match rest[1..end].split_once(',') {
            None => {
                let n = number(&rest[1..end])?;
                (n, n)
            }
            Some((min, "")) => (number(min)?, -1),
            Some((min, max)) => match (number(min)?, number(max)?) {
                (_, -1) => (-1, -1),
                both => both,
            },
        };
        Some((min, max, self.at + end + 1))
    }

    /// A backslash outside of classes.
    fn backslash(&mut self) -> Checked<()> {
        let from = self.at;
        match self.rest()[1..].chars().next() {
            Some('A' | 'b' | 'B' | 'z' | 'd' | 'D' | 's' | 'S' | 'w' | 'W') => self.at += 2,
            Some('C') => {
                self.at += 2;
                return self.fail(INVALID_ESCAPE, from);
            }
            Some('Q') => {
                let quoted = &self.rest()[2..];
                let (len, tail) = match quoted.find("\\E") {
                    Some(len) => (len, 2),
                    None => (quoted.len(), 0),
                };
                quoted[..len].chars().for_each(|_| self.push());
                self.at += 2 + len + tail;
                return Ok(());
            }
            Some('p' | 'P') => self.unicode_class()?,
            _ => {
                self.escape()?;
            }
        }
        self.push();
        Ok(())
    }

    /// An escape that stands for one character.
    fn escape(&mut self) -> Checked<char> {
        let from = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            self.at = from;
            return self.fail("trailing backslash at end of expression", from);
        };
        let found = match c {
            '1'..='7' if !self.peek().is_some_and(|c| c.is_digit(8)) => None,
            '0'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(code)
            }
            'x' => self.hexadecimal(),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => Some(c),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        match found {
            Some(c) => Ok(c),
            None => self.fail(INVALID_ESCAPE, from),
        }
    }

    fn hexadecimal(&mut self) -> Option<char> {
        if self.next()? != '{' {
            let first = self.pattern[..self.at].chars().next_back()?.to_digit(16);
            let second = self.next()?.to_digit(16);
            return char::from_u32(first? * 16 + second?);
        }
        let (mut code, mut digits) = (0u32, 0);
        loop {
            match self.next()? {
                '}' if digits > 0 => return char::from_u32(code).or(Some('\u{fffd}')),
                c => {
                    code = code * 16 + c.to_digit(16)?;
                    digits += 1;
                }
            }
            if code > 0x10_ffff {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
