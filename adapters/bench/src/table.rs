//! The figures, for people.

use std::fmt::Write as _;

use crate::race::{Better, Contestant, Goal, Race, Role, Row};

/// A table in Markdown, with a line for each row of each race, and what should be known of it below.
pub(crate) fn of(races: &[Race]) -> String {
    let mut text = String::from(HEAD);
    for race in races {
        for place in 0..race.rows.len() {
            text += &line(race, place);
        }
    }
    text += LEGEND;
    for race in races {
        for note in &race.notes {
            let _ = writeln!(text, "- {}: {note}", race.name);
        }
    }
    text
}

fn line(race: &Race, place: usize) -> String {
    let row = &race.rows[place];
    let floor = race.first(Role::Floor);
    let ours = race.first(Role::Ours);
    let best = best_peer(race, place);
    let cell = |contestant: Option<&Contestant>| {
        contestant.map_or("-".to_owned(), |it| shown(&it.figures(place)))
    };
    let ratio = |to: Option<&Contestant>| match (ours, to) {
        (Some(ours), Some(to)) => shown(&ratios(ours, to, place)),
        _ => "-".to_owned(),
    };
    let named = |role, skipped| {
        let each = race.all(role).skip(skipped);
        let each = each.filter(|it| !median(&it.figures(place)).is_nan());
        let each: Vec<_> = each
            .map(|it| format!("{} {}", it.name, shown(&it.figures(place))))
            .collect();
        each.join("; ")
    };
    let others = [
        named(Role::Peer, 0),
        named(Role::Beside, 0),
        named(Role::Ours, 1),
    ];
    let others: Vec<_> = others.into_iter().filter(|it| !it.is_empty()).collect();
    let name = if row.name.is_empty() {
        race.name.to_owned()
    } else {
        format!("{}: {}", race.name, row.name)
    };
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} |\n",
        row.unit,
        cell(floor),
        others.join("; "),
        cell(ours),
        ratio(floor),
        ratio(best),
        to_be(race, row, place),
    )
}

fn best_peer(race: &Race, place: usize) -> Option<&Contestant> {
    let middle = |it: &Contestant| median(&it.figures(place));
    let peers = race.all(Role::Peer).filter(|it| !middle(it).is_nan());
    peers.min_by(|one, other| {
        let order = middle(one).total_cmp(&middle(other));
        match race.rows[place].better {
            Better::Less => order,
            Better::More => order.reverse(),
        }
    })
}

/// The goal, and whether it is reached.
fn to_be(race: &Race, row: &Row, place: usize) -> String {
    let (limit, times, whose) = match row.goal {
        Goal::Figure(limit) => (Some(limit), limit, String::new()),
        Goal::OfFloor(times) => (
            part(race.first(Role::Floor), place, times),
            times,
            " floor".into(),
        ),
        Goal::OfPeers(times) => (
            part(best_peer(race, place), place, times),
            times,
            " peer".into(),
        ),
        Goal::Of(name, times) => (
            part(race.named(name), place, times),
            times,
            format!(" {name}"),
        ),
    };
    let bound = match row.better {
        Better::Less => "≤",
        Better::More => "≥",
    };
    let by = if whose.is_empty() { "" } else { "x" };
    let goal = format!("{bound} {times}{by}{whose}");
    let (Some(ours), Some(limit)) = (race.first(Role::Ours), limit) else {
        return goal;
    };
    let ours = median(&ours.figures(place));
    let met = match row.better {
        Better::Less => ours <= limit,
        Better::More => ours >= limit,
    };
    format!("{goal}: {}", if met { "yes" } else { "**no**" })
}

fn part(whom: Option<&Contestant>, place: usize, times: f64) -> Option<f64> {
    Some(median(&whom?.figures(place)) * times)
}

/// Round by round, so that what slows a whole round down cancels out.
fn ratios(ours: &Contestant, to: &Contestant, place: usize) -> Vec<f64> {
    let pairs = ours.figures(place).into_iter().zip(to.figures(place));
    pairs.map(|(ours, to)| ours / to).collect()
}

/// The median, and the quartiles around it.
fn shown(figures: &[f64]) -> String {
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(figures, share));
    if middle.is_nan() {
        return "-".to_owned();
    }
    let [low, middle, high] = [low, middle, high].map(digits);
    format!("{middle} [{low}, {high}]")
}

/// Three of them, or as many as there are before the point.
fn digits(figure: f64) -> String {
    let decimals = match figure.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}")
}

fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

/// Between two figures, as far as the share is.
pub(crate) fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    let place = last as f64 * share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a place in the list"
    )]
    let below = place.floor() as usize;
    let above = sorted[(below + 1).min(last)];
    sorted[below] + (above - sorted[below]) * place.fract()
}

const HEAD: &str = "\
| row | unit | floor | others | ours | ours / floor | ours / best peer | to be |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

const LEGEND: &str = "
Each figure is the median of the rounds, with the quartiles in brackets. A ratio is the median of each round's. \"To be\" is \
judged by the medians.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_figures() {
        assert!((quantile(&[3.0, 1.0, 2.0], 0.5) - 2.0).abs() < f64::EPSILON);
        assert!((quantile(&[4.0, 1.0], 0.25) - 1.75).abs() < f64::EPSILON);
        assert!((quantile(&[7.0], 0.99) - 7.0).abs() < f64::EPSILON);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_goal_is_judged_by_the_medians() {
        let row = |better, goal| Row {
            name: "",
            unit: "us",
            better,
            goal,
        };
        let mut race = Race::new(
            "race",
            [
                row(Better::Less, Goal::OfFloor(1.5)),
                row(Better::More, Goal::OfPeers(2.0)),
            ],
        )
        .with(Role::Floor, "floor", Box::new(|| Ok(vec![2.0, 1.0])))
        .with(Role::Peer, "slow", Box::new(|| Ok(vec![5.0, 2.0])))
        .with(Role::Peer, "fast", Box::new(|| Ok(vec![4.0, 3.0])))
        .with(Role::Ours, "ours", Box::new(|| Ok(vec![3.0, 5.0])));
        race.run_round(0).expect("samples");
        let lines = of(&[race]);
        assert!(lines.contains("| ≤ 1.5x floor: yes |"), "{lines}");
        assert!(lines.contains("| ≥ 2x peer: **no** |"), "{lines}");
        assert!(
            lines.contains("| 1.50 [1.50, 1.50] | 0.75 [0.75, 0.75] |"),
            "{lines}"
        );
        assert!(
            lines.contains("| 5.00 [5.00, 5.00] | 1.67 [1.67, 1.67] |"),
            "{lines}"
        );
    }
}
