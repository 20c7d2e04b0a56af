//! Dates as texts: RFC 3339 in UTC, with `T` or a space, with a fraction of a fixed number of digits after a point or a comma,
//! and with or without `Z`. They are kept as their distance from the entry's time.

use super::numbers::put_digits;

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// `T` or a space.
    between: u8,
    /// `.` or `,`; 0 without a fraction.
    point: u8,
    /// Digits of the fraction.
    digits: u8,
    /// Ends with `Z`.
    zulu: bool,
}

impl Style {
    /// Length of a date written so.
    fn len(self) -> usize {
        19 + if self.digits > 0 {
            1 + usize::from(self.digits)
        } else {
            0
        } + usize::from(self.zulu)
    }

    pub(super) fn to_bytes(self) -> [u8; 4] {
        [self.between, self.point, self.digits, self.zulu.into()]
    }

    pub(super) fn from_bytes(bytes: [u8; 4]) -> Option<Style> {
        let style = Style {
            between: bytes[0],
            point: bytes[1],
            digits: bytes[2],
            zulu: bytes[3] == 1,
        };
        (style.digits <= 9 && bytes[3] <= 1).then_some(style)
    }

    /// The style of a text, if it is a date.
    pub(super) fn of(text: &[u8]) -> Option<Style> {
        let zulu = text.last() == Some(&b'Z');
        let body = text.len() - usize::from(zulu);
        if !(19..=29).contains(&body) || body == 20 {
            return None;
        }
        let style = Style {
            between: text[10],
            point: if body > 19 { text[19] } else { 0 },
            digits: body.saturating_sub(20) as u8,
            zulu,
        };
        let plausible = matches!(style.between, b'T' | b' ') && matches!(style.point, 0 | b'.' | b',');
        (plausible && style.parse(text).is_some()).then_some(style)
    }

    /// Nanoseconds since 1970 of a text of this style; none when it would be printed otherwise.
    pub(super) fn parse(self, text: &[u8]) -> Option<i64> {
        if text.len() != self.len() || text[10] != self.between || (self.zulu && text.last() != Some(&b'Z')) {
            return None;
        }
        let fixed = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        if fixed.iter().any(|(at, b)| text[*at] != *b) || (self.digits > 0 && text[19] != self.point) {
            return None;
        }
        let number = |from: usize, to: usize| {
            text[from..to].iter().try_fold(0i64, |n, d| {
                d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0'))
            })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let in_range = (1700..2260).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_of(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !in_range {
            return None;
        }
        let digits = usize::from(self.digits);
        let fraction = number(20.min(text.len()), 20.min(text.len()) + digits).unwrap_or(-1);
        if fraction < 0 {
            return None;
        }
        let seconds = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        seconds
            .checked_mul(1_000_000_000)?
            .checked_add(fraction * 10i64.pow(9 - u32::from(self.digits)))
    }

    /// Appends a time that [`Style::parse`] read.
    pub(super) fn put(self, time: i64, out: &mut Vec<u8>) {
        let (seconds, nanos) = (time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000));
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let mut put = |n: i64, width: usize, behind: u8| {
            put_digits(n.unsigned_abs(), width, out);
            if behind != 0 {
                out.push(behind);
            }
        };
        put(year, 4, b'-');
        put(month, 2, b'-');
        put(day, 2, self.between);
        put(of_day / 3600, 2, b':');
        put(of_day / 60 % 60, 2, b':');
        put(of_day % 60, 2, 0);
        if self.digits > 0 {
            out.push(self.point);
            let fraction = nanos.unsigned_abs() / 10u64.pow(9 - u32::from(self.digits));
            put_digits(fraction, self.digits.into(), out);
        }
        if self.zulu {
            out.push(b'Z');
        }
    }

    /// Nanoseconds of the last digit.
    pub(super) fn resolution(self) -> i64 {
        10i64.pow(9 - u32::from(self.digits))
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in 400-year eras that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
