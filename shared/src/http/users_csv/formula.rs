//! Texts that a spreadsheet would run as formulas (OWASP, "CSV Injection").
//!
//! A spreadsheet cuts a file where its own language has the separator, whatever the file was written with. Where that
//! is a semicolon, `Ann;=1+1` is two cells of a file of commas, and the second is a formula. So an apostrophe stands
//! before a formula wherever a cell may begin.

use crate::domain::values::text::{half_width, has_no_ink};

/// Where some spreadsheet cuts a text into cells.
const SEPARATORS: [char; 5] = [',', ';', '\t', '\n', '\r'];

/// What a formula begins with; spreadsheets of East Asia read its full-width form as well. White space is here because
/// some programs drop it before they look.
const STARTS: [char; 7] = ['=', '+', '-', '@', '\t', '\n', '\r'];

/// The text with an apostrophe before each formula. [`restored`] undoes exactly this.
pub(in crate::http) fn protected(text: &str) -> String {
    let cells = text.split_inclusive(SEPARATORS);
    let safe = cells.map(|cell| {
        if is_formula(cell) {
            ["'", cell]
        } else {
            ["", cell]
        }
    });
    safe.flatten().collect()
}

/// The text that [`protected`] was given.
pub(super) fn restored(text: &str) -> String {
    let cells = text.split_inclusive(SEPARATORS);
    let given = cells.map(|cell| {
        let formula = cell.strip_prefix('\'').filter(|rest| is_formula(rest));
        formula.unwrap_or(cell)
    });
    given.collect()
}

/// Whether a cell is a formula, or a protected one. Protecting what already has an apostrophe is what makes it possible
/// to tell the two apart again.
fn is_formula(cell: &str) -> bool {
    let starts = |c: char| STARTS.contains(&half_width(c));
    let is_dropped = |c: char| matches!(c, '\'' | '"') || c.is_whitespace() || has_no_ink(c);
    cell.trim_start_matches(|c: char| is_dropped(c) && !starts(c))
        .starts_with(starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_formula_gets_an_apostrophe_wherever_a_cell_may_begin() {
        for (text, expected) in [
            ("Ann", "Ann"),
            ("Ann-Kim + Lee", "Ann-Kim + Lee"),
            ("+436641234567", "'+436641234567"),
            ("＝1+1", "'＝1+1"),
            ("Ann;=1+1", "Ann;'=1+1"),
            ("Ann, ＠SUM(1)", "Ann,' ＠SUM(1)"),
            ("Ann;\"=1+1", "Ann;'\"=1+1"),
            ("Ann;\u{feff}-1", "Ann;'\u{feff}-1"),
            ("a\t=b\n+c\r－d", "a\t'=b\n'+c\r'－d"),
            ("\t=1", "'\t'=1"),
            ("'=1", "''=1"),
            ("O'Neil; 'Bo'", "O'Neil; 'Bo'"),
        ] {
            assert_eq!(protected(text), expected, "{text:?}");
            assert_eq!(restored(expected), text, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_protected_is_restored(text in "(?s)[-=+@＝＋－＠,;\t\r\n'\" \u{a0}\u{200b}a]{0,12}|.{0,30}") {
            let safe = protected(&text);
            prop_assert_eq!(restored(&safe), text);
            for cell in safe.split(SEPARATORS) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']), "{:?}", cell);
            }
        }
    }
}
