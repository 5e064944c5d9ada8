//! A second of silence for a command, by processkit.

use std::time::Duration;

use processkit::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> processkit::Result<()> {
    let command = Command::new("sh").arg("hangs.sh");
    let command = command.inactivity_timeout(Duration::from_secs(1));
    let result = command.output_string().await?;
    println!("{:?}", result.outcome());
    Ok(())
}
