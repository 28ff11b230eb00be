//! The rows of a file as spreadsheets write it: fields between commas, semicolons or tabs, lines that end in any way,
//! and empty rows.

use crate::domain::values::text::trimmed;
use csv::{Position, Reader, ReaderBuilder, StringRecord};

/// What separates fields. Of those that fit a header equally well, the first does.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// The row that is put after the last, to see whether the last is closed.
const END: &str = "end";

/// A row that is not empty.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Row {
    /// The number of its first line, as an editor shows it.
    pub(super) line: u64,
    /// The number of its last line, if a field goes on after a line break.
    pub(super) broken_until: Option<u64>,
    /// Its fields, without white space and what has no ink around them.
    pub(super) fields: Vec<String>,
}

/// A quote is opened and never closed.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("the row that begins on line {line} has a quote that is not closed")]
pub(super) struct QuoteOpen {
    /// The number of the first line of its row.
    pub(super) line: u64,
}

/// The rows that are not empty. The first of them is the header; of what could separate its fields, what makes the most
/// columns of it does.
///
/// # Errors
/// A quote is opened and never closed, and so everything after it would be one field.
pub(super) fn rows(text: &str, is_column: impl Fn(&str) -> bool) -> Result<Vec<Row>, QuoteOpen> {
    let announced = announced(text);
    let separator = announced.unwrap_or_else(|| {
        let columns = |separator: &u8| {
            let mut records = records(text, *separator).map(|(_, record)| fields(&record));
            let header = records.find(|fields| !is_empty(fields));
            let names = header.unwrap_or_default();
            names.iter().filter(|name| is_column(name)).count()
        };
        // Of equals, `max_by_key` takes the last.
        let fitting = SEPARATORS.into_iter().rev().max_by_key(columns);
        fitting.unwrap_or(SEPARATORS[0])
    });
    let ended = format!("{text}\n{END}");
    let mut lines = Lines::of(&ended);
    let mut rows = Vec::new();
    let mut last = (0, 1);
    for (at, record) in records(&ended, separator) {
        last = lines.starts(at);
        let fields = fields(&record);
        if is_empty(&fields) {
            continue;
        }
        let (_, line) = last;
        rows.push(Row {
            line,
            broken_until: broken_until(&record, line),
            fields,
        });
    }
    let (start, line) = last;
    if start != text.len() + 1 {
        return Err(QuoteOpen { line });
    }
    rows.pop();
    let announcement = usize::from(announced.is_some());
    Ok(rows.into_iter().skip(announcement).collect())
}

/// The separator that the first line announces, as `sep=;` does to Excel.
fn announced(text: &str) -> Option<u8> {
    let first = text.split(['\r', '\n']).next()?;
    let unquoted = first
        .strip_prefix('"')
        .and_then(|first| first.strip_suffix('"'));
    let separator = unquoted.unwrap_or(first).strip_prefix("sep=")?;
    SEPARATORS
        .into_iter()
        .find(|known| separator.as_bytes() == [*known])
}

/// The records of a text, each with the byte at which the one before it ended.
fn records(text: &str, separator: u8) -> impl Iterator<Item = (usize, StringRecord)> {
    let reader: Reader<&[u8]> = ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    // Nothing of a text cannot be read.
    let records = reader.into_records().map_while(Result::ok);
    records.map(|record| {
        let at = record.position().map_or(0, Position::byte);
        (usize::try_from(at).unwrap_or(usize::MAX), record)
    })
}

fn fields(record: &StringRecord) -> Vec<String> {
    record
        .iter()
        .map(|field| trimmed(field).to_owned())
        .collect()
}

fn is_empty(fields: &[String]) -> bool {
    fields.iter().all(String::is_empty)
}

/// The last line of a record that begins on this one, if a field goes on after a line break. White space alone does
/// not: it may end a cell.
fn broken_until(record: &StringRecord, line: u64) -> Option<u64> {
    let goes_on = |field: &str| line_ends(field.trim_end()) > 0;
    let passed: u64 = record.iter().map(line_ends).sum();
    record.iter().any(goes_on).then_some(line + passed)
}

/// How many lines end in a text: at CRLF, LF or CR.
fn line_ends(text: &str) -> u64 {
    let ends = text.matches(['\r', '\n']).count() - text.matches("\r\n").count();
    u64::try_from(ends).unwrap_or(u64::MAX)
}

