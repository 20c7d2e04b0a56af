//! Templates as Go runs them, function by function, and what is wrong with those that do not parse.

use super::*;

fn render(template: &str) -> Result<String, String> {
    let parsed = Template::parse("line", template)?;
    let labels = [
        ("method", "get"),
        ("status", "200"),
        ("took", "1.5s"),
        ("size", "2 kB"),
        ("empty", ""),
        ("path", "/a/b c"),
        ("json", r#"{"user":{"name":"ann","tags":["x","y"]},"n":3}"#),
        ("ts", "1700000000"),
    ];
    let label = |name: &str| labels.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    let all = || {
        labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let context = Context {
        label: &label,
        labels: &all,
        line: "the Line",
        time: 1_700_000_000_123_456_789,
        now: 0,
    };
    let mut out = String::new();
    parsed.run(&mut out, &context)?;
    Ok(out)
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (template, wanted) in cases {
        assert_eq!(render(template).as_deref(), Ok(*wanted), "{template}");
    }
}

#[test]
fn actions_print_choose_and_repeat() {
    check(&[
        ("a{{.method}}b", "agetb"),
        ("{{ .absent }}|{{ .empty }}", "|"),
        ("x {{- .method -}} y", "xgety"),
        ("{{/* nothing */}}{{ `raw` }}{{ \"q\\t\" }}", "rawq\t"),
        ("{{ if eq .status \"200\" }}ok{{ else }}bad{{ end }}", "ok"),
        ("{{ if .empty }}a{{ else if .method }}b{{ else }}c{{ end }}", "b"),
        (
            "{{ with .method }}[{{ . }}]{{ end }}{{ with .empty }}no{{ else }}none{{ end }}",
            "[get]none",
        ),
        ("{{ $m := .method }}{{ $m | ToUpper }}{{ $.status }}", "GET200"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        (
            "{{ range $i, $t := (fromJson .json).user.tags }}{{ $i }}={{ $t }};{{ end }}",
            "0=x;1=y;",
        ),
        (
            "{{ range (fromJson .json).user.tags }}{{ if eq . \"y\" }}{{ break }}{{ end }}{{ . }}{{ else }}none{{ end }}",
            "x",
        ),
        (
            "{{ (fromJson .json).n }} {{ (fromJson .json).absent }}",
            "3 <no value>",
        ),
        (
            "{{ and .method .status }}{{ or .empty \"d\" }}{{ not .empty }}",
            "200dtrue",
        ),
    ]);
}

#[test]
fn functions_do_what_those_of_loki_do() {
    check(&[
        ("{{ __line__ | lower }} {{ __line__ | len }}", "the line 8"),
        (
            "{{ contains \"Line\" __line__ }}{{ __line__ | hasPrefix \"the\" }}{{ hasSuffix \"x\" __line__ }}",
            "truetruefalse",
        ),
        (
            "{{ Replace \"aaa\" \"a\" \"b\" 2 }}{{ replace \"a\" \"b\" \"aaa\" }}",
            "bbabbb",
        ),
        (
            "{{ Trim \"xxaxx\" \"x\" }}{{ TrimLeft \"xxa\" \"x\" }}{{ TrimRight \"axx\" \"x\" }}{{ trimAll \"$\" \"$5\" }}",
            "aaa5",
        ),
        (
            "{{ TrimPrefix \"abc\" \"a\" }}{{ TrimSuffix \"abc\" \"c\" }}{{ TrimSpace \" a \" }}{{ trimPrefix \"a\" \"ab\" }}",
            "bcabab",
        ),
        (
            "{{ regexReplaceAll \"(a)(b)\" \"ab-ab\" \"${2}${1}\" }} {{ regexReplaceAllLiteral \"a+\" \"aab\" \"$1\" }}",
            "ba-ba $1b",
        ),
        ("{{ count \"a|b\" \"abcab\" }}", "4"),
        (
            "{{ urlencode .path }} {{ urldecode \"%2Fa+b\" }}",
            "%2Fa%2Fb+c /a b",
        ),
        ("{{ b64enc \"hi\" }} {{ b64dec \"aGk=\" }}", "aGk= hi"),
        (
            "{{ trunc 2 \"abc\" }}{{ trunc -2 \"abc\" }}{{ substr 1 2 \"abc\" }}{{ title \"two words\" }}",
            "abbcbTwo Words",
        ),
        (
            "[{{ alignLeft 5 \"abc\" }}][{{ alignRight 5 \"abc\" }}][{{ alignRight 2 \"abc\" }}]",
            "[abc  ][  abc][bc]",
        ),
        (
            "{{ indent 2 \"a\\nb\" }}{{ nindent 1 \"c\" }}{{ repeat 3 \"x\" }}",
            "  a\n  b\n cxxx",
        ),
        (
            "{{ default \"d\" .empty }}{{ default \"d\" .method }}{{ .empty | default \"e\" }}",
            "dgete",
        ),
    ]);
}

#[test]
fn numbers_and_quantities() {
    check(&[
        (
            "{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 3 }}",
            "6 3 6 3 1",
        ),
        (
            "{{ addf 1.5 2 }} {{ subf 1 0.5 }} {{ mulf 1.5 2 }} {{ divf 1 4 }}",
            "3.5 0.5 3 0.25",
        ),
        (
            "{{ max 1 3 2 }} {{ min 3 1 }} {{ maxf 1.5 2 }} {{ ceil 1.2 }} {{ floor -1.2 }} {{ round 1.256 2 }}",
            "3 1 2 2 -2 1.26",
        ),
        (
            "{{ int \"42\" }} {{ float64 \"1.5\" }} {{ .status | int | add 1 }}",
            "42 1.5 201",
        ),
        (
            "{{ duration .took }} {{ duration_seconds \"2m\" }} {{ bytes .size }}",
            "1.5 120 2000",
        ),
        (
            "{{ printf \"%s=%5d|%-4s|%05.2f|%q|%x|%v|%t|%3d%%\" .method 42 \"a\" 3.14159 \"q\" 255 1.5 true 7 }}",
            "get=   42|a   |03.14|\"q\"|ff|1.5|true|  7%",
        ),
        (
            "{{ printf \"%d\" \"x\" }}{{ printf \"%s\" }}",
            "%!d(string=x)%!s(MISSING)",
        ),
        (
            "{{ lt 1 2 }}{{ ge 2 2 }}{{ ne \"a\" \"b\" }}{{ index (fromJson .json).user.tags 1 }}",
            "truetruetruey",
        ),
    ]);
}

#[test]
fn times_are_written_by_layouts() {
    check(&[
        (
            "{{ __timestamp__ | date \"2006-01-02T15:04:05.000Z07:00\" }}",
            "2023-11-14T22:13:20.123Z",
        ),
        (
            "{{ date \"Mon, 2 Jan 06 3:4:5 pm .999 MST -0700 002\" (unixToTime .ts) }}",
            "Tue, 14 Nov 23 10:13:20 pm  UTC +0000 318",
        ),
        (
            "{{ __timestamp__ | unixEpoch }} {{ __timestamp__ | unixEpochMillis }} {{ __timestamp__ | unixEpochNanos }}",
            "1700000000 1700000000123 1700000000123456789",
        ),
        (
            "{{ toDate \"2006-01-02 15:04\" \"2024-02-29 10:30\" | unixEpoch }}",
            "1709202600",
        ),
        (
            "{{ toDateInZone \"2006-01-02 15:04\" \"Europe/Berlin\" \"2024-07-01 12:00\" | date \"15:04 MST -07:00\" }}",
            "12:00 CEST +02:00",
        ),
        (
            "{{ toDate \"Jan _2 2006 03:04:05.000 PM -0700\" \"Mar  5 2024 01:02:03.500 PM +0100\" | unixEpochMillis }}",
            "1709640123500",
        ),
    ]);
}

#[test]
fn what_is_wrong_is_told_as_go_does() {
    for (template, message) in [
        ("{{", "template: line:1: unclosed action"),
        ("a\n{{ if .x }}", "template: line:2: unexpected EOF"),
        ("{{ end }}", "template: line:1: unexpected {{end}}"),
        (
            "{{ nosuch .x }}",
            "template: line:1: function \"nosuch\" not defined",
        ),
        ("{{ $x }}", "template: line:1: undefined variable \"$x\""),
        ("{{ (.x }}", "template: line:1: unclosed left paren"),
        ("{{ }}", "template: line:1: missing value for command"),
        ("{{ \"a }}", "template: line:1: unterminated quoted string"),
        ("{{ break }}", "template: line:1: {{break}} outside {{range}}"),
    ] {
        assert_eq!(
            Template::parse("line", template).unwrap_err(),
            message,
            "{template}"
        );
    }
    assert_eq!(
        render("{{ div 1 0 }}").unwrap_err(),
        "error calling div: runtime error: integer divide by zero"
    );
    assert!(render("{{ repeat 99999999 \"x\" }}").is_err());
    assert!(render("{{ .method.x }}").is_err());
}

#[test]
fn labels_that_a_template_takes_are_known_unless_it_takes_all() {
    let labels = |template| Template::parse("line", template).map(|t| t.labels().map(|l| l.join(",")));
    assert_eq!(
        labels("{{ .a }}{{ if .b }}{{ .c | lower }}{{ end }}{{ $.d }}"),
        Ok(Some("a,b,c,d".to_owned()))
    );
    assert_eq!(labels("{{ . }}"), Ok(None));
}

proptest::proptest! {
    #[test]
    fn no_template_panics(template in "(\\{\\{|\\}\\}|[-.|()$:= \"`a-z0-9%]|printf|range|if|end|else|index|slice|substr|trunc){0,24}") {
        drop(render(&template));
    }
}
