//! A second for a command and its process group, by process-wrap.

use std::time::Duration;

use process_wrap::tokio::{CommandWrap, KillOnDrop, ProcessGroup};
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut command = CommandWrap::with_new("sh", |command| {
        command.arg("hangs.sh");
    });
    let mut child = command
        .wrap(KillOnDrop)
        .wrap(ProcessGroup::leader())
        .spawn()?;
    if timeout(Duration::from_secs(1), child.wait()).await.is_err() {
        println!("the time is up");
        Box::into_pin(child.kill()).await?;
    }
    println!("{}", child.wait().await?);
    Ok(())
}
