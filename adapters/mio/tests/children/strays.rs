//! What a child starts and that outlives it. One option has it found and killed.
//!
//! Orphans are a matter of the whole process, so each test has one of its own.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::{env, fs};

use childminder::{Action, Config, Instant, Moment, Outcome, Signal, Strays, Target};
use childminder_driver::{ChildId, Handler};
use childminder_mio::Children;
use childminder_unix::{Cgroup, Child, Orphan, SpawnOptions};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::{Bystander, Owner, Run, ladder, millis, patient, sh};

/// Says its process id and sleeps in a session of its own, as an orphan that holds no output.
const DAEMON: &str = "(setsid sh -c 'echo $$; exec sleep 1000 >&- 2>&-' &);";

fn minding_strays() -> Config {
    Config {
        stray_timeout: Some(millis(20_000)),
        ..patient()
    }
}

fn ids(orphans: &[Orphan]) -> Vec<u32> {
    orphans.iter().map(|orphan| orphan.pid).collect()
}

impl Run {
    fn strays(&self, id: ChildId) -> &childminder_unix::Strays {
        self.children.strays(id).expect("they are wanted")
    }

    fn end(&mut self, id: ChildId) -> Outcome {
        let mut control = self.children.control(id).expect("in the set");
        control.terminate();
        self.finish_child(id).outcome()
    }

    fn daemon_of(&mut self, id: ChildId) -> Bystander {
        let line = |run: &Self| {
            let text = run.children.handler(id).expect("in the set").text();
            let (pid, _) = text.split_once('\n')?;
            Some(pid.parse().expect("a process id"))
        };
        loop {
            if let Some(pid) = line(self) {
                return Bystander::of(pid);
            }
            self.step();
        }
    }
}

#[test]
fn a_daemon_is_gone_with_a_run_that_was_ended() {
    if again_in_a_process_of_its_own("strays::a_daemon_is_gone_with_a_run_that_was_ended", &[]) {
        return;
    }
    let script = format!("{DAEMON} exec sleep 1000");
    let mut run = Run::of(&script, minding_strays(), Owner::new());
    let id = run.id;
    let daemon = run.daemon_of(id);
    assert_eq!(run.end(id).strays, Strays::Killed);
    assert!(!daemon.is_alive());
    assert_eq!(ids(run.strays(id).killed()), [daemon.pid]);
    assert!(run.strays(id).living().is_empty());
    assert_eq!(run.strays(id).notes(), [""; 0]);
    assert!(run.children.orphans_reaped() >= 1);
    let kills = |(_, moment): &(_, Moment)| *moment == Moment::Action(Action::KillStrays);
    assert!(run.owner().moments.iter().any(kills), "it is observed");
}

#[test]
fn a_daemon_that_holds_the_output_is_not_waited_for() {
    if again_in_a_process_of_its_own(
        "strays::a_daemon_that_holds_the_output_is_not_waited_for",
        &[],
    ) {
        return;
    }
    // The drain is for ever.
    let config = Config {
        ladder: ladder(Signal::TERM, millis(50)),
        ..minding_strays()
    };
    let script = "(setsid sh -c 'echo $$; exec sleep 1000' &); exec sleep 1000";
    let mut run = Run::of(script, config, Owner::new());
    let id = run.id;
    let daemon = run.daemon_of(id);
    let outcome = run.end(id);
    assert_eq!((outcome.strays, outcome.leaked), (Strays::Killed, false));
    assert!(!daemon.is_alive());
}

#[test]
fn a_daemon_of_a_run_that_ended_by_itself_lives_on() {
    if again_in_a_process_of_its_own(
        "strays::a_daemon_of_a_run_that_ended_by_itself_lives_on",
        &[],
    ) {
        return;
    }
    let script = format!("{DAEMON} read line");
    let mut run = Run::of(&script, minding_strays(), Owner::new());
    let id = run.id;
    let daemon = run.daemon_of(id);
    drop(run.stdin());
    assert_eq!(run.finish().outcome().strays, Strays::Left);
    assert!(daemon.is_alive());
    assert_eq!(ids(run.strays(id).living()), [daemon.pid]);
    assert!(run.strays(id).killed().is_empty());

    // It is no stray of the next child's either.
    let next = run.add("exec sleep 1000", minding_strays(), Owner::new());
    assert_eq!(run.end(next).strays, Strays::None);
    assert!(daemon.is_alive());
    daemon.kill();
}

