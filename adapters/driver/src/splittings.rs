//! Every way in which output can arrive, for tests.

/// Every way to cut this into pieces that are not empty.
pub(crate) fn splittings(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let places = bytes.len().saturating_sub(1);
    assert!(places < 16, "too many ways to try them all");
    (0..1_u32 << places).map(move |cuts| {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        for place in (0..places).rev().filter(|place| cuts & (1 << place) != 0) {
            let (before, piece) = rest.split_at(place + 1);
            pieces.push(piece);
            rest = before;
        }
        pieces.push(rest);
        pieces.reverse();
        pieces
    })
}

#[test]
fn every_way_is_tried_once() {
    let ways: Vec<Vec<&[u8]>> = splittings(b"abc").collect();
    assert_eq!(
        ways,
        [
            vec![&b"abc"[..]],
            vec![b"a", b"bc"],
            vec![b"ab", b"c"],
            vec![b"a", b"b", b"c"],
        ]
    );
}
