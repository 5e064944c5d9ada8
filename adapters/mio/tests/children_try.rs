use childminder::{Config, Stream};
use childminder_driver::{Control, Handler};
use childminder_mio::Children;
use std::process::{Command, Stdio};
use std::time::Duration;
#[derive(Default)]
struct Job(Vec<u8>);
impl Handler for Job {
    type Notification = ();
    fn output(&mut self, _: &mut Control<()>, _: Stream, b: &[u8]) {
        self.0.extend(b)
    }
}
#[test]
fn try_it() {
    let mut children = Children::new().unwrap();
    let mut poll = mio::Poll::new().unwrap();
    poll.registry()
        .register(&mut children, mio::Token(0), mio::Interest::READABLE)
        .unwrap();
    for n in 0..20 {
        children
            .spawn(
                Command::new("sh")
                    .args([
                        "-c",
                        &format!("echo {n}; sleep 0.{n}; echo x; head -c {n}000000 /dev/zero"),
                    ])
                    .stdout(Stdio::piped()),
                Config::default(),
                Job::default(),
            )
            .unwrap();
    }
    children
        .spawn(
            Command::new("sleep").arg("100").stdout(Stdio::piped()),
            Config {
                idle_timeout: Some(Duration::from_millis(300)),
                ..Config::default()
            },
            Job::default(),
        )
        .unwrap();
    let mut events = mio::Events::with_capacity(8);
    let mut turns = 0;
    while !children.is_empty() {
        poll.poll(&mut events, None).unwrap();
        children.turn();
        turns += 1;
        while let Some((id, outcome, handler)) = children.next_finished() {
            println!("{id}: {outcome:?} {}", handler.0.len());
        }
    }
    println!("{turns} turns");
}
