//! The order of values.

use super::*;

#[test]
fn values_are_ordered_by_type_and_value_and_equal_to_themselves_only() {
    let pair = |n: i64| Value::KvList(vec![(Arc::from("k"), Value::Int(n))].into());
    let ascending = [
        Value::Empty,
        Value::String("a".into()),
        Value::String("b".into()),
        Value::Bool(false),
        Value::Bool(true),
        Value::Int(-1),
        Value::Int(2),
        Value::Double(-0.0),
        Value::Double(0.0),
        Value::Bytes(vec![1].into()),
        Value::Array(vec![Value::Int(1)].into()),
        Value::Array(vec![Value::Int(2)].into()),
        pair(1),
        pair(2),
    ];
    for (n, value) in ascending.iter().enumerate() {
        for (m, other) in ascending.iter().enumerate() {
            assert_eq!(value.order(other), n.cmp(&m), "{value:?} {other:?}");
        }
    }
}
