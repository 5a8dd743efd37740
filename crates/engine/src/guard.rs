//! Templates are other people's programs: they run within budgets, away from the threads that serve requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use render::{Limit, Limits, RenderError};

use crate::engine::Settings;
use crate::error::Error;
use crate::template::{Notice, Template, Templated};

/// How long is waited for what has run out of time to say where it was.
const GRACE: Duration = Duration::from_secs(5);

impl Settings {
    /// Renders within the budgets, on a thread that may be busy for long.
    ///
    /// # Errors
    /// As [`Template::render`], and when a budget is used up.
    pub async fn render(&self, template: Template) -> Result<(Templated, Vec<Notice>), Error> {
        let (told, resolve) = (self.notices.clone(), self.resolve.clone());
        self.guard(move |limits, interrupt| {
            let resolve = template.resolve.clone().or(resolve);
            let template = Template { limits, interrupt: Some(interrupt), resolve, ..template };
            let mut notices = Vec::new();
            let mut notice = |notice: Notice| match &told {
                Some(told) => told(&notice),
                None if matches!(notice, Notice::Schema { .. }) => {}
                None => notices.push(notice),
            };
            let done = template.render(&mut notice)?;
            done.rendered.skipped_hooks.iter().for_each(|hook| notice(Notice::UnknownHook(hook.clone())));
            Ok((done, notices))
        })
        .await
    }

    /// Runs what renders: it is given the budgets, and has to end when the flag turns true, which it does when the time is
    /// up or nobody waits any more. Only so many run at a time.
    ///
    /// # Errors
    /// Those of the work, and when the time is up.
    pub async fn guard<T: Send + 'static>(
        &self,
        work: impl FnOnce(Limits, Arc<AtomicBool>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = match &self.turns {
            Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
            None => None,
        };
        let interrupt = Arc::new(AtomicBool::new(false));
        let stop = StopOnDrop(Arc::clone(&interrupt));
        let (limits, rendered) = (self.limits.clone(), self.rendered.clone());
        let mut work = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let done = work(limits, interrupt);
            if let Some(rendered) = rendered {
                rendered(begun.elapsed());
            }
            // The turn is over when the work is, whoever waits for it.
            drop(turn);
            done
        });
        let done = match self.time {
            None => (&mut work).await,
            Some(time) => match tokio::time::timeout(time, &mut work).await {
                Ok(done) => done,
                Err(_) => {
                    drop(stop);
                    let late = tokio::time::timeout(GRACE, work).await.map_err(|_| Error::RenderTime(time))?;
                    return late.map_err(|_| Error::RenderDied)?.map_err(|error| out_of_time(error, time));
                }
            },
        };
        done.map_err(|_| Error::RenderDied)?
    }
}

/// Says what the interruption was for.
fn out_of_time(error: Error, time: Duration) -> Error {
    match error {
        Error::Render(RenderError::Limit { template, limit: limit @ Limit::Interrupted, .. }) => {
            let reason = format!("it has run for {} seconds", time.as_secs());
            Error::Render(RenderError::Limit { template, limit, reason })
        }
        error => error,
    }
}

/// Ends a render that nobody waits for any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
