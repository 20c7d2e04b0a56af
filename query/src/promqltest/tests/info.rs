//! Which labels `info` adds, and at which time it looks for them. Scripts of our own.

use super::assert_passes;

#[test]
fn info_series_are_looked_for_when_the_enriched_ones_are() {
    assert_passes(
        r#"
load 1m
  metric{instance="a", job="1"} 0 1 2 3 4 5 6
  other{instance="a", job="1"} 0 1 2 3 4 5 6
  target_info{instance="a", job="1", data="old"} 1 1 stale
  target_info{instance="a", job="1", data="new"} _ _ 1 1 1 1 1

eval instant at 0 info(metric)
  metric{instance="a", job="1", data="old"} 0

eval instant at 5m info(metric)
  metric{instance="a", job="1", data="new"} 5

eval instant at 5m info(metric @ 60)
  metric{instance="a", job="1", data="old"} 1

eval instant at 5m info(metric offset 4m)
  metric{instance="a", job="1", data="old"} 1

eval range from 0 to 4m step 2m info(metric @ 240 offset 3m)
  metric{instance="a", job="1", data="old"} 1 1 1

eval range from 0 to 4m step 2m info(metric @ end())
  metric{instance="a", job="1", data="new"} 4 4 4

eval instant at 5m info(metric @ 60 + other @ 120 offset 1m)
  {instance="a", job="1", data="old"} 2

# Times that differ: the time of the step.
eval range from 0 to 4m step 2m info(metric @ 60 + on(job, instance) other @ 120)
  {instance="a", job="1", data="old"} 3 _ _
  {instance="a", job="1", data="new"} _ 3 3

eval instant at 5m info(scalar(metric @ 60) * other)
  {instance="a", job="1", data="new"} 5

eval instant at 5m info(other * scalar(metric @ 60))
  {instance="a", job="1", data="new"} 5

eval instant at 5m info(rate(metric[1m:30s] @ 90))
  {instance="a", job="1", data="old"} 0

eval instant at 5m info(last_over_time((metric offset 2m)[1m:30s] offset 2m))
  metric{instance="a", job="1", data="old"} 1

eval range from 0 to 4m step 4m info(label_replace(vector(1), "job", "1", "", "") or metric @ 60)
  {job="1"} 1 1
  metric{instance="a", job="1", data="old"} 1 _
  metric{instance="a", job="1", data="new"} _ 1
"#,
    );
}

#[test]
fn conditions_on_labels_choose_what_is_added() {
    assert_passes(
        r#"
load 1m
  h{instance="a", job="1"} {{schema:1 sum:3 count:22 buckets:[5 10 7]}}x2
  m{instance="a", job="1"} 1x2
  b{instance="a", job="2"} 1x2
  only_job{job="1"} 1x2
  none{x="y"} 1x2
  target_info{instance="a", job="1", data="info", v="1"} 1x2
  a_info{instance="a", job="1", data="other", v="1"} 1x2

eval range from 0m to 1m step 1m info(h{job="1"})
  h{instance="a", job="1", data="info", v="1"} {{schema:1 sum:3 count:22 buckets:[5 10 7]}}x1

eval instant at 0 info(m, {__name__=~".*_info", data=~".+"})
  expect fail msg: conflicting label: data

eval instant at 0 info(m, {__name__=~".*_info", v=~".+"})
  m{instance="a", job="1", v="1"} 1

eval instant at 0 info(only_job)
  only_job{job="1"} 1

eval instant at 0 info(none)
  none{x="y"} 1

eval instant at 0 info(none, {data=~".+"})

eval instant at 0 info(m, {data="nope"})

eval instant at 0 info(m, {data!="nope"})
  m{instance="a", job="1", data="info"} 1

eval instant at 0 info(m, {data!="info"})
  m{instance="a", job="1"} 1

eval instant at 0 info(m, {data=""})
  m{instance="a", job="1"} 1

eval instant at 0 info(m, {__name__=~".*_info", __name__!="a_info"})
  m{instance="a", job="1", data="info", v="1"} 1
"#,
    );
}
