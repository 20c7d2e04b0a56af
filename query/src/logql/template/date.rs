//! Times by Go's layouts: the reference time is `Mon Jan 2 15:04:05 MST 2006`.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

/// Go's zero time, 0001-01-01T00:00:00Z, as near as nanoseconds since 1970 come to it.
pub(super) const ZERO: i64 = i64::MIN;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'l> {
    Text(&'l str),
    LongMonth,
    Month,
    MonthNumber(bool),
    LongWeekday,
    Weekday,
    Day(bool),
    PaddedDay,
    DayOfYear,
    Hour24,
    Hour12(bool),
    Minute(bool),
    Second(bool),
    Year,
    ShortYear,
    Noon(bool),
    /// Digits, whether zeros at the end go away, and the sign before them.
    Fraction(usize, bool, char),
    ZoneName,
    /// `Z` for UTC; a colon; hours only.
    Zone {
        zulu: bool,
        colon: bool,
        hours: bool,
    },
}

const FIXED: &[(&str, Part<'static>)] = &[
    ("January", Part::LongMonth),
    ("Jan", Part::Month),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::Weekday),
    ("MST", Part::ZoneName),
    ("2006", Part::Year),
    (
        "Z07:00",
        Part::Zone {
            zulu: true,
            colon: true,
            hours: false,
        },
    ),
    (
        "Z0700",
        Part::Zone {
            zulu: true,
            colon: false,
            hours: false,
        },
    ),
    (
        "Z07",
        Part::Zone {
            zulu: true,
            colon: false,
            hours: true,
        },
    ),
    (
        "-07:00",
        Part::Zone {
            zulu: false,
            colon: true,
            hours: false,
        },
    ),
    (
        "-0700",
        Part::Zone {
            zulu: false,
            colon: false,
            hours: false,
        },
    ),
    (
        "-07",
        Part::Zone {
            zulu: false,
            colon: false,
            hours: true,
        },
    ),
    ("002", Part::DayOfYear),
    ("01", Part::MonthNumber(true)),
    ("02", Part::Day(true)),
    ("03", Part::Hour12(true)),
    ("04", Part::Minute(true)),
    ("05", Part::Second(true)),
    ("06", Part::ShortYear),
    ("15", Part::Hour24),
    ("PM", Part::Noon(true)),
    ("pm", Part::Noon(false)),
    ("_2006", Part::Text("_")),
    ("_2", Part::PaddedDay),
    ("1", Part::MonthNumber(false)),
    ("2", Part::Day(false)),
    ("3", Part::Hour12(false)),
    ("4", Part::Minute(false)),
    ("5", Part::Second(false)),
];

fn parts(layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut at, mut text_from) = (0, 0);
    while at < layout.len() {
        let rest = &layout[at..];
        let found = fraction(rest).or_else(|| {
            let (text, part) = FIXED.iter().find(|(text, _)| rest.starts_with(text))?;
            Some((if *text == "_2006" { 1 } else { text.len() }, *part))
        });
        let Some((len, part)) = found else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if text_from < at {
            parts.push(Part::Text(&layout[text_from..at]));
        }
        parts.push(part);
        at += len;
        text_from = at;
    }
    if text_from < layout.len() {
        parts.push(Part::Text(&layout[text_from..]));
    }
    parts
}

/// `.000`, `,999` and the like, which no digit follows.
fn fraction(rest: &str) -> Option<(usize, Part<'static>)> {
    let sign = rest.chars().next().filter(|c| matches!(c, '.' | ','))?;
    let digit = rest[1..].chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let count = rest[1..].chars().take_while(|c| *c == digit).count();
    let ends = !rest[1 + count..].starts_with(|c: char| c.is_ascii_digit());
    (ends && count <= 9).then_some((1 + count, Part::Fraction(count, digit == '9', sign)))
}

