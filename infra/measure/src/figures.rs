//! What was measured, as a table in Markdown.

use std::fmt::Write;

/// What one function costs before its first request for work.
pub(crate) struct Figures {
    /// Instructions, counted twice.
    pub(crate) instructions: [u64; 2],
    /// The size of the binary, which the release profile strips, in bytes.
    pub(crate) size_bytes: u64,
    /// The most memory that was resident, in KiB.
    pub(crate) memory_kib: u64,
}

impl Figures {
    /// The lesser of the two counts: what only happened once is no cost of the function.
    fn fewest(&self) -> u64 {
        self.instructions[0].min(self.instructions[1])
    }

    fn difference(&self) -> u64 {
        self.instructions[0].abs_diff(self.instructions[1])
    }
}

/// The table. Each figure is set beside that of the first row.
pub(crate) fn table(rows: &[(&str, Figures)]) -> String {
    let mut table = String::from(
        "| function | instructions | × | stripped size, bytes | × | peak memory, KiB | × |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
    );
    let Some((_, first)) = rows.first() else {
        return table;
    };
    for (name, figures) in rows {
        let cells = [
            (figures.fewest(), first.fewest()),
            (figures.size_bytes, first.size_bytes),
            (figures.memory_kib, first.memory_kib),
        ];
        let cells =
            cells.map(|(figure, base)| format!("{} | {}", grouped(figure), ratio(figure, base)));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    table
}

/// Says whether the two counts of each function agree.
pub(crate) fn agreement(rows: &[(&str, Figures)]) -> String {
    let furthest = rows.iter().max_by_key(|(_, figures)| figures.difference());
    match furthest {
        Some((name, figures)) if figures.difference() > 0 => format!(
            "Each count was repeated; the two of {name} differ most, by {} of {} instructions.",
            grouped(figures.difference()),
            grouped(figures.fewest()),
        ),
        _ => "Each count was repeated, and every two agree to the instruction.".into(),
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How many times `base` a figure is, rounded to two decimals.
fn ratio(figure: u64, base: u64) -> String {
    let base = base.max(1);
    let hundredths = (figure * 100 + base / 2) / base;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::{Figures, agreement, grouped, ratio, table};

    fn figures(instructions: [u64; 2]) -> Figures {
        Figures {
            instructions,
            size_bytes: 1_000_000,
            memory_kib: 2048,
        }
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(28_700_000), "28,700,000");
    }

    #[test]
    fn ratios_are_rounded_to_two_decimals() {
        assert_eq!(ratio(3, 3), "1.00");
        assert_eq!(ratio(2, 3), "0.67");
        assert_eq!(ratio(305, 100), "3.05");
    }

    #[test]
    fn a_row_is_set_beside_the_first() {
        let rows = [
            ("hello-world", figures([430_000, 430_000])),
            ("redeem-code", figures([990_010, 990_000])),
        ];
        let table = table(&rows);
        assert_eq!(
            table.lines().last(),
            Some("| redeem-code | 990,000 | 2.30 | 1,000,000 | 1.00 | 2,048 | 1.00 |")
        );
    }

    #[test]
    fn the_largest_difference_is_named() {
        let rows = [
            ("hello-world", figures([7, 7])),
            ("redeem-code", figures([1_000, 1_012])),
        ];
        assert_eq!(
            agreement(&rows),
            "Each count was repeated; the two of redeem-code differ most, by 12 of 1,000 instructions."
        );
        assert_eq!(
            agreement(&rows[..1]),
            "Each count was repeated, and every two agree to the instruction."
        );
    }
}
