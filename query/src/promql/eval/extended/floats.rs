//! Differences of floats between the bounds of extended windows.

use super::super::range_fn::Window;

/// A point of a series.
type Point = (i64, f64);

/// What a series has more at the end of the window than at its start; of a counter, with what resets have taken.
pub(super) fn difference(w: &Window<'_>, smoothed: bool, counter: bool) -> Option<f64> {
    let points: Vec<Point> = w.times.iter().copied().zip(w.values.iter().copied()).collect();
    let (start, end) = (w.start, w.end);
    let last_index = points.len().checked_sub(1)?;
    let before_last = &points[..last_index];
    let first = before_last
        .partition_point(|(t, _)| *t <= start)
        .saturating_sub(1);
    let last = if smoothed {
        before_last.partition_point(|(t, _)| *t < end)
    } else {
        last_index
    };
    if points[last].0 <= start || (smoothed && points[first].0 > end) {
        return None;
    }
    let left = match points[first] {
        (t, _) if smoothed && t < start => between(points[first], points[first + 1], start, counter),
        (_, v) => v,
    };
    let right = match points[last] {
        (t, _) if smoothed && last > 0 && t > end => between(points[last - 1], points[last], end, counter),
        (_, v) => v,
    };
    let mut result = right - left;
    if counter {
        let from = first + usize::from(points[first].0 <= start);
        let to = last + usize::from(points[last].0 < end);
        result += resets(left, right, points.get(from..to).unwrap_or_default());
    }
    Some(result)
}

/// The value at `time` on the line between two points. A counter that was reset between them starts again from zero.
fn between(a: Point, b: Point, time: i64, counter: bool) -> f64 {
    let from = if counter && b.1 < a.1 { 0.0 } else { a.1 };
    from + (b.1 - from) * time.saturating_sub(a.0) as f64 / b.0.saturating_sub(a.0) as f64
}

fn resets(left: f64, right: f64, points: &[Point]) -> f64 {
    let (mut previous, mut correction) = (left, 0.0);
    for value in points.iter().map(|p| p.1).chain([right]) {
        if value < previous {
            correction += previous;
        }
        previous = value;
    }
    correction
}
