//! A symbol that checks others: the hybrid system of ISO/IEC 7064, MOD M+1,M for an alphabet of M symbols.
//!
//! The standard has it for 10 digits (MOD 11,10), 26 letters (MOD 27,26), and both (MOD 37,36); for Crockford's Base32 it is
//! MOD 33,32. It finds every wrong symbol, for any even M, and nearly every swap of neighbours.

/// The value of the symbol that checks the symbols of these values, each of them below `M`.
#[must_use]
pub fn check_symbol<const M: u8>(values: impl IntoIterator<Item = u8>) -> u8 {
    let product = values.into_iter().fold(M, step::<M>);
    // What is still missing for a sum of 1, modulo M.
    (M + 1 - product) % M
}

/// The standard's product, 1 to `M`, after one symbol more. Another symbol, or another product before it, makes another: so
/// a wrong symbol is never made up for by what follows.
fn step<const M: u8>(product: u8, value: u8) -> u8 {
    let sum = match (product + value) % M {
        0 => M,
        sum => sum,
    };
    2 * sum % (M + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The symbols of Base32.
    const M: u8 = 32;

    #[test]
    fn the_published_examples_are_checked_as_published() {
        // MOD 11,10: the example of the standard.
        assert_eq!(check_symbol::<10>([0, 7, 9, 4]), 5);
        // MOD 37,36: the example of the Global Release Identifier Standard, A1-2425G-ABC1234002-M.
        let value = |c: char| u8::try_from(c.to_digit(36).unwrap()).unwrap();
        let checked = check_symbol::<36>("A12425GABC1234002".chars().map(value));
        assert_eq!(checked, value('M'));
    }

    #[test]
    fn every_single_wrong_symbol_is_found() {
        let sorted = |mut made: Vec<u8>| {
            made.sort_unstable();
            made
        };
        let products: Vec<u8> = (1..=M).collect();
        // Two symbols make two of one product, two products stay two through every symbol that follows, and each has a check
        // symbol of its own. So of two IDs that differ in one place, be it the last, one is wrong.
        for product in 1..=M {
            let made = (0..M).map(|value| step::<M>(product, value));
            assert_eq!(sorted(made.collect()), products);
        }
        for value in 0..M {
            let made = (1..=M).map(|product| step::<M>(product, value));
            assert_eq!(sorted(made.collect()), products);
        }
        let checks = (0..M).map(|value| check_symbol::<M>([value]));
        assert_eq!(sorted(checks.collect()), (0..M).collect::<Vec<_>>());
    }

    /// Whether the ninth symbol checks the eight before it.
    fn fits(symbols: [u8; 9]) -> bool {
        let [checked @ .., check] = symbols;
        check_symbol::<M>(checked) == check
    }

    #[test]
    fn of_the_swaps_of_neighbours_one_in_496_is_not_found() {
        for place in 0..8 {
            let (mut swaps, mut unseen) = (0, 0);
            // The first symbol makes every product that can stand before the two, and each equally often.
            for (first, one, two) in triples() {
                let mut symbols = [0; 9];
                symbols[0] = first;
                symbols[place] = one;
                symbols[place + 1] = two;
                let [checked @ .., check] = &mut symbols;
                *check = check_symbol::<M>(checked.iter().copied());
                let mut swapped = symbols;
                swapped.swap(place, place + 1);
                if swapped != symbols {
                    swaps += 1;
                    unseen += u32::from(fits(swapped));
                }
            }
            assert!(swaps > 0);
            assert_eq!(unseen * 496, swaps, "at place {place}");
        }
    }

    fn triples() -> impl Iterator<Item = (u8, u8, u8)> {
        (0..M).flat_map(|a| (0..M).flat_map(move |b| (0..M).map(move |c| (a, b, c))))
    }
}
