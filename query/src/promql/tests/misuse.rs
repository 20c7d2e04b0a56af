//! Queries that break the rules of types and modifiers, and the messages that Prometheus has for them.

use super::super::*;

/// Query and message, with everything switched on.
const MESSAGES: &[(&str, &str)] = &[
    ("1+", "1:3: parse error: unexpected end of input"),
    (".", "1:1: parse error: unexpected character: '.'"),
    ("1 /", "1:4: parse error: unexpected end of input"),
    ("*1", "1:1: parse error: unexpected <op:*>"),
    ("(1))", "1:4: parse error: unexpected right parenthesis ')'"),
    (
        "1 and 1",
        "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
    ),
    (
        "1 == 1",
        "1:3: parse error: comparisons between scalars must use BOOL modifier",
    ),
    ("1 !~ 1", "1:3: parse error: unexpected character after '!': '~'"),
    ("1 =~ 1", "1:3: parse error: unexpected <op:=~>"),
    (
        "-\"string\"",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
    ),
    (
        "-test[5m]",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"range vector\"",
    ),
    ("*test", "1:1: parse error: unexpected <op:*>"),
    (
        "1 offset 1d",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ),
    (
        "a - on(b) ignoring(c) d",
        "1:11: parse error: unexpected <ignoring>",
    ),
    (
        "foo and 1",
        "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
    ),
    (
        "1 and foo",
        "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
    ),
    (
        "foo or 1",
        "1:1: parse error: set operator \"or\" not allowed in binary scalar expression",
    ),
    (
        "1 or on(bar) foo",
        "1:1: parse error: vector matching only allowed between instant vectors",
    ),
    (
        "foo == on(bar) 10",
        "1:1: parse error: vector matching only allowed between instant vectors",
    ),
    (
        "foo > on(bar) group_left(baz) 10",
        "1:1: parse error: vector matching only allowed between instant vectors",
    ),
    (
        "foo + group_left(baz) bar",
        "1:7: parse error: unexpected <group_left>",
    ),
    (
        "foo and on(bar) group_left(baz) bar",
        "1:1: parse error: no grouping allowed for \"and\" operation",
    ),
    (
        "http_requests{group=\"production\"} + on(instance) group_left(job,instance) cpu_count{type=\"smp\"}",
        "1:35: parse error: label \"instance\" must not occur in ON and GROUP clause at once",
    ),
    (
        "foo + bool bar",
        "1:5: parse error: bool modifier can only be used on comparison operators",
    ),
    (
        "foo and bool 10",
        "1:5: parse error: bool modifier can only be used on comparison operators",
    ),
    ("{", "1:2: parse error: unexpected end of input inside braces"),
    ("}", "1:1: parse error: unexpected character: '}'"),
    ("some{", "1:6: parse error: unexpected end of input inside braces"),
    ("some}", "1:5: parse error: unexpected character: '}'"),
    (
        "some_metric{a=b}",
        "1:15: parse error: unexpected identifier \"b\" in label matching, expected string",
    ),
    (
        "some_metric{a:b=\"b\"}",
        "1:14: parse error: unexpected character inside braces: ':'",
    ),
    (
        "foo{a*\"b\"}",
        "1:6: parse error: unexpected character inside braces: '*'",
    ),
    (
        "foo{a>=\"b\"}",
        "1:6: parse error: unexpected character inside braces: '>'",
    ),
    (
        "foo{gibberish}",
        "1:14: parse error: unexpected \"}\" in label matching, expected label matching operator",
    ),
    (
        "foo{1}",
        "1:5: parse error: unexpected character inside braces: '1'",
    ),
    (
        "{}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "{x=\"\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "{x=~\".*\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "{x!~\".+\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "{x!=\"a\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ),
    (
        "foo{__name__=\"bar\"}",
        "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\"",
    ),
    (
        "foo{__name__=\"bar\",__name__=\"baz\"}",
        "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\"",
    ),
    (
        "test[5d] OFFSET 1s [10m:5s]",
        "1:1: parse error: subquery is only allowed on instant vector, got matrix instead",
    ),
    ("foo[0m]", "1:5: parse error: duration must be greater than 0"),
    (
        "foo[\"5m\"]",
        "1:5: parse error: unexpected character in duration expression: '\"'",
    ),
    (
        "foo[]",
        "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()",
    ),
    ("foo[-1]", "1:5: parse error: duration must be greater than 0"),
    (
        "some_metric[5m] OFFSET",
        "1:23: parse error: unexpected end of input in offset, expected number, duration, step(), or range()",
    ),
    (
        "some_metric OFFSET 1m[5m]",
        "1:22: parse error: no offset modifiers allowed before range",
    ),
    (
        "some_metric[5m] @",
        "1:18: parse error: unexpected end of input in @, expected timestamp",
    ),
    (
        "some_metric @ 1234 [5m]",
        "1:20: parse error: no @ modifiers allowed before range",
    ),
    (
        "(foo + bar)[5m]",
        "1:12: parse error: ranges only allowed for vector selectors",
    ),
    (
        "sum by () (some_metric) by (test)",
        "1:25: parse error: unexpected <by>",
    ),
    (
        "MIN keep_common (some_metric)",
        "1:5: parse error: unexpected identifier \"keep_common\"",
    ),
    (
        "MIN (some_metric) keep_common",
        "1:19: parse error: unexpected identifier \"keep_common\"",
    ),
    (
        "sum (some_metric) without (test) by (test)",
        "1:34: parse error: unexpected <by>",
    ),
    (
        "sum without (test) (some_metric) by (test)",
        "1:34: parse error: unexpected <by>",
    ),
    (
        "topk(some_metric)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
    ),
    (
        "topk(some_metric,)",
        "1:17: parse error: trailing commas not allowed in function call args",
    ),
    (
        "topk(some_metric, other_metric)",
        "1:6: parse error: expected type scalar in aggregation parameter, got instant vector",
    ),
    (
        "count_values(5, other_metric)",
        "1:14: parse error: expected type string in aggregation parameter, got scalar",
    ),
    (
        "rate(some_metric[5m]) @ 1234",
        "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ),
    (
        "rate(some_metric)",
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
    ),
    (
        "floor()",
        "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0",
    ),
    (
        "floor(some_metric, other_metric)",
        "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 2",
    ),
    (
        "floor(1)",
        "1:7: parse error: expected type instant vector in call to function \"floor\", got scalar",
    ),
    (
        "hour(some_metric, some_metric, some_metric)",
        "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 3",
    ),
    (
        "time(some_metric)",
        "1:1: parse error: expected 0 argument(s) in call to \"time\", got 1",
    ),
    (
        "label_join()",
        "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 0",
    ),
    (
        "non_existent_function_far_bar()",
        "1:1: parse error: unknown function with name \"non_existent_function_far_bar\"",
    ),
    (
        "rate(some_metric[5m], )",
        "1:21: parse error: trailing commas not allowed in function call args",
    ),
    ("-=", "1:2: parse error: unexpected \"=\""),
    ("++-++-+-+-<", "1:11: parse error: unexpected <op:<>"),
    ("e-+=/(0)", "1:4: parse error: unexpected \"=\""),
    ("a>b()", "1:3: parse error: unknown function with name \"b\""),
    (
        "rate(avg)",
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
    ),
    ("sum)", "1:4: parse error: unexpected right parenthesis ')'"),
    (
        "sum[",
        "1:5: parse error: unexpected end of input in duration expression",
    ),
    ("up and", "1:7: parse error: unexpected end of input"),
    (
        "foo{a=\"b\"",
        "1:10: parse error: unexpected end of input inside braces",
    ),
    (
        "foo{,}",
        "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\"",
    ),
    (
        "foo{a=\"b\",,}",
        "1:11: parse error: unexpected \",\" in label matching, expected identifier or \"}\"",
    ),
    (
        "foo{\"bar\"}",
        "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\"",
    ),
    (
        "absent_over_time(sum(foo))",
        "1:18: parse error: expected type range vector in call to function \"absent_over_time\", got instant vector",
    ),
    (
        "quantile_over_time(foo, bar)",
        "1:20: parse error: expected type scalar in call to function \"quantile_over_time\", got instant vector",
    ),
    (
        "foo[1+]",
        "1:7: parse error: unexpected \"]\" in subquery or range selector, expected number, duration, step(), or range()",
    ),
    (
        "foo[(1]",
        "1:7: parse error: unexpected \"]\" in subquery or range selector, expected \")\"",
    ),
    ("foo[5m:0s]", "1:8: parse error: duration must be greater than 0"),
    (
        "sum by (foo:bar) (x)",
        "1:9: parse error: unexpected metric identifier \"foo:bar\" in grouping opts, expected label",
    ),
    (
        "sum by (1) (x)",
        "1:9: parse error: unexpected number \"1\" in grouping opts, expected label",
    ),
    (
        "sum by (\"a\" \"b\") (x)",
        "1:13: parse error: unexpected string \"\\\"b\\\"\" in grouping opts, expected \",\" or \")\"",
    ),
    (
        "a + on(1) b",
        "1:8: parse error: unexpected number \"1\" in grouping opts, expected label",
    ),
    (
        "a + on b",
        "1:8: parse error: unexpected identifier \"b\" in grouping opts, expected \"(\"",
    ),
    (
        "a + on(x) fill(x) b",
        "1:16: parse error: unexpected identifier \"x\" in fill modifier, expected number",
    ),
    (
        "info(foo, bar)",
        "1:11: parse error: expected label selectors only, got vector selector instead",
    ),
    (
        "info(foo, {a=\"b\"}, c)",
        "1:1: parse error: expected at most 2 argument(s) in call to \"info\", got 3",
    ),
    (
        "info(foo, 1)",
        "1:1: parse error: expected type instant vector in call to function \"info\", got scalar",
    ),
    (
        "info(foo, sum({a=\"b\"}))",
        "1:11: parse error: expected label selectors only",
    ),
    (
        "histogram_quantiles(foo, \"q\")",
        "1:1: parse error: expected at least 3 argument(s) in call to \"histogram_quantiles\", got 2",
    ),
    (
        "histogram_quantiles(foo, \"q\", 1,1,1,1,1,1,1,1,1,1,1)",
        "1:1: parse error: expected at most 12 argument(s) in call to \"histogram_quantiles\", got 13",
    ),
    (
        "x anchored smoothed",
        "1:1: parse error: anchored and smoothed modifiers cannot be used together",
    ),
    (
        "sum(x) anchored",
        "1:1: parse error: anchored modifier not implemented",
    ),
    (
        "x[5m:1m] smoothed",
        "1:1: parse error: smoothed modifier is not supported for subqueries",
    ),
    (
        "1 anchored",
        "1:1: parse error: anchored modifier not implemented",
    ),
    (
        "foo @ start",
        "1:12: parse error: unexpected end of input in @, expected timestamp",
    ),
    (
        "foo @ start(1)",
        "1:13: parse error: unexpected number \"1\" in @, expected timestamp",
    ),
    (
        "foo @ NaN",
        "1:1: parse error: timestamp out of bounds for @ modifier: NaN",
    ),
    (
        "foo @ Inf",
        "1:1: parse error: timestamp out of bounds for @ modifier: +Inf",
    ),
    (
        "foo @ -1e30",
        "1:1: parse error: timestamp out of bounds for @ modifier: -1e+30",
    ),
    (
        "1 @ 2",
        "1:1: parse error: @ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ),
    (
        "\"a\" offset 1m",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ),
    (
        "\"a\" + 1",
        "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "1 + \"a\"",
        "1:5: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "sum(\"a\")",
        "1:5: parse error: expected type instant vector in aggregation expression, got string",
    ),
    (
        "-(\"a\")",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
    ),
    (
        "foo[5m] + 1",
        "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "foo[5m] and bar",
        "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ),
    (
        "abs(foo[5m])",
        "1:5: parse error: expected type instant vector in call to function \"abs\", got range vector",
    ),
    (
        "abs(\"x\")",
        "1:5: parse error: expected type instant vector in call to function \"abs\", got string",
    ),
    (
        "rate(foo[5m:1m][5m:1m])",
        "1:6: parse error: subquery is only allowed on instant vector, got matrix instead",
    ),
    (
        "\"a\"[5m:1m]",
        "1:1: parse error: subquery is only allowed on instant vector, got string instead",
    ),
    (
        "1[5m:1m]",
        "1:1: parse error: subquery is only allowed on instant vector, got scalar instead",
    ),
    (
        "foo[5m][5m:1m]",
        "1:1: parse error: subquery is only allowed on instant vector, got matrix instead",
    ),
    (
        "round(foo, \"x\")",
        "1:12: parse error: expected type scalar in call to function \"round\", got string",
    ),
    (
        "label_replace(foo, bar, \"a\", \"b\", \"c\")",
        "1:20: parse error: expected type string in call to function \"label_replace\", got instant vector",
    ),
    (
        "vector(foo)",
        "1:8: parse error: expected type scalar in call to function \"vector\", got instant vector",
    ),
    (
        "1 </ bool 2",
        "1:3: parse error: bool modifier can only be used on comparison operators",
    ),
    (
        "foo </ bool 2",
        "1:5: parse error: bool modifier can only be used on comparison operators",
    ),
    ("foo on bar", "1:5: parse error: unexpected <on>"),
    ("foo by (a)", "1:5: parse error: unexpected <by>"),
    (
        "sum by (a) foo",
        "1:12: parse error: unexpected identifier \"foo\" in aggregation",
    ),
    (
        "sum(foo) by a",
        "1:13: parse error: unexpected identifier \"a\" in grouping opts, expected \"(\"",
    ),
    ("a;b", "1:2: parse error: unexpected character: ';'"),
    ("a&b", "1:2: parse error: unexpected character: '&'"),
    ("a!b", "1:2: parse error: unexpected character after '!': 'b'"),
    ("a=b", "1:2: parse error: unexpected \"=\""),
    (
        "a!",
        "1:2: parse error: unexpected character after '!': '\u{fffd}'",
    ),
    (
        "!",
        "1:1: parse error: unexpected character after '!': '\u{fffd}'",
    ),
    ("~", "1:1: parse error: unexpected character: '~'"),
    (
        "foo\n+\nbar[",
        "3:5: parse error: unexpected end of input in duration expression",
    ),
];

#[test]
fn every_broken_query_has_the_message_of_prometheus() {
    for (text, message) in MESSAGES {
        let error = parse(text, &ParseOptions::ALL).expect_err(text);
        assert_eq!(error.to_string(), *message, "{text}");
    }
}
