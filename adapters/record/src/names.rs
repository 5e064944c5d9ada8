//! What the record calls things, in both directions.

use childminder::{Activity, NotificationKind, Strays, Stream, Sweep, Target};

pub(crate) trait Named: Copy + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;

    fn named(wanted: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|value| value.name() == wanted)
    }
}

impl Named for Stream {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for Target {
    const ALL: &'static [Self] = &[Self::Leader, Self::Group];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for Activity {
    const ALL: &'static [Self] = &[Self::AnyOutput, Self::Stdout, Self::Stderr, Self::Explicit];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for NotificationKind {
    const ALL: &'static [Self] = &[Self::Requested, Self::Heartbeat, Self::Final];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for Sweep {
    const ALL: &'static [Self] = &[Self::Never, Self::Terminated, Self::Always];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for Strays {
    const ALL: &'static [Self] = &[
        Self::Unknown,
        Self::None,
        Self::Killed,
        Self::Left,
        Self::Survived,
    ];

    fn name(self) -> &'static str {
        self.name()
    }
}
