//! Lends its terminal to a command, as a shell does: `cargo run --example lend -- vi`.

use std::env;
use std::io;
use std::os::fd::AsFd as _;
use std::process::Command;

use childminder::{Config, MonitorState};
use childminder_driver::{ChildId, Control, Handler};
use childminder_mio::Children;
use childminder_terminal::{InBackground, JobControl, Minded, Terminal, Uses};
use childminder_unix::{Child, SpawnOptions};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

struct Quiet;

impl Handler for Quiet {
    type Notification = ();
}

struct OnlyChild {
    children: Children<Quiet>,
    id: ChildId,
}

impl Minded for OnlyChild {
    type Notification = ();

    fn control(&mut self) -> Control<'_, ()> {
        self.children.control(self.id).expect("the child")
    }
    fn turn(&mut self) {
        self.children.turn();
    }
    fn child(&self) -> &Child {
        self.children.child(self.id).expect("the child")
    }
    fn monitor(&self) -> &MonitorState {
        self.children.monitor(self.id).expect("the child")
    }
}

fn main() -> io::Result<()> {
    let terminal = Terminal::controlling().ok_or(io::ErrorKind::NotFound)?;
    let mut jobs = JobControl::new(terminal, Uses::Lent, InBackground::Stop)?;
    let options = SpawnOptions {
        place: jobs.place_for_child()?,
        ..SpawnOptions::default()
    };
    let child = Child::spawn_with(Command::new("env").args(env::args_os().skip(1)), &options)?;
    let mut children = Children::new()?;
    let id = children.mind(child, Config::default(), Quiet)?;
    let mut only = OnlyChild { children, id };
    jobs.hand_over_terminal(only.child())?;
    let outcome = loop {
        jobs.attend(&mut only, |_| (), || ())?;
        only.turn();
        if let Some(outcome) = only.monitor().outcome() {
            break outcome;
        }
        // The set's deadlines make its descriptor readable, on Linux.
        let limit = jobs.next_look().map(Timespec::try_from);
        let fds = [only.children.as_fd(), jobs.as_fd()];
        let mut fds = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut fds, limit.transpose().expect("short").as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    // `attend` has taken the terminal back when the child ended.
    println!("{outcome}");
    Ok(())
}
