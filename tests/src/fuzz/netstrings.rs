//! Any stream, in any pieces.

use childminder_driver::{Calls, Netstrings, NotCall, NotNetstring};

/// The first bytes say how the rest is cut into pieces, each of which is as long as the next of them says. However it
/// is cut, the same netstrings come of it, and the same calls, and the same is wrong with it; and no text is longer
/// than the limit.
pub fn netstrings(bytes: &[u8]) {
    let Some((cuts, stream)) = bytes.split_at_checked(CUTS) else {
        return;
    };
    let (whole, in_pieces) = (vec![stream], cut(cuts, stream));
    let (texts, wrong) = netstrings_of(&whole);
    let pieced = netstrings_of(&in_pieces);
    assert_eq!(texts, pieced.0, "the netstrings of {in_pieces:?}");
    assert_same(wrong.as_ref(), pieced.1.as_ref());
    assert!(texts.iter().all(|text| text.len() <= LIMIT));

    let (calls, wrong) = calls_of(&whole);
    let pieced = calls_of(&in_pieces);
    assert_eq!(calls, pieced.0, "the calls of {in_pieces:?}");
    match (wrong, pieced.1) {
        (Some(NotCall::Netstring(one)), Some(NotCall::Netstring(other))) => {
            assert_same(Some(&one), Some(&other));
        }
        (one, other) => assert_eq!(one, other),
    }
    let length = |call: &Vec<Vec<u8>>| call.iter().map(Vec::len).sum::<usize>();
    assert!(calls.iter().map(length).all(|length| length <= LIMIT));
}

fn cut<'s>(cuts: &[u8], stream: &'s [u8]) -> Vec<&'s [u8]> {
    let mut pieces = Vec::new();
    let mut rest = stream;
    for length in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let length = usize::from(*length).max(1).min(rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

type Said<T, E> = (Vec<T>, Option<E>);

fn netstrings_of(pieces: &[&[u8]]) -> Said<Vec<u8>, NotNetstring> {
    let mut netstrings = Netstrings::new(LIMIT);
    let mut texts = Vec::new();
    let mut wrong = Vec::new();
    for piece in pieces {
        let pushed = netstrings.push(piece, |text| texts.push(text.to_vec()));
        wrong.extend(pushed.err());
    }
    wrong.extend(netstrings.finish().err());
    assert!(wrong.len() <= 1, "{wrong:?}");
    (texts, wrong.pop())
}

/// Each call as its name and its arguments.
fn calls_of(pieces: &[&[u8]]) -> Said<Vec<Vec<u8>>, NotCall> {
    let mut calls = Calls::new(LIMIT, &[("a", 0), ("bc", 1), ("d", 3)]);
    let mut called = Vec::new();
    let mut wrong = Vec::new();
    for piece in pieces {
        let pushed = calls.push(piece, |call| {
            let name = call.name().as_bytes();
            let all = [name].into_iter().chain(call.arguments());
            called.push(all.map(<[u8]>::to_vec).collect());
        });
        wrong.extend(pushed.err());
    }
    wrong.extend(calls.finish().err());
    assert!(wrong.len() <= 1, "{wrong:?}");
    (called, wrong.pop())
}

/// What is quoted goes on for as long as there was more in the piece.
fn assert_same(one: Option<&NotNetstring>, other: Option<&NotNetstring>) {
    match (one, other) {
        (Some(NotNetstring::Malformed(one)), Some(NotNetstring::Malformed(other))) => {
            assert!(one.starts_with(other) || other.starts_with(one));
        }
        _ => assert_eq!(one, other),
    }
}

const CUTS: usize = 4;
const LIMIT: usize = 100;
