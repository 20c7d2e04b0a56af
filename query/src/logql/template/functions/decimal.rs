//! Arithmetic of decimal fractions, as far as their digits go; floating point beyond.

/// Decimal places of a quotient.
const PLACES: u32 = 16;

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Sub,
    Mul,
    Div,
}

/// `digits / 10^scale`.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    digits: i128,
    scale: i32,
}

impl Decimal {
    /// The shortest fraction that is read as this number; none where it is too large or too small.
    fn of(number: f64) -> Option<Decimal> {
        let text = format!("{number:e}");
        let (mantissa, power) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        let scale = i32::try_from(fraction).ok()? - power.parse::<i32>().ok()?;
        let whole = |digits: i128| digits.checked_mul(power_of_ten(-scale)?);
        match scale < 0 {
            true => Some(Decimal {
                digits: whole(digits)?,
                scale: 0,
            }),
            false => Some(Decimal { digits, scale }),
        }
    }

    fn float(self) -> f64 {
        format!("{}e{}", self.digits, -self.scale)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The same number with more decimal places.
    fn scaled(self, scale: i32) -> Option<i128> {
        self.digits.checked_mul(power_of_ten(scale - self.scale)?)
    }
}

fn power_of_ten(power: i32) -> Option<i128> {
    10i128.checked_pow(u32::try_from(power).ok()?)
}

fn exact(op: Op, a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale.max(b.scale);
    let digits = match op {
        Op::Add => a.scaled(scale)?.checked_add(b.scaled(scale)?)?,
        Op::Sub => a.scaled(scale)?.checked_sub(b.scaled(scale)?)?,
        Op::Mul => {
            return Some(Decimal {
                digits: a.digits.checked_mul(b.digits)?,
                scale: a.scale + b.scale,
            });
        }
        Op::Div => {
            let dividend = a.scaled(scale)?.checked_mul(10i128.pow(PLACES))?;
            let divisor = b.scaled(scale)?;
            let (quotient, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
            let is_up = rest.checked_mul(2)?.abs() >= divisor.abs();
            let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
            return Some(Decimal {
                digits: if is_up { quotient + away } else { quotient },
                scale: PLACES as i32,
            });
        }
    };
    Some(Decimal { digits, scale })
}

/// A number, and others one after the other.
pub(super) fn fold(op: Op, first: f64, others: impl Iterator<Item = f64>) -> Result<f64, String> {
    let mut result = first;
    for other in others {
        if !result.is_finite() || !other.is_finite() {
            return Err(format!(
                "Cannot create a Decimal from {}",
                crate::number::format_go(other)
            ));
        }
        if op == Op::Div && other == 0.0 {
            return Err("decimal division by 0".to_owned());
        }
        let decimals = Decimal::of(result).zip(Decimal::of(other));
        let exact = decimals.and_then(|(a, b)| exact(op, a, b));
        result = exact.map_or_else(|| rough(op, result, other), Decimal::float);
    }
    Ok(result)
}

fn rough(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
    }
}
