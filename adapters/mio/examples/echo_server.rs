//! Minds a child, and meanwhile tells every client that connects how it is doing.
//!
//! `cargo run --example echo_server -- sh -c 'for i in 1 2 3 4 5; do echo $i; sleep 2; done'`

use std::process::{Command, ExitCode, Stdio};
use std::{env, io, io::ErrorKind, io::Write as _, time::Duration};

use childminder::{Config, Stream};
use childminder_driver::{Control, Handler};
use childminder_mio::Children;
use mio::{Events, Interest, Poll, Token, net::TcpListener};

struct Written(usize);

impl Handler for Written {
    type Notification = ();
    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

fn main() -> io::Result<ExitCode> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(16));
    let mut server = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    let mut command = Command::new(env::args().nth(1).unwrap_or("date".into()));
    command.args(env::args().skip(2)).stdout(Stdio::piped());
    let config = Config {
        idle_timeout: Some(Duration::from_secs(60)),
        ..Config::default()
    };
    let mut children = Children::new()?;
    let child = children.spawn(&mut command, config, Written(0))?;
    let registry = poll.registry();
    registry.register(&mut server, Token(0), Interest::READABLE)?;
    registry.register(&mut children, Token(1), Interest::READABLE)?;
    println!("connect to {}", server.local_addr()?);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        children.turn();
        if let Some((_, outcome, _)) = children.next_finished() {
            return Ok(ExitCode::from(u8::from(!outcome.is_success())));
        }
        // Whatever the loop was woken by: without a client this is harmless.
        let Written(bytes) = children.handler(child).expect("in the set");
        answer(&server, *bytes)?;
    }
}

fn answer(server: &TcpListener, bytes: usize) -> io::Result<()> {
    loop {
        match server.accept() {
            Ok((mut client, _)) => drop(writeln!(client, "{bytes} bytes so far")), // or it left
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
