//! Runs that share one record while they go on side by side.

use std::io::{self, Write};
use std::sync::{Arc, Barrier};
use std::thread;

use childminder::{Config, Event, ExitStatus, Instant, MonitorState};
use childminder_record::{Header, Reader, Recorder, Run, SharedRecord, Summary, replay};

#[test]
fn runs_from_threads_replay_without_a_difference() {
    let mut file = Torn(Vec::new());
    let record = SharedRecord::new(&mut file);
    let together = Arc::new(Barrier::new(RUNS));
    thread::scope(|scope| {
        for number in 0..RUNS {
            let (record, together) = (record.clone(), Arc::clone(&together));
            scope.spawn(move || {
                let recorder = record.begin(&format!("thread {number}"), &Config::default());
                let mut recorder = recorder.expect("memory");
                together.wait();
                live(&mut recorder);
                recorder.finish().expect("memory");
            });
        }
    });
    drop(record);

    let mut summary = Summary::default();
    for run in read(&file.0) {
        assert_eq!(summary.replay(&run), None);
        assert_eq!(run.steps.len(), STEPS + 3);
    }
    let steps = RUNS * (STEPS + 3);
    assert_eq!(
        summary.to_string(),
        format!("{RUNS} runs, {steps} steps, 0 differences")
    );
}

#[test]
fn steps_that_take_turns_come_to_their_runs() {
    let mut file = Vec::new();
    let record = SharedRecord::new(&mut file);
    let mut recorders = ["one", "two"].map(|name| {
        let recorder = record.begin(name, &Config::default());
        recorder.expect("memory")
    });
    for at in 0..3 {
        for recorder in &mut recorders {
            recorder.event(Instant(at), Event::Tick).expect("memory");
        }
    }
    drop((recorders, record));

    let text = str::from_utf8(&file).expect("UTF-8");
    let numbers: Vec<_> = text
        .lines()
        .map(|line| line.contains(r#""run":1,"#))
        .collect();
    assert_eq!(
        numbers,
        [true, false, true, false, true, false, true, false]
    );
    let runs = read(&file);
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.name.as_str(), run.number, run.steps.len()))
        .collect();
    assert_eq!(told, [("one", Some(1), 3), ("two", Some(2), 3)]);
}

#[test]
fn each_run_of_a_shared_record_has_an_origin_of_its_own() {
    let mut file = Vec::new();
    let record = SharedRecord::new(&mut file);
    let config = Config::default();
    for host in ["node1", "node2"] {
        let header = Header::new("one", &config).on_host(host);
        record.begin_with_header(header).expect("memory");
    }
    drop(record);
    let hosts: Vec<_> = read(&file).into_iter().map(|run| run.host).collect();
    assert_eq!(hosts, [Some("node1".to_owned()), Some("node2".to_owned())]);
}

/// A monitor is over when it has finished; a late answer or a tick changes nothing.
#[test]
fn what_comes_after_the_finish_is_not_recorded() {
    let mut file = Vec::new();
    let record = SharedRecord::new(&mut file);
    let mut recorder = record.begin("ends", &Config::default()).expect("memory");
    live(&mut recorder);
    recorder.event(Instant(99), Event::Tick).expect("memory");
    recorder.action(childminder::Action::Reap);
    recorder.finish().expect("memory");
    drop(record);

    let runs = read(&file);
    assert_eq!(runs[0].steps.len(), STEPS + 3);
    assert_eq!(replay(&runs[0]), None);
}

#[test]
fn a_run_comes_when_it_has_finished_and_the_others_at_the_end() {
    let mut file = Vec::new();
    let record = SharedRecord::new(&mut file);
    let endless = record.begin("endless", &Config::default()).expect("memory");
    let mut ends = record.begin("ends", &Config::default()).expect("memory");
    live(&mut ends);
    ends.finish().expect("memory");
    endless.finish().expect("memory");
    drop(record);
    // A plain run may stand in the same file.
    Recorder::new(&mut file, "plain", &Config::default()).expect("memory");

    let names: Vec<_> = read(&file).into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["ends", "plain", "endless"]);
}

/// The whole life of a child that ends well.
fn live<W: Write>(recorder: &mut Recorder<W>) {
    let mut monitor = MonitorState::new(Config::default());
    let ticks = (1..=STEPS as u64).map(|at| (at, Event::Tick));
    let end = [
        (STEPS as u64, Event::OutputClosed),
        (STEPS as u64, Event::ChildExited(ExitStatus::Code(0))),
    ];
    for (at, event) in [(0, Event::Started)].into_iter().chain(ticks).chain(end) {
        recorder.event(Instant(at), event).expect("memory");
        monitor.handle(Instant(at), event).expect("in order");
        while let Some(action) = monitor.poll_action() {
            recorder.action(action);
        }
    }
}

fn read(file: &[u8]) -> Vec<Run> {
    Reader::new(file)
        .collect::<Result<_, _>>()
        .expect("the record is right")
}

/// Takes a few bytes at a time, and lets another thread run in between.
struct Torn(Vec<u8>);

impl Write for Torn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        thread::yield_now();
        let some = &bytes[..bytes.len().min(7)];
        self.0.write(some)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const RUNS: usize = 8;

const STEPS: usize = 20;