/// Counts the lines of a text. The reader's own count knows only LF, and is one short where lines end in CRLF.
struct Lines<'a> {
    text: &'a str,
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            counted: 0,
            line: 1,
        }
    }

    /// The byte at which the record begins that comes after `at`, and the number of its line. Must be called for the
    /// records in order.
    fn starts(&mut self, at: usize) -> (usize, u64) {
        let rest = self.text.get(at..).unwrap_or_default();
        // The reader passes over blank lines.
        let start = at + rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.counted..start).unwrap_or_default();
        self.line += line_ends(passed);
        self.counted = start;
        (start, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_column(name: &str) -> bool {
        ["id", "name", "note"].contains(&name)
    }

    /// Each row's line and fields.
    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>, u64> {
        let rows = rows(text, is_column).map_err(|open| open.line)?;
        Ok(rows.into_iter().map(|row| (row.line, row.fields)).collect())
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (line, fields.iter().map(|&field| field.to_owned()).collect())
    }

    #[test]
    fn fields_are_separated_as_the_header_has_it() {
        for text in [
            "id,name\n1,Kim\n",
            "id;name\n1;Kim\n",
            "id\tname\n1\tKim\n",
            "\"id\";\"name\"\n1;Kim",
            "sep=;\nid;name\n1;Kim\n",
            "\"sep=\t\"\r\nid\tname\r\n1\tKim\r\n",
            "\r\n\r\nid;name\r\n1;Kim\r\n",
            ";;\r\n;;\r\nid;name\r\n;;\r\n1;Kim\r\n\r\n;;\r\n",
            " \r\n\u{a0};\u{200b}\rid;name\r1;Kim\r",
        ] {
            let rows = read(text).unwrap().into_iter().map(|(_, fields)| fields);
            let rows: Vec<_> = rows.collect();
            assert_eq!(rows, [["id", "name"], ["1", "Kim"]], "{text:?}");
        }
        let quoted = "id,\"name\"\r1,\"Kim; Ann\"\r";
        let expected = [row(1, &["id", "name"]), row(2, &["1", "Kim; Ann"])];
        assert_eq!(read(quoted), Ok(expected.to_vec()));
        let of_one_column = "sep=;\nname\nKim, Ann\n";
        let expected = [row(2, &["name"]), row(3, &["Kim, Ann"])];
        assert_eq!(read(of_one_column), Ok(expected.to_vec()));
        let padded = "id;name;;\r\n1;Kim;;\r\n";
        let expected = [
            row(1, &["id", "name", "", ""]),
            row(2, &["1", "Kim", "", ""]),
        ];
        assert_eq!(read(padded), Ok(expected.to_vec()));
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["id,name", "1,Kim", "", ",", "2,\"Lee", "Ann\"", "3,Zoe", ""].join(end);
            let rows = rows(&text, is_column).unwrap();
            let lines: Vec<_> = rows
                .iter()
                .map(|row| (row.line, row.broken_until))
                .collect();
            let expected = [(1, None), (2, None), (5, Some(6)), (7, None)];
            assert_eq!(lines, expected, "{end:?}");
        }
        let mixed = "id,name\r1,Kim\r\n2,Lee\n\r3,Zoe\n\n4,Ann";
        let lines: Vec<_> = read(mixed)
            .unwrap()
            .into_iter()
            .map(|(line, _)| line)
            .collect();
        assert_eq!(lines, [1, 2, 3, 5, 7]);
    }

    #[test]
    fn a_quote_that_is_not_closed_swallows_nothing() {
        for (text, expected) in [
            ("id,name\n1,\"Kim\n2,Lee\n", Err(2)),
            ("id,name\r1,Kim\r2,\"Lee", Err(3)),
            ("id,name\r\n1,\"\"\"Kim\r\n", Err(2)),
            ("id,\"name\n1,Kim\n", Err(1)),
            ("id,name\n1,\"a\"\n2,\"b\"\n3,\"", Err(4)),
            ("\"sep=;\nid;name\n1;Kim\n", Err(1)),
            ("id,name\n1,Kim\"\n", Ok(2)),
            ("id,name\n1,\"Kim\"\"\"\n", Ok(2)),
            ("id,name\n1,\"\"", Ok(2)),
            ("id,name\n1,end\n", Ok(2)),
        ] {
            assert_eq!(read(text).map(|rows| rows.len()), expected, "{text:?}");
        }
        // Two quotes on different lines are one field, which says over how many lines it goes.
        let rows = rows("id,note\n1,\"\n2,\n3,\"\n4,\n", is_column).unwrap();
        let lines: Vec<_> = rows
            .iter()
            .map(|row| (row.line, row.broken_until))
            .collect();
        assert_eq!(lines, [(1, None), (2, Some(4)), (5, None)]);
    }

    proptest! {
        #[test]
        fn a_line_is_where_an_editor_has_it(
            lines in proptest::collection::vec(("[a-z,;\t ]{0,6}", "\n|\r\n|\r"), 0..12)
        ) {
            // A CR before an LF would be one end of a line.
            let ends = lines.iter().map(|(text, end)| if text.is_empty() { "\n" } else { end.as_str() });
            let ends: Vec<_> = ends.collect();
            let lone = |place: usize| ends[place] == "\r" && ends.get(place + 1) == Some(&"\n")
                && lines[place + 1].0.is_empty();
            let ends = (0..ends.len()).map(|place| if lone(place) { "\n" } else { ends[place] });
            let parts = lines.iter().zip(ends);
            let text: String = parts.flat_map(|((text, _), end)| [text.as_str(), end]).collect();
            let has_ink = |text: &str| text.contains(|c: char| c.is_ascii_lowercase());
            let numbered = (1..).zip(&lines);
            let expected: Vec<u64> = numbered.filter(|(_, (text, _))| has_ink(text)).map(|(line, _)| line).collect();
            // With another separator than that of the header a row of separators is not empty.
            let found: Vec<u64> = read(&text).unwrap().into_iter()
                .filter(|(_, fields)| fields.iter().any(|field| has_ink(field)))
                .map(|(line, _)| line)
                .collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s)[a-z,;\t\r\n\" =é]{0,40}|.{0,40}") {
            let _ = read(&text);
            let _ = read(&format!("sep=;{text}"));
        }
    }
}
