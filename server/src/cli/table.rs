//! Rows under a header: as plain text for terminals, columns padded to their widest cell, and as JSON.

use serde_json::Value;

/// Lays out rows under a header.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let lines: Vec<String> = std::iter::once(&header)
        .chain(rows)
        .map(|row| line(row, &widths))
        .collect();
    lines.join("\n")
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (i, cell) in row.iter().enumerate() {
        out.push_str(cell);
        if i + 1 < row.len() {
            let pad = widths
                .get(i)
                .copied()
                .unwrap_or(0)
                .saturating_sub(cell.chars().count());
            out.extend(std::iter::repeat_n(' ', pad + 2));
        }
    }
    out
}

/// The rows as JSON objects, the header's cells as keys.
pub(crate) fn rows_as_json(header: &[&str], rows: &[Vec<String>]) -> Vec<Value> {
    let object = |row: &Vec<String>| {
        let cells = row.iter().map(|cell| Value::from(cell.as_str()));
        header.iter().map(|name| (*name).to_owned()).zip(cells).collect()
    };
    rows.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    //! Layout of tables.

    #[test]
    fn columns_are_padded() {
        let rows = vec![
            vec!["1".to_owned(), "abc".to_owned()],
            vec!["1000".to_owned(), "d".to_owned()],
        ];
        assert_eq!(
            super::table(&["id", "name"], &rows),
            "id    name\n1     abc\n1000  d"
        );
    }
}
