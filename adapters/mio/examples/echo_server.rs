//! Minds a child, and meanwhile tells everybody who connects how it is doing.
//!
//! `cargo run --example echo_server -- sh -c 'for i in 1 2 3 4 5; do echo $i; sleep 2; done'`

use std::io::{self, ErrorKind, Write as _};
use std::process::{Command, Stdio};
use std::{env, time::Duration};

use childminder_mio::{Config, Control, Handler, MindedChild, Stream};
use mio::{Events, Interest, Poll, Token, net::TcpListener};

const SERVER: Token = Token(0);
const CHILD: Token = Token(1);

struct Written(usize);

impl Handler for Written {
    type Notification = ();
    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut server = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    let mut command = Command::new(env::args().nth(1).unwrap_or("date".into()));
    command.args(env::args().skip(2)).stdout(Stdio::piped());
    let config = Config {
        idle_timeout: Some(Duration::from_secs(60)),
        ..Config::default()
    };
    let mut child = MindedChild::spawn(&mut command, config, Written(0))?;
    let registry = poll.registry();
    registry.register(&mut server, SERVER, Interest::READABLE)?;
    registry.register(&mut child, CHILD, Interest::READABLE)?;
    println!("connect to {}", server.local_addr()?);
    let mut events = Events::with_capacity(16);
    while child.outcome().is_none() {
        match poll.poll(&mut events, child.poll_timeout()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        child.turn(poll.registry())?;
        if events.iter().any(|event| event.token() == SERVER) {
            answer(&server, child.handler())?;
        }
    }
    Ok(())
}

fn answer(server: &TcpListener, Written(bytes): &Written) -> io::Result<()> {
    loop {
        match server.accept() {
            Ok((mut client, _)) => drop(writeln!(client, "{bytes} bytes so far")), // or it left
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