#[test]
fn sisters_do_not_kill_each_others_daemons() {
    if again_in_a_process_of_its_own("strays::sisters_do_not_kill_each_others_daemons", &[]) {
        return;
    }
    let script = format!("{DAEMON} read line");
    let mut run = Run::of(&script, minding_strays(), Owner::new());
    let first = run.id;
    let second = run.add(&script, minding_strays(), Owner::new());
    let unmarked = format!("exec env -u CHILDMINDER_CHILD sh -c \"{DAEMON} exec sleep 1000\"");
    let unmarked = unmarked.replace("$$", "\\$\\$");
    let third = run.add(&unmarked, minding_strays(), Owner::new());
    let [one, two, three] = [first, second, third].map(|id| run.daemon_of(id));

    assert_eq!(run.end(first).strays, Strays::Killed);
    assert!(!one.is_alive() && two.is_alive() && three.is_alive());
    // With a sister, an orphan without a mark is nobody's.
    assert_eq!(run.end(third).strays, Strays::None);
    assert!(two.is_alive() && three.is_alive());
    // Without one, it is of the last.
    assert_eq!(run.end(second).strays, Strays::Killed);
    assert!(!two.is_alive() && !three.is_alive());
    let killed = run.strays(second).killed().len();
    assert_eq!(killed, 2);
}

#[test]
fn a_child_that_was_spawned_elsewhere_has_strays_too() {
    if again_in_a_process_of_its_own(
        "strays::a_child_that_was_spawned_elsewhere_has_strays_too",
        &[],
    ) {
        return;
    }
    let mut run = Run::of("read line", patient(), Owner::new());
    assert!(run.children.strays(run.id).is_none(), "not wanted");
    drop(run.stdin());
    run.finish();
    run.children.adopt_orphans().expect("a subreaper");
    let script = format!("{DAEMON} exec sleep 1000");
    let child = Child::spawn(&mut sh(&script)).expect("a child");
    let minded = run.children.mind(child, minding_strays(), Owner::new());
    let id = minded.expect("in the set");
    let daemon = run.daemon_of(id);
    assert_eq!(run.end(id).strays, Strays::Killed);
    assert!(!daemon.is_alive());
}

#[test]
fn what_is_in_the_cgroup_is_killed_with_it() {
    if again_in_a_process_of_its_own("strays::what_is_in_the_cgroup_is_killed_with_it", &[]) {
        return;
    }
    let mut run = Run::of("read line", patient(), Owner::new());
    let cgroup = Cgroup::create().expect("a cgroup");
    let path = cgroup.path().to_owned();
    let mut strays = childminder_unix::Strays::in_cgroup(cgroup);
    let script = format!("{DAEMON} exec sleep 1000");
    let spawned = strays.spawn(|cgroup| {
        let options = SpawnOptions {
            cgroup,
            ..SpawnOptions::default()
        };
        Child::spawn_with(&mut sh(&script), &options)
    });
    let child = spawned.expect("a child");
    // It has a sister, and its strays are known all the same.
    let minded = run
        .children
        .mind_with_strays(child, strays, minding_strays(), Owner::new());
    let id = minded.expect("in the set");
    let daemon = run.daemon_of(id);
    assert!(path.exists());
    assert_eq!(run.end(id).strays, Strays::Killed);
    assert!(!daemon.is_alive());
    assert!(!path.exists());
    assert_eq!(ids(run.strays(id).killed()), [daemon.pid]);
}

