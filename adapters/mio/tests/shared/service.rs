//! A service over HTTP that answers each request as it is told to.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Fine,
    Unavailable,
    /// The connection is closed without a word.
    Closed,
    /// It is never answered.
    Hangs,
    /// It is answered well, so much later.
    Late(Duration),
}

/// A request: its path, and its body.
pub(crate) type Request = (String, String);

pub(crate) struct Service {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Service {
    /// It gives these replies, one after the other, and answers well after them.
    pub(crate) fn replying(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let requests = Arc::default();
        let replies = replies.to_vec();
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            let replies = replies.into_iter().chain(std::iter::repeat(Reply::Fine));
            for (stream, reply) in listener.incoming().zip(replies) {
                let log = Arc::clone(&log);
                // A client that has left has left.
                thread::spawn(move || serve(stream?, reply, &log));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The requests that have come, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic").clone()
    }

    /// That the log was posted meanwhile, at last its last hundred lines of 150, and then that the job exited with 3.
    #[track_caller]
    pub(crate) fn expect_log_and_result(&self) {
        let requests = self.requests();
        let (result, logs) = requests.split_last().expect("requests");
        assert_eq!(result, &("/result".into(), "exit status 3".into()));
        assert!(logs.len() >= 2, "{requests:?}");
        assert!(logs.iter().all(|(path, _)| path == "/log"));
        let last: Vec<_> = logs[logs.len() - 1].1.lines().collect();
        let lines: Vec<_> = (51..=150).map(|number| format!("line {number}")).collect();
        assert_eq!(last, lines);
    }

    /// A place where nobody listens.
    pub(crate) fn nowhere() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").to_string()
    }
}

fn serve(mut stream: TcpStream, reply: Reply, log: &Mutex<Vec<Request>>) -> io::Result<()> {
    let request = read(&mut BufReader::new(&stream))?;
    log.lock().expect("no panic").push(request);
    let status = match reply {
        Reply::Fine => "200 OK",
        Reply::Unavailable => "503 Service Unavailable",
        Reply::Closed => return Ok(()),
        Reply::Hangs => {
            // Until the client gives up.
            stream.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        Reply::Late(time) => {
            thread::sleep(time);
            "200 OK"
        }
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

fn read(reader: &mut impl io::BufRead) -> io::Result<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let path = lines[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let length = lines.iter().find_map(|line| {
        let length = line.strip_prefix("Content-Length:")?;
        length.trim().parse().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok((path, String::from_utf8_lossy(&body).into_owned()))
}
