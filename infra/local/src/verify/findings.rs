//! What was checked, and what is wrong.

use std::fmt;

/// Something that is wrong in the table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Where: in a site, a code, a batch, or an item.
    pub of: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.of, self.what)
    }
}

/// What was checked, and what is wrong.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Sites whose statement was verified.
    pub sites: usize,
    /// Entries that were verified.
    pub entries: usize,
    /// Due dates that were found charged.
    pub due_dates: usize,
    /// Codes.
    pub codes: usize,
    /// Codes that were applied, each by the one entry that it names.
    pub applied: usize,
    /// Codes that were voided.
    pub voided: usize,
    /// Codes that are outstanding or expired.
    pub left: usize,
    /// Partners whose account was verified.
    pub partners: usize,
    /// Lines of their histories.
    pub lines: usize,
    /// Batches whose codes were counted.
    pub batches: usize,
    /// Users.
    pub users: usize,
    /// Cards that users have, each issued by one entry.
    pub cards: usize,
    /// Messages, each charged by one entry, and given back by one if it failed.
    pub messages: usize,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

impl Findings {
    pub(super) fn violation(&mut self, of: impl fmt::Display, what: impl fmt::Display) {
        self.violations.push(Violation {
            of: of.to_string(),
            what: what.to_string(),
        });
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>8} sites: each balance is the sum of its entries, each chain verifies",
            self.sites
        )?;
        writeln!(f, "{:>8} entries", self.entries)?;
        writeln!(
            f,
            "{:>8} due dates: each was charged once, none was left out",
            self.due_dates
        )?;
        writeln!(
            f,
            "{:>8} codes in {} batches = {} applied + {} voided + {} left",
            self.codes, self.batches, self.applied, self.voided, self.left
        )?;
        writeln!(
            f,
            "{:>8} codes applied: each once, to one site, whole",
            self.applied
        )?;
        writeln!(
            f,
            "{:>8} partners: {} lines of history tell of every batch, voiding and application",
            self.partners, self.lines
        )?;
        writeln!(
            f,
            "{:>8} users with {} cards: each card was issued once, and paid for",
            self.users, self.cards
        )?;
        writeln!(
            f,
            "{:>8} messages: each was charged once, and given back if it surely failed",
            self.messages
        )?;
        for violation in &self.violations {
            writeln!(f, "VIOLATION  {violation}")?;
        }
        match self.violations.len() {
            0 => write!(f, "No violation."),
            1 => write!(f, "1 violation."),
            more => write!(f, "{more} violations."),
        }
    }
}
