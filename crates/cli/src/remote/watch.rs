//! What goes on beside the wait for an operation: a word from time to time, and the user's leave to stop it.

use engine::Verb;
use tokio::sync::oneshot;

use super::client::{Ask, Client, segment};
use crate::change::tell_cancelled;
use crate::command::Call;
use crate::commands::serve::shutdown;
use crate::progress::{PATIENCE, Progress};

/// Waits; when the user has had enough, the operation is cancelled, which then ends in order.
pub(crate) fn watched<T>(
    client: &Client,
    call: &Call,
    verb: Option<Verb>,
    id: &str,
    progress: &Progress,
    wait: impl FnOnce() -> T,
) -> T {
    let (over, is_over) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            runtime.block_on(async {
                tokio::select! {
                    _ = is_over => {}
                    () = ticking(progress) => {}
                    () = interrupted(client, call, verb, id) => {
                        // It takes too long as well: the operation is the server's to end.
                        eprintln!("Error: context canceled");
                        std::process::exit(1);
                    }
                }
            });
        });
        let result = wait();
        drop(over);
        result
    })
}

async fn interrupted(client: &Client, call: &Call, verb: Option<Verb>, id: &str) {
    shutdown().await;
    if let Some(verb) = verb {
        tell_cancelled(call, verb);
    }
    // Whether it could be cancelled shows in how it ends.
    let _ = cancel(client, id);
    shutdown().await;
}

/// Asks for an end of an operation.
pub(crate) fn cancel(client: &Client, id: &str) -> crate::fail::Outcome<api::Operation> {
    Ok(client.json(&Ask::to("POST", format!("/v1/operations/{}/cancel", segment(id))))?)
}

async fn ticking(progress: &Progress) {
    loop {
        tokio::time::sleep(PATIENCE).await;
        progress.tick();
    }
}
