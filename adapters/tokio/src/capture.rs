//! Commands that are given their input and whose output is kept.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use childminder::Stream;
use childminder_driver::{Captured, ChildId, Failure, Handler as _, Request, Requests};
use childminder_unix as unix;

use crate::minder::{Minder, Options};
use crate::{Child, Output};

impl Minder {
    /// Runs `command` to its end, gives it its input and keeps its output.
    ///
    /// ```
    /// use childminder_tokio::{Captured, Minder, childminder::Config};
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let minder = Minder::new()?;
    /// let config = Config { run_timeout: Some(Duration::from_secs(60)), ..Config::default() };
    /// let mut command = Command::new("tr");
    /// let hello = Captured::default().with_input("hello");
    /// let captured = minder.capture(command.args(["a-z", "A-Z"]), config, hello).await?;
    /// assert_eq!(captured.check()?.stdout().to_string(), "HELLO");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// All is as with `childminder_mio::capture`: the streams are set here, in place of what the command says; a child
    /// that does not read its input, or closes it early, is no error; what it leaves behind in its group or elsewhere
    /// is ended as the config says.
    ///
    /// The command is spawned when the future is polled first. Dropping the future before its end kills the child and
    /// its process group.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), with the program named in the words, and if the runtime of the minder is dropped
    /// before the end. What the child does is none: a failure is the [`Captured`]'s, and [`Captured::check`] makes an
    /// error of it.
    pub async fn capture(
        &self,
        command: &mut impl unix::Spawnable,
        options: impl Into<Options>,
        captured: Captured,
    ) -> io::Result<Captured> {
        let program = command.pipe_streams(captured.has_input());
        let mut captured = captured.named(program);
        let spawned = self.spawn(command, options.into().with_input(captured.input()));
        let mut child = spawned.map_err(|error| captured.not_run(error))?;
        let mut keeper = Keeper {
            outputs: [child.take_stdout(), child.take_stderr()],
            captured,
            requests: Requests::new(),
        };
        poll_fn(|context| keeper.poll(context, &child)).await;
        let outcome = child.outcome().await?;
        let Keeper {
            mut captured,
            mut requests,
            ..
        } = keeper;
        for error in child.errors() {
            let reason = error.reason.map(|reason| Box::new(reason) as Failure);
            let control = &mut requests.control(ChildId::FIRST);
            captured.error(control, error.error, false, reason);
        }
        captured.finished(outcome);
        Ok(captured)
    }
}

/// Has a handler keep what the readers of a child bring.
struct Keeper {
    outputs: [Option<Output>; 2],
    captured: Captured,
    requests: Requests<()>,
}

impl Keeper {
    /// Until both streams have ended.
    fn poll(&mut self, context: &mut Context<'_>, child: &Child) -> Poll<()> {
        let mut is_over = true;
        for stream in Stream::ALL {
            is_over &= self.poll_stream(context, stream).is_ready();
        }
        while let Some((_, request)) = self.requests.pop() {
            if let Request::Fail(failure) = request {
                child.fail(failure);
            }
        }
        if is_over {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_stream(&mut self, context: &mut Context<'_>, stream: Stream) -> Poll<()> {
        let Some(output) = &self.outputs[stream as usize] else {
            return Poll::Ready(());
        };
        let control = &mut self.requests.control(ChildId::FIRST);
        output.poll_to_end(context, |bytes| {
            self.captured.output(control, stream, bytes);
        })
    }
}
