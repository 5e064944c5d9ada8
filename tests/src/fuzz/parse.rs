//! What people write on the command line.

use std::time::Duration;

use childminder::{Ladder, Signal, Target};
use childminder_cli::parse::{self, BadLadder};
use childminder_unix::signals;

/// Any text: it is read as the naive reading below has it, or refused with a sentence that names it.
pub fn parse(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    duration(text);
    signal(text);
    ladder(text);
}

fn duration(text: &str) {
    let parsed = parse::duration(text);
    if let Err(error) = &parsed {
        assert!(error.to_string().contains(&format!("`{text}`")), "{text:?}");
    }
    assert_eq!(parsed.ok(), naive_duration(text), "{text:?}");
}

fn signal(text: &str) {
    match signals::parse(text) {
        Ok(signal) => {
            let name = signals::name(signal);
            assert_eq!(signals::parse(&name), Ok(signal), "{text:?}, {name}");
            let number = signal.number().to_string();
            assert_eq!(signals::parse(&number), Ok(signal), "{text:?}");
            let lower = text.to_ascii_lowercase();
            assert_eq!(signals::parse(&lower), Ok(signal), "{text:?}");
        }
        Err(error) => assert!(error.to_string().contains(&format!("{text:?}"))),
    }
}

fn ladder(text: &str) {
    match parse::ladder(text) {
        Ok(ladder) => {
            let stages: Vec<_> = text.split(',').collect();
            assert_eq!(ladder.stages().count(), stages.len(), "{text:?}");
            for (stage, written) in ladder.stages().zip(stages) {
                let (name, wait) = written.split_once(':').unwrap_or((written, ""));
                assert_eq!(signals::parse(name), Ok(stage.signal), "{text:?}");
                let unwritten = (stage.signal == Signal::KILL && wait.is_empty())
                    .then_some(Duration::from_secs(10));
                let wait = naive_duration(wait)
                    .or(unwritten)
                    .filter(|wait| *wait < FOR_EVER);
                assert_eq!(stage.wait, wait, "{text:?}");
                assert_eq!(stage.target, Target::Group, "{text:?}");
            }
            let printed = print(&ladder);
            assert_eq!(parse::ladder(&printed), Ok(ladder), "{text:?}, {printed}");
        }
        Err(error) => {
            let named = match &error {
                BadLadder::Signal(unknown) => unknown.given.clone(),
                BadLadder::Wait(bad) => bad.given.clone(),
                BadLadder::NoWait { stage } => stage.clone(),
                BadLadder::TooLong { given } => {
                    assert_eq!(*given, text.split(',').count(), "{text:?}");
                    assert!(*given > Ladder::MAX_STAGES, "{text:?}");
                    String::new()
                }
            };
            assert!(text.contains(&named), "{text:?}: {error}");
            let said = error.to_string();
            let quoted = said.contains(&format!("{named:?}"));
            assert!(quoted || said.contains(&named), "{text:?}: {said}");
        }
    }
}

fn print(ladder: &Ladder) -> String {
    let stages = ladder.stages().map(|stage| {
        let name = signals::name(stage.signal);
        let wait = stage.wait.unwrap_or(FOR_EVER);
        format!("{name}:{}.{:09}s", wait.as_secs(), wait.subsec_nanos())
    });
    stages.collect::<Vec<_>>().join(",")
}

/// Parts that each end with a unit; a number without one stands alone.
fn naive_duration(text: &str) -> Option<Duration> {
    let mut parts = vec![String::new()];
    for c in text.chars() {
        let last = parts.last_mut()?;
        // Of letters, only `e` stands within a number.
        let ends = last.ends_with(|c: char| c.is_ascii_alphabetic() && !"eE".contains(c));
        if ends && !c.is_ascii_alphabetic() {
            parts.push(c.to_string());
        } else {
            last.push(c);
        }
    }
    let (mut sum, mut longest_unit) = (0_u128, u64::MAX);
    for part in &parts {
        let (name, unit) = UNITS
            .iter()
            .filter(|(name, _)| part.ends_with(name))
            .max_by_key(|(name, _)| name.len())?;
        let is_alone = name.is_empty() && parts.len() == 1;
        if !is_alone && (name.is_empty() || *unit >= longest_unit) {
            return None;
        }
        longest_unit = *unit;
        sum = sum.saturating_add(naive_product(part.strip_suffix(name)?, *unit)?);
    }
    Some(if sum < Duration::MAX.as_nanos() {
        Duration::new(
            u64::try_from(sum / 1_000_000_000).ok()?,
            u32::try_from(sum % 1_000_000_000).ok()?,
        )
    } else {
        Duration::MAX
    })
}

/// Decimal arithmetic as it is done on paper: digit by digit, exact to the last one.
fn naive_product(number: &str, unit: u64) -> Option<u128> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, naive_exponent(exponent)?),
        None => (number, 0),
    };
    let (whole, fraction) = match mantissa.split('.').collect::<Vec<_>>()[..] {
        [whole] => (whole, ""),
        [whole, fraction] => (whole, fraction),
        _ => return None,
    };
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The lowest digit first.
    let mut product: Vec<u64> = digits
        .iter()
        .rev()
        .map(|digit| u64::from(digit - b'0'))
        .collect();
    let mut carry = 0;
    for digit in &mut product {
        *digit = *digit * unit + carry;
        carry = *digit / 10;
        *digit %= 10;
    }
    while carry > 0 {
        product.push(carry % 10);
        carry /= 10;
    }
    let places = i64::try_from(fraction.len()).ok()? - exponent;
    if places < 0 {
        let zeros = usize::try_from(-places).ok()?;
        product.splice(0..0, vec![0; zeros]);
    }
    let places = usize::try_from(places).unwrap_or(0);
    let below = product.iter().take(places).any(|digit| *digit > 0);
    let above = product
        .iter()
        .skip(places)
        .rev()
        .try_fold(0_u128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u128::from(*digit))
        });
    Some(above.map_or(u128::MAX, |above| above.saturating_add(u128::from(below))))
}

/// So far that it makes no difference any more.
fn naive_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let far = digits.parse().unwrap_or(100_000).min(100_000);
    Some(if text.starts_with('-') { -far } else { far })
}

const UNITS: [(&str, u64); 8] = [
    ("", 1_000_000_000),
    ("s", 1_000_000_000),
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// A wait of 584 years is none.
const FOR_EVER: Duration = Duration::from_nanos(u64::MAX);
