//! Fields of a line by their names as they are written: dotted paths into JSON, or names of pairs. Not for labels.

use std::borrow::Cow;

use super::json::text_of;
use super::logfmt;
use super::object::{self, Type};

/// Objects and arrays in each other that are looked into.
const DEPTH_MAX: usize = 64;

/// Finds fields of a line: `found` has a place for each name of `names`, and those that have a value already are left alone.
/// In a line of JSON `a.b` is the field `b` of `a` or the field `a.b`, whichever comes first, and `a.0` the first element of
/// `a`; elsewhere the first pair `name=value` counts. What is `null` is not there.
pub(crate) fn look_up<'l>(line: &'l str, names: &[&str], found: &mut [Option<Cow<'l, str>>]) {
    let open: Vec<(usize, &str)> = names
        .iter()
        .copied()
        .enumerate()
        .filter(|(at, _)| found[*at].is_none())
        .collect();
    if open.is_empty() {
        return;
    }
    match line.as_bytes().iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => inside(line, Type::Object, &open, found, 0),
        Some(b'[') => inside(line, Type::Array, &open, found, 0),
        _ => pairs(line, open, found),
    }
}

fn pairs<'l>(line: &'l str, mut open: Vec<(usize, &str)>, found: &mut [Option<Cow<'l, str>>]) {
    if memchr::memchr(b'=', line.as_bytes()).is_none() {
        return;
    }
    logfmt::pairs(line, &mut |key, value| {
        open.retain(|(at, name)| {
            let is_it = *name == key;
            if is_it {
                found[*at] = Some(value.clone());
            }
            !is_it
        });
        !open.is_empty()
    });
}

/// Looks into an object or an array for what is left of the names.
fn inside<'l>(
    text: &'l str,
    kind: Type,
    open: &[(usize, &str)],
    found: &mut [Option<Cow<'l, str>>],
    depth: usize,
) {
    if depth > DEPTH_MAX {
        return;
    }
    let mut missing = open.len();
    let mut take = |key: &str, value: &'l str, kind: Type| {
        let mut below: Vec<(usize, &str)> = Vec::new();
        for (at, name) in open {
            let Some(rest) = name.strip_prefix(key).filter(|_| found[*at].is_none()) else {
                continue;
            };
            match rest.strip_prefix('.') {
                _ if rest.is_empty() => {
                    found[*at] = text_of_type(value, kind);
                    missing -= usize::from(found[*at].is_some());
                }
                Some(rest) => below.push((*at, rest)),
                None => {}
            }
        }
        if !below.is_empty() && matches!(kind, Type::Object | Type::Array) {
            inside(value, kind, &below, found, depth + 1);
            missing -= below.iter().filter(|(at, _)| found[*at].is_some()).count();
        }
        missing > 0
    };
    // What is wrong with the rest of a line does not take away what stands before it.
    if kind == Type::Array {
        let mut n = 0;
        let _ = object::elements(text, &mut |value, kind| {
            n += 1;
            take(&(n - 1).to_string(), value, kind)
        });
    } else {
        let _ = object::fields(text, &mut |key, value, kind| match take(key, value, kind) {
            true => Ok(()),
            false => Err(()),
        });
    }
}

fn text_of_type(value: &str, kind: Type) -> Option<Cow<'_, str>> {
    match kind {
        Type::Null => None,
        Type::Text => Some(text_of(value)),
        _ => Some(Cow::Borrowed(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str, names: &[&str]) -> Vec<Option<String>> {
        let mut found = vec![None; names.len()];
        look_up(line, names, &mut found);
        found
            .into_iter()
            .map(|value| value.map(Cow::into_owned))
            .collect()
    }

    #[test]
    fn paths_lead_into_objects_and_arrays_and_dots_may_be_in_keys() {
        let line = r#"{"a":{"b":1,"c.d":"x\u00e9"},"a.e":true,"l":[{"id":7},[2,3]],"n":null,"o":{}}"#;
        let names = [
            "a.b", "a.c.d", "a.e", "l.0.id", "l.1.1", "l.2", "n", "o", "a.b.c", "missing",
        ];
        let expected = [
            Some("1"),
            Some("x\u{e9}"),
            Some("true"),
            Some("7"),
            Some("3"),
            None,
            None,
            Some("{}"),
            None,
            None,
        ];
        assert_eq!(found(line, &names), expected.map(|v| v.map(str::to_owned)));
    }

    #[test]
    fn lines_of_pairs_have_fields_too_and_broken_ones_what_stands_before() {
        let names = ["level", "took", "a"];
        let some = |v: &str| Some(v.to_owned());
        assert_eq!(
            found(r#"level=info took="1 s" took=2"#, &names),
            [some("info"), some("1 s"), None]
        );
        assert_eq!(found(r#"{"a":1,"level":"#, &names), [None, None, some("1")]);
        assert_eq!(found("no pairs", &names), [None, None, None]);
        assert_eq!(found(r#"[{"a":1}]"#, &["0.a"]), [some("1")]);
    }
}