/// As any user but root: `setpriv` with its set-user-ID bit makes root again.
#[test]
fn a_process_that_may_not_be_killed_is_named_and_not_waited_for() {
    let name = "strays::a_process_that_may_not_be_killed_is_named_and_not_waited_for";
    let Some(place) = env::var_os("CHILDMINDER_TEST_PLACE").map(PathBuf::from) else {
        let place = tempfile::tempdir().expect("a directory");
        let this = env::current_exe().expect("this test");
        let place = place.path().display().to_string();
        let give = format!(
            "cp {} {place}/test && cp $(command -v setpriv) {place} && chmod 755 {place} &&
            chmod 4755 {place}/setpriv && mkfifo -m 666 {place}/input",
            this.display()
        );
        let given = Command::new("sh").args(["-c", &give]).status();
        assert!(given.expect("a shell").success());
        for hides in ["off", "invisible"] {
            // The shell stays, and with it what the daemon waits for.
            let script = format!(
                "mount -t proc -o hidepid={hides} proc /proc && exec 3<>{place}/input &&
                timeout --foreground --signal=KILL 60 \
                setpriv --reuid 65534 --regid 65534 --clear-groups {place}/test --exact {name} 3>&-
                exit $?"
            );
            let output = Command::new("unshare")
                .args(["--mount", "sh", "-c", &script])
                .env("CHILDMINDER_TEST_PLACE", &place)
                .env("CHILDMINDER_TEST_HIDES", hides)
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("1 passed"), "{hides}: {said}{output:?}");
        }
        return;
    };
    let root = format!(
        "{}/setpriv --reuid 0 --regid 0 --clear-groups",
        place.display()
    );
    // The daemon has a child, which is out of reach below it. The end of its input ends both.
    let input = fs::File::open(place.join("input")).expect("a fifo");
    let daemon = "sleep 1000 >&- 2>&- & echo $$; exec >&- 2>&-; read line; kill $!";
    let script =
        format!("exec 3<&0; setsid {root} sh -c '{daemon}' <&3 3<&- & exec sleep 1000 3<&-");
    let mut command = sh(&script);
    command.stdin(input);
    let mut run = Run::of_command(&mut command, minding_strays(), Owner::new());
    let id = run.id;
    let daemon = run.daemon_of(id);
    let begun = std::time::Instant::now();
    assert_eq!(run.end(id).strays, Strays::Survived);
    assert!(begun.elapsed() < millis(15_000));
    assert!(daemon.is_alive());
    let strays = run.strays(id);
    if env::var("CHILDMINDER_TEST_HIDES").as_deref() == Ok("invisible") {
        let note = "a process is left that /proc does not show";
        assert_eq!(
            (ids(strays.living()), strays.notes()),
            (vec![], &[note.to_owned()][..])
        );
        return;
    }
    let [sh, below] = strays.living() else {
        panic!("two are left: {strays:?}");
    };
    assert_eq!((sh.pid, &sh.name[..]), (daemon.pid, "sh"));
    assert_ne!(below.pid, daemon.pid);
    let note = format!("cannot kill {sh}: Operation not permitted (os error 1)");
    assert_eq!(strays.notes(), [note]);
}

/// Where the moments go when their handler is dropped with its set.
struct Witness(Rc<RefCell<Vec<Moment>>>);

impl Handler for Witness {
    type Notification = ();

    fn observe(&mut self, _: Instant, moment: Moment) {
        self.0.borrow_mut().push(moment);
    }
}

#[test]
fn what_is_killed_by_a_drop_or_a_removal_is_observed() {
    let killed = Moment::Action(Action::SendSignal {
        signal: Signal::KILL,
        target: Target::Group,
    });
    for removes in [true, false] {
        let moments = Rc::new(RefCell::new(Vec::new()));
        let mut children = Children::new().expect("a set");
        let witness = Witness(Rc::clone(&moments));
        let child = children.spawn(&mut sh("sleep 1000"), Config::default(), witness);
        let id = child.expect("a child");
        let process = Bystander::of(children.child(id).expect("in the set").id());
        if removes {
            drop(children.remove(id));
        } else {
            drop(children);
        }
        assert!(moments.borrow().contains(&killed), "{moments:?}");
        process.wait_until_dead();
    }
}
