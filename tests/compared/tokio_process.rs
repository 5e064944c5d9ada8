//! A second for a command, by tokio alone.

use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut command = Command::new("sh");
    command.arg("hangs.sh").kill_on_drop(true);
    match timeout(Duration::from_secs(1), command.output()).await {
        Ok(output) => println!("{}", output?.status),
        Err(_) => println!("the time is up"),
    }
    Ok(())
}
