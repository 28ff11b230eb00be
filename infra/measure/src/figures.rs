//! The measurements as a Markdown table, next to the earlier ones.

use std::collections::BTreeMap;
use std::fmt::Write;

/// What one function costs up to its first request for an invocation.
pub(crate) struct Figures {
    /// The instructions of two runs.
    pub(crate) instructions: [u64; 2],
    /// The size of the binary, which the release profile strips, in bytes.
    pub(crate) size_bytes: u64,
    /// The peak resident memory of three runs, in KiB. It varies a little with how much of the binary the system has
    /// cached.
    pub(crate) memory_kib: [u64; 3],
}

impl Figures {
    /// The lower of the two counts: what happened in only one run is not the function's cost.
    fn least_instructions(&self) -> u64 {
        least(&self.instructions)
    }

    fn most_memory_kib(&self) -> u64 {
        most(&self.memory_kib)
    }

    fn instructions_spread(&self) -> u64 {
        most(&self.instructions) - least(&self.instructions)
    }

    fn memory_spread_kib(&self) -> u64 {
        most(&self.memory_kib) - least(&self.memory_kib)
    }
}

/// The table. Each figure is shown with its ratio to the first row's, and the ratio next to that of an earlier table.
pub(crate) fn table(rows: &[(&str, Figures)], earlier: &str) -> String {
    let mut table = String::from(
        "| function | instructions | × | before | stripped size, bytes | × | before | peak memory, KiB | × | before |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let Some((_, first)) = rows.first() else {
        return table;
    };
    let earlier = ratios(earlier);
    for (name, figures) in rows {
        let mut before = earlier.get(name).into_iter().flatten();
        let cells = [
            (figures.least_instructions(), first.least_instructions()),
            (figures.size_bytes, first.size_bytes),
            (figures.most_memory_kib(), first.most_memory_kib()),
        ];
        let cells = cells.map(|(figure, base)| {
            let before = before.next().unwrap_or(&"–");
            format!("{} | {} | {before}", grouped(figure), ratio(figure, base))
        });
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    table
}

/// The ratios in a document's tables, by the name of the row: the cells in the columns that are headed `×`.
fn ratios(document: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut columns = Vec::new();
    let mut ratios = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if cells.contains(&"×") {
            columns = (0..cells.len()).filter(|&at| cells[at] == "×").collect();
        } else {
            let row = columns.iter().filter_map(|&at| cells.get(at).copied());
            ratios.insert(cells[0], row.collect());
        }
    }
    ratios
}

/// Says how well the runs of each function agree.
pub(crate) fn agreement(rows: &[(&str, Figures)]) -> String {
    let largest = |spread: fn(&Figures) -> u64| {
        let furthest = rows.iter().map(|(name, figures)| (spread(figures), *name));
        furthest.max().unwrap_or_default()
    };
    let (instructions, counted) = largest(Figures::instructions_spread);
    let counts = match instructions {
        0 => "every two agree to the instruction".into(),
        _ => format!(
            "those of {counted} differ most, by {}",
            grouped(instructions)
        ),
    };
    let (kib, weighed) = largest(Figures::memory_spread_kib);
    format!(
        "Instructions are the lesser of two counts: {counts}.\n\
         Memory is the most of three runs: those of {weighed} differ most, by {} KiB.",
        grouped(kib)
    )
}

fn least(figures: &[u64]) -> u64 {
    figures.iter().copied().min().unwrap_or_default()
}

fn most(figures: &[u64]) -> u64 {
    figures.iter().copied().max().unwrap_or_default()
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
            memory_kib: [2048, 2000, 2040],
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
    fn a_row_is_compared_with_the_first_and_with_an_earlier_table() {
        let rows = [
            ("hello-world", figures([430_000, 430_000])),
            ("redeem-code", figures([990_010, 990_000])),
        ];
        let last = |earlier: &str| table(&rows, earlier).lines().last().map(str::to_owned);
        let first = last("nothing was measured").unwrap();
        assert_eq!(
            first,
            "| redeem-code | 990,000 | 2.30 | – | 1,000,000 | 1.00 | – | 2,048 | 1.00 | – |"
        );
        let again = last(&table(&rows, "")).unwrap();
        assert_eq!(
            again,
            "| redeem-code | 990,000 | 2.30 | 2.30 | 1,000,000 | 1.00 | 1.00 | 2,048 | 1.00 | 1.00 |"
        );
    }

    #[test]
    fn the_largest_differences_are_named() {
        let rows = [
            ("hello-world", figures([7, 7])),
            ("redeem-code", figures([1_000, 1_012])),
        ];
        assert_eq!(
            agreement(&rows).lines().next(),
            Some(
                "Instructions are the lesser of two counts: those of redeem-code differ most, by 12."
            )
        );
        assert_eq!(
            agreement(&rows[..1]),
            "Instructions are the lesser of two counts: every two agree to the instruction.\n\
             Memory is the most of three runs: those of hello-world differ most, by 48 KiB."
        );
    }
}
