//! Scripts of our own for functions and rules that the recorded scripts leave out.

use super::assert_passes;

#[test]
fn info_adds_the_labels_of_info_series() {
    assert_passes(
        r#"
load 5m
  metric{instance="a", job="1", kind="k"} 0 1 2
  unmatched{instance="a", job="2"} 0 1 2
  overlapping{instance="a", job="1", data="own"} 0 1 2
  target_info{instance="a", job="1", data="info", more="yes"} 1 1 1
  build_info{instance="a", job="1", build="b"} 1 1 1

eval range from 0 to 10m step 5m info(metric)
  metric{instance="a", job="1", kind="k", data="info", more="yes"} 0 1 2

eval range from 0 to 10m step 5m info(metric, {data=~".+"})
  metric{instance="a", job="1", kind="k", data="info"} 0 1 2

eval range from 0 to 10m step 5m info(unmatched)
  unmatched{instance="a", job="2"} 0 1 2

eval range from 0 to 10m step 5m info(metric, {missing=~".+"})

eval range from 0 to 10m step 5m info(metric, {data=~".+", missing=~".*"})
  metric{instance="a", job="1", kind="k", data="info"} 0 1 2

eval range from 0 to 10m step 5m info(overlapping)
  overlapping{instance="a", job="1", data="own", more="yes"} 0 1 2

eval range from 0 to 10m step 5m info(metric, {__name__="build_info"})
  metric{instance="a", job="1", kind="k", build="b"} 0 1 2

eval range from 0 to 10m step 5m info(metric, {__name__=~".+_info"})
  metric{instance="a", job="1", kind="k", build="b", data="info", more="yes"} 0 1 2

eval range from 0 to 10m step 5m info(metric, {__name__="none"})
  metric{instance="a", job="1", kind="k"} 0 1 2

eval range from 0 to 10m step 5m info(build_info, {__name__=~".+_info", build=~".+"})
  build_info{instance="a", job="1", build="b"} 1 1 1

clear

load 5m
  metric{instance="a", job="1"} 0 1 2
  target_info{instance="a", job="1", data="old"} 1 1 _
  target_info{instance="a", job="1", data="new"} _ _ 1

eval range from 0 to 10m step 5m info(metric)
  metric{instance="a", job="1", data="old"} 0 1 _
  metric{instance="a", job="1", data="new"} _ _ 2
"#,
    );
}

#[test]
fn limits_pick_elements() {
    assert_passes(
        r#"
load 5m
  m{i="0", g="x"} 1x4
  m{i="1", g="x"} 2x4
  m{i="2", g="x"} 3x4
  m{i="3", g="y"} 4x4

eval range from 0 to 10m step 5m count(limitk(2, m) and m)
  {} 2 2 2

eval instant at 5m count by (g) (limitk by (g) (2, m))
  {g="x"} 2
  {g="y"} 1

eval instant at 5m limitk(0, m)

eval instant at 5m limitk(-3, m)

eval instant at 5m count(limit_ratio(0.4, m) or limit_ratio(-0.6, m))
  {} 4

eval instant at 5m limit_ratio(0.4, m) and limit_ratio(-0.6, m)

eval instant at 5m count(limit_ratio(1.5, m))
  expect warn msg: PromQL warning: ratio value should be between -1 and 1, got 1.5, capping to 1 (1:19)
  {} 4

eval instant at 5m count(limit_ratio(-1, m))
  {} 4
"#,
    );
}

#[test]
fn names_are_dropped_at_the_end_when_removal_is_delayed() {
    assert_passes(
        r#"
load 5m
  one_total{env="1"} 0 60 120
  two_total{env="1"} 60 120 180

eval instant at 10m one_total
  one_total{env="1"} 120

eval instant at 10m -one_total
  {env="1"} -120

eval instant at 10m one_total + two_total
  {env="1"} 300

eval instant at 10m one_total <= two_total
  one_total{env="1"} 120

eval instant at 10m one_total <= bool two_total
  {env="1"} 1

eval instant at 10m one_total * 2
  {env="1"} 240

eval instant at 10m last_over_time(one_total[10m])
  one_total{env="1"} 120

eval instant at 10m max_over_time(one_total[10m])
  {env="1"} 120

eval instant at 10m label_replace(rate({env="1"}[10m]), "my_name", "rate_$1", "__name__", "(.+)")
  {my_name="rate_one_total", env="1"} 0.2
  {my_name="rate_two_total", env="1"} 0.2

eval instant at 10m label_replace(rate({env="1"}[10m]), "__name__", "rate_$1", "__name__", "(.+)")
  rate_one_total{env="1"} 0.2
  rate_two_total{env="1"} 0.2

eval instant at 10m label_join(rate({env="1"}[10m]), "__name__", "_", "__name__", "env")
  one_total_1{env="1"} 0.2
  two_total_1{env="1"} 0.2

eval instant at 10m sum by (__name__, env) (one_total)
  one_total{env="1"} 120

eval instant at 10m sum by (__name__) (rate({env="1"}[10m]))
  expect fail

eval instant at 10m sum by (env) (rate({env="1"}[10m]))
  {env="1"} 0.4

eval instant at 10m topk(10, sum by (__name__, env) (rate(one_total[10m])))
  {env="1"} 0.2

eval instant at 10m rate({env="1"}[10m])
  expect fail msg: vector cannot contain metrics with the same labelset
"#,
    );
}

#[test]
fn subqueries_lie_on_absolute_multiples_of_their_step() {
    assert_passes(
        r#"
load 10s
  m 1 2 3

eval instant at 10s sum_over_time(m[50s:10s])
  {} 3

eval instant at 10s sum_over_time(m[50s:5s])
  {} 4

eval range from 20s to 40s step 10s sum_over_time(m[20s:10s] offset 10s)
  {} 3 5 6

eval instant at 23s count_over_time(m[15s:7s])
  {} 2

eval instant at 2m sum_over_time(m[2m:])
  {} 6

eval instant at 20s m[15s:10s]
  expect range vector from 10s to 20s step 10s
  m 2 3

eval instant at 20s max_over_time(rate(m[20s])[20s:10s])
  {} 0.1
"#,
    );
}

#[test]
fn quantiles_that_change_with_the_step_have_a_series_each() {
    assert_passes(
        r#"
load 1m
  h_bucket{le="1"} 1 1
  h_bucket{le="+Inf"} 2 2

eval range from 0 to 1s step 1s histogram_quantiles(h_bucket, "q", time() / 2)
  {q="0.0"} 0 _
  {q="0.5"} _ 1
"#,
    );
}
