//! Which reports seem to be missing, by the numbers in the names of the others.

use std::collections::{BTreeMap, BTreeSet};

/// The names that are missing where at least two thirds of the numbers from the least to the greatest are there. The number
/// is the last in a name of those that are not the same in all names of its kind: of `17.0.json` and `17.1.json` the second.
pub(super) fn missing(names: &[String]) -> Vec<String> {
    let mut kinds: BTreeMap<Vec<&str>, Vec<Vec<&str>>> = BTreeMap::new();
    for name in names {
        let (texts, numbers) = parts(name);
        kinds.entry(texts).or_default().push(numbers);
    }
    let kinds = kinds.into_iter();
    kinds
        .flat_map(|(texts, names)| missing_of_kind(&texts, &names))
        .collect()
}

/// A name's texts, one more than there are numbers between them.
fn parts(name: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    let mut rest = name;
    loop {
        let text = rest.find(|c: char| c.is_ascii_digit());
        let (text, behind) = rest.split_at(text.unwrap_or(rest.len()));
        texts.push(text);
        if behind.is_empty() {
            return (texts, numbers);
        }
        let number = behind.find(|c: char| !c.is_ascii_digit());
        let (number, behind) = behind.split_at(number.unwrap_or(behind.len()));
        numbers.push(number);
        rest = behind;
    }
}

fn missing_of_kind(texts: &[&str], names: &[Vec<&str>]) -> Vec<String> {
    let differs = |place: &usize| names.iter().any(|name| name[*place] != names[0][*place]);
    let Some(place) = (0..names[0].len()).rev().find(differs) else {
        return Vec::new();
    };
    let mut siblings: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    for name in names {
        let mut others = name.clone();
        let number = others.remove(place);
        siblings.entry(others).or_default().push(number);
    }
    let mut missing = Vec::new();
    for (others, numbers) in siblings {
        missing.extend(gaps(&numbers).into_iter().map(|gap| {
            let mut name = others.clone();
            name.insert(place, &gap);
            let between = name.into_iter().chain([""]);
            let pairs = texts.iter().zip(between);
            pairs.flat_map(|(text, number)| [*text, number]).collect()
        }));
    }
    missing
}

/// The numbers that are missing among these, with as many digits as those have.
fn gaps(numbers: &[&str]) -> Vec<String> {
    let parsed: Result<BTreeSet<u64>, _> = numbers.iter().map(|number| number.parse()).collect();
    let Ok(known) = parsed else {
        return Vec::new();
    };
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        return Vec::new();
    };
    let count = known.len() as u64;
    let missing = (last - first).saturating_sub(count - 1);
    if missing.saturating_mul(2) > count {
        return Vec::new();
    }
    let width = numbers.iter().map(|number| number.len()).min().unwrap_or(0);
    let gaps = (*first..=*last).filter(|number| !known.contains(number));
    gaps.map(|number| format!("{number:0width$}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(names: &[&str], expected: &[&str]) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(missing(&names), expected);
    }

    #[test]
    fn a_gap_between_numbers_is_a_missing_name() {
        expect(&["r/0.json", "r/1.json", "r/3.json"], &["r/2.json"]);
        expect(&["17.9", "17.8", "17.11", "17.12"], &["17.10"]);
        expect(&["a1b2", "a1b4", "a1b5"], &["a1b3"]);
        // The number that tells them apart.
        expect(&["0-of-4", "1-of-4", "3-of-4"], &["2-of-4"]);
        // Of each job, and of each kind.
        let jobs = ["1.0", "1.1", "1.3", "2.4", "2.5", "2.7", "x1", "x2", "x4"];
        expect(&jobs, &["1.2", "2.6", "x3"]);
        // As many digits.
        expect(&["t07", "t08", "t10", "t11"], &["t09"]);
        expect(&["t98", "t100", "t101"], &["t99"]);
    }

    #[test]
    fn names_without_an_order_tell_nothing() {
        expect(&[], &[]);
        expect(&["a.json", "b.json"], &[]);
        expect(&["1.json"], &[]);
        expect(&["1.json", "1.json"], &[]);
        expect(&["1.json", "2.json"], &[]);
        // Process ids.
        expect(&["4711", "4723", "4733", "4741"], &[]);
        expect(&["101", "103", "105", "107", "109"], &[]);
        let long = "99999999999999999999999";
        expect(&["1", "2", long], &[]);
        expect(&["0", "18446744073709551615"], &[]);
    }
}
