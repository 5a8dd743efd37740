//! What follows a step that failed: the record says so, and then the plan's failure steps.

use cluster::Propagation;
use release::Status;

use super::Runner;
use crate::error::{Error, Failure};
use crate::intent::{Cascade, Rollback, Uninstall};
use crate::plan::{Back, Failure as Plan, Stance, Verb};

impl Runner<'_> {
    /// Records a failure, cleans up and goes back as planned, and says what happened.
    pub(super) async fn fail(&mut self, cause: Failure, plan: Plan) -> Error {
        self.lock.fails();
        let subject = match self.verb {
            Verb::Install => "Release",
            Verb::Upgrade => "Upgrade",
            Verb::Rollback => "Rollback",
            Verb::Uninstall => "Uninstall",
            Verb::Unlock => "Unlock",
        };
        let name = self.target.name.clone();
        let description = match &cause {
            Failure::Hook { stage, source } if *stage == self.in_rollback() => {
                format!("Release {name:?} failed: {source}")
            }
            cause => format!("{subject} {name:?} failed: {cause}"),
        };
        self.conclude(Status::Failed, description);
        let mut message = cause.to_string();
        if let Err(error) = self.store().await {
            self.warn(format!("the failure could not be recorded: {error}"));
            message.push_str(&format!(", and the failure could not be recorded: {error}"));
        }
        if self.lock.is_lost().await {
            // What is in the cluster is somebody else's business now.
            return Error::Failed { message, release: Box::new(self.release.clone()), cause: Box::new(cause) };
        }
        if plan.cleanup
            && let Err(error) = self.clean_up().await
        {
            message = format!(
                "an error occurred while cleaning up resources. original {} error: {message}: unable to cleanup resources: {error}",
                self.verb.as_str()
            );
        }
        if let Some(back) = plan.rollback {
            message = self.go_back(back, &message).await;
        }
        Error::Failed { message, release: Box::new(self.release.clone()), cause: Box::new(cause) }
    }

    async fn clean_up(&self) -> Result<(), cluster::Error> {
        for object in self.created.iter().rev() {
            if self.engine.cluster.delete(object, Propagation::Background).await? {
                self.tell(object, "deleted", None);
            }
        }
        Ok(())
    }

    /// Goes back; what is returned is what to tell the caller, in Helm's words.
    async fn go_back(&self, back: Back, cause: &str) -> String {
        let name = &self.target.name;
        match back {
            Back::Nowhere => format!(
                "unable to find a previously successful release when attempting to rollback. original upgrade error: {cause}"
            ),
            Back::Away => {
                let wish = Uninstall {
                    target: self.target.clone(),
                    keep_history: false,
                    no_hooks: self.no_hooks,
                    cascade: Cascade::Background,
                    description: None,
                    wait: self.wait,
                    ignore_not_found: true,
                    expected_revision: None,
                };
                let plan = self.engine.plan_uninstall(wish, Stance::Inside);
                let away = async { self.engine.drive(plan.await?, self.observer, self.lock).await };
                match Box::pin(away).await {
                    Ok(_) => format!(
                        "release {name} failed, and has been uninstalled due to rollback-on-failure being set: {cause}"
                    ),
                    Err(error) => format!(
                        "an error occurred while uninstalling the release. original install error: {cause}: {error}"
                    ),
                }
            }
            Back::To(revision) => {
                let wish = Rollback {
                    target: self.target.clone(),
                    revision: Some(revision),
                    description: None,
                    apply: self.apply,
                    wait: self.wait,
                    cleanup_on_fail: false,
                    no_hooks: self.no_hooks,
                    history_max: 0,
                    expected_revision: None,
                };
                let plan = self.engine.plan_rollback(wish, Stance::Inside);
                let back = async { self.engine.drive(plan.await?, self.observer, self.lock).await };
                match Box::pin(back).await {
                    Ok(_) => format!(
                        "release {name} failed, and has been rolled back due to rollback-on-failure being set: {cause}"
                    ),
                    Err(error) => format!(
                        "an error occurred while rolling back the release. original upgrade error: {cause}: {error}"
                    ),
                }
            }
        }
    }
}