fn zone_of(name: &str) -> TimeZone {
    match name {
        "" | "UTC" | "Local" => TimeZone::UTC,
        _ => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

/// A time, in nanoseconds since 1970, by a layout and in a zone; UTC when the zone is not known.
pub(super) fn format(time: i64, zone: &str, layout: &str) -> String {
    let Ok(timestamp) = Timestamp::from_nanosecond(time.into()) else {
        return String::new();
    };
    let zoned = timestamp.to_zoned(zone_of(zone));
    let mut out = String::new();
    for part in parts(layout) {
        put(part, &zoned, &mut out);
    }
    out
}

fn put(part: Part<'_>, zoned: &jiff::Zoned, out: &mut String) {
    let hour12 = match zoned.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let padded = |n: i8, pad: bool| if pad { format!("{n:02}") } else { n.to_string() };
    let text = match part {
        Part::Text(text) => text.to_owned(),
        Part::LongMonth => MONTHS[zoned.month() as usize - 1].to_owned(),
        Part::Month => MONTHS[zoned.month() as usize - 1][..3].to_owned(),
        Part::MonthNumber(pad) => padded(zoned.month(), pad),
        Part::LongWeekday => DAYS[zoned.weekday().to_sunday_zero_offset() as usize].to_owned(),
        Part::Weekday => DAYS[zoned.weekday().to_sunday_zero_offset() as usize][..3].to_owned(),
        Part::Day(pad) => padded(zoned.day(), pad),
        Part::PaddedDay => format!("{:2}", zoned.day()),
        Part::DayOfYear => format!("{:03}", zoned.day_of_year()),
        Part::Hour24 => padded(zoned.hour(), true),
        Part::Hour12(pad) => padded(hour12, pad),
        Part::Minute(pad) => padded(zoned.minute(), pad),
        Part::Second(pad) => padded(zoned.second(), pad),
        Part::Year => format!("{:04}", zoned.year()),
        Part::ShortYear => format!("{:02}", zoned.year() % 100),
        Part::Noon(upper) => match (zoned.hour() >= 12, upper) {
            (true, true) => "PM".to_owned(),
            (true, false) => "pm".to_owned(),
            (false, true) => "AM".to_owned(),
            (false, false) => "am".to_owned(),
        },
        Part::Fraction(digits, trims, sign) => fraction_text(zoned.subsec_nanosecond(), digits, trims, sign),
        Part::ZoneName => zone_name(zoned),
        Part::Zone { zulu, colon, hours } => offset_text(zoned.offset(), zulu, colon, hours),
    };
    out.push_str(&text);
}

fn fraction_text(nanos: i32, digits: usize, trims: bool, sign: char) -> String {
    let all = format!("{nanos:09}");
    let kept = if trims {
        all[..digits].trim_end_matches('0')
    } else {
        &all[..digits]
    };
    if kept.is_empty() {
        String::new()
    } else {
        format!("{sign}{kept}")
    }
}

fn zone_name(zoned: &jiff::Zoned) -> String {
    let info = zoned.time_zone().to_offset_info(zoned.timestamp());
    info.abbreviation().to_owned()
}

fn offset_text(offset: Offset, zulu: bool, colon: bool, hours: bool) -> String {
    let seconds = offset.seconds();
    if zulu && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    match (hours, colon) {
        (true, _) => format!("{sign}{:02}", minutes / 60),
        (_, true) => format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        _ => format!("{sign}{:02}{:02}", minutes / 60, minutes % 60),
    }
}

/// What has been read of a text.
#[derive(Debug, Clone, Copy)]
struct Fields {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    noon: Option<bool>,
    offset: Option<i32>,
}

/// Nanoseconds since 1970 of a text that is written by a layout; in a zone unless it says its own.
pub(super) fn parse(layout: &str, text: &str, zone: &str) -> Option<i64> {
    let mut fields = Fields {
        year: 0,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        nanos: 0,
        noon: None,
        offset: None,
    };
    let mut rest = text;
    for part in parts(layout) {
        take(part, &mut rest, &mut fields)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let hour = match fields.noon {
        Some(true) if fields.hour < 12 => fields.hour + 12,
        Some(false) if fields.hour == 12 => 0,
        _ => fields.hour,
    };
    let date = Date::new(fields.year, fields.month, fields.day).ok()?;
    let time = Time::new(hour, fields.minute, fields.second, fields.nanos).ok()?;
    let zone = match fields.offset {
        Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).ok()?),
        None => zone_of(zone),
    };
    let nanos = date
        .to_datetime(time)
        .to_zoned(zone)
        .ok()?
        .timestamp()
        .as_nanosecond();
    i64::try_from(nanos).ok()
}

fn take(part: Part<'_>, rest: &mut &str, fields: &mut Fields) -> Option<()> {
    let mut number = |least: usize, most: usize| {
        let len = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if len < least {
            return None;
        }
        let (digits, behind) = rest.split_at(len);
        *rest = behind;
        digits.parse::<i32>().ok()
    };
    let width = |pad: bool| if pad { 2 } else { 1 };
    match part {
        Part::Text(text) => *rest = rest.strip_prefix(text)?,
        Part::Year => fields.year = number(4, 4)? as i16,
        Part::ShortYear => {
            let year = number(2, 2)? as i16;
            fields.year = if year >= 69 { 1900 + year } else { 2000 + year };
        }
        Part::MonthNumber(pad) => fields.month = number(width(pad), 2)? as i8,
        Part::Day(pad) => fields.day = number(width(pad), 2)? as i8,
        Part::PaddedDay => {
            *rest = rest.strip_prefix(' ').unwrap_or(rest);
            let len = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
            fields.day = rest[..len].parse().ok()?;
            *rest = &rest[len..];
        }
        Part::DayOfYear => {
            number(3, 3)?;
        }
        Part::Hour24 => fields.hour = number(2, 2)? as i8,
        Part::Hour12(pad) => fields.hour = number(width(pad), 2)? as i8,
        Part::Minute(pad) => fields.minute = number(width(pad), 2)? as i8,
        Part::Second(pad) => {
            fields.second = number(width(pad), 2)? as i8;
            // A fraction that the layout does not name may follow.
            if let Some(behind) = rest
                .strip_prefix('.')
                .filter(|b| b.starts_with(|c: char| c.is_ascii_digit()))
            {
                let len = behind.bytes().take_while(u8::is_ascii_digit).count();
                fields.nanos = nanos_of(&behind[..len])?;
                *rest = &behind[len..];
            }
        }
        Part::Fraction(_, _, sign) => {
            if let Some(behind) = rest.strip_prefix(sign) {
                let len = behind.bytes().take_while(u8::is_ascii_digit).count();
                fields.nanos = nanos_of(&behind[..len])?;
                *rest = &behind[len..];
            }
        }
        Part::LongMonth => fields.month = name(rest, &MONTHS, usize::MAX)? as i8 + 1,
        Part::Month => fields.month = name(rest, &MONTHS, 3)? as i8 + 1,
        Part::LongWeekday => drop(name(rest, &DAYS, usize::MAX)?),
        Part::Weekday => drop(name(rest, &DAYS, 3)?),
        Part::Noon(_) => {
            let word = rest.get(..2)?.to_ascii_uppercase();
            fields.noon = Some(matches!(word.as_str(), "PM"));
            *rest = &rest[2..];
        }
        Part::ZoneName => {
            let len = rest.bytes().take_while(u8::is_ascii_uppercase).count();
            if matches!(&rest[..len], "UTC" | "GMT") {
                fields.offset = Some(0);
            }
            *rest = &rest[len..];
        }
        Part::Zone { zulu, colon, hours } => fields.offset = Some(offset(rest, zulu, colon, hours)?),
    }
    Some(())
}

fn nanos_of(digits: &str) -> Option<i32> {
    let kept = &digits[..digits.len().min(9)];
    let n: i32 = kept.parse().ok()?;
    Some(n * 10i32.pow(9 - kept.len() as u32))
}

fn name(rest: &mut &str, names: &[&str], len: usize) -> Option<usize> {
    let cut = |name: &'_ str| name[..len.min(name.len())].to_ascii_lowercase();
    let lower = rest.to_ascii_lowercase();
    let found = names.iter().position(|name| lower.starts_with(&cut(name)))?;
    *rest = &rest[len.min(names[found].len())..];
    Some(found)
}

fn offset(rest: &mut &str, zulu: bool, colon: bool, hours: bool) -> Option<i32> {
    if zulu && rest.starts_with('Z') {
        *rest = &rest[1..];
        return Some(0);
    }
    let len = match (hours, colon) {
        (true, _) => 3,
        (_, true) => 6,
        _ => 5,
    };
    let text = rest.get(..len)?;
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let n: i32 = digits.parse().ok()?;
    let (whole, minutes) = if hours { (n, 0) } else { (n / 100, n % 100) };
    *rest = &rest[len..];
    Some(sign * (whole * 3_600 + minutes * 60))
}
