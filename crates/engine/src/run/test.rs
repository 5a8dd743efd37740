//! The tests of a release, as Helm 4.3: `pkg/action/release_testing.go`.

use release::{DeletePolicy, Hook, HookEvent, LogPolicy, Release};

use super::Runner;
use super::hooks::Ended;
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, Failure};
use crate::event::Observer;
use crate::intent::{Apply, Test};
use crate::lock::Lock;
use crate::plan::Verb;

/// What came of the tests of a release.
#[derive(Debug)]
pub struct Tested {
    /// The release as it is stored now.
    pub release: Release,
    /// What the containers of the tests have printed, or why that cannot be read; only on request.
    pub logs: Vec<Result<cluster::ContainerLog, String>>,
    /// Why a test has failed.
    pub failure: Option<Failure>,
}

impl Engine {
    /// Runs the tests of a release, one after the other until one fails, and records how they went.
    ///
    /// # Errors
    /// When there is no such release. That a test has failed, or how it went could not be recorded, is part of the result.
    pub async fn test(&self, wish: Test, observer: Observer<'_>) -> Result<Tested, Error> {
        self.test_until(wish, observer, &Cancel::default()).await
    }

    /// As [`Self::test`], until somebody cancels: then no further test is begun, and the one under way is not waited for.
    ///
    /// # Errors
    /// As [`Self::test`].
    pub async fn test_until(&self, wish: Test, observer: Observer<'_>, cancel: &Cancel) -> Result<Tested, Error> {
        let (_, record) = self.last(&wish.target).await?;
        let mut release = record.release;
        let (chosen, left): (Vec<Hook>, Vec<Hook>) =
            std::mem::take(&mut release.hooks).into_iter().partition(|hook| wish.wants(&hook.name));
        // Tests change nothing of the release, and Helm lets a change begin meanwhile: nothing is locked.
        let lock = Lock::new(self, wish.target.clone(), cancel.clone());
        let mut runner = Runner {
            engine: self,
            observer,
            lock: &lock,
            // Tests have no steps, so the verb is of no use but to name the stage of a hook, which those of tests have none
            // of; and they are sent as the revision was.
            verb: Verb::Rollback,
            target: wish.target.clone(),
            // As Helm keeps them from now on: those left out first.
            release: Release { hooks: [left, chosen].concat(), ..release },
            token: Some(record.token),
            created: Vec::new(),
            apply: Apply::default(),
            wait: wish.wait,
            migrate_fields: false,
            no_hooks: false,
            hooked: false,
        };
        let ended = runner.execute_hooks(&HookEvent::Test, &|hook| wish.wants(&hook.name)).await;
        let stored = runner.store().await;
        let logs = if wish.logs { runner.test_logs(&wish).await } else { Vec::new() };
        let failure = runner.settle_hooks(ended).await.err().or(stored.err().map(Failure::Ledger));
        Ok(Tested { release: runner.release, logs, failure })
    }
}

impl Runner<'_> {
    /// What the pods among the tests have printed, in the order they ran in.
    async fn test_logs(&self, wish: &Test) -> Vec<Result<cluster::ContainerLog, String>> {
        let mut logs = Vec::new();
        for hook in self.in_order(&HookEvent::Test).into_iter().filter_map(|at| self.release.hooks.get(at)) {
            if hook.kind != "Pod" || !wish.wants(&hook.name) {
                continue;
            }
            let pod = cluster::ObjectRef {
                gvk: cluster::Gvk::new("v1", "Pod"),
                namespace: self.target.namespace.clone(),
                name: hook.name.clone(),
            };
            match self.engine.cluster.get(&pod).await {
                Ok(Some(live)) => logs.extend(self.engine.cluster.pod_logs(&pod, &live).await),
                Ok(None) => {
                    logs.push(Err(format!("unable to get pod {0}: pods \"{0}\" not found", hook.name)));
                    return logs;
                }
                Err(error) => {
                    logs.push(Err(format!("unable to get pod {}: {error}", hook.name)));
                    return logs;
                }
            }
        }
        logs
    }

    /// Logs and deletions that follow hooks, as their policies say; gives back why a hook has failed.
    pub(super) async fn settle_hooks(&self, ended: Ended) -> Result<(), Failure> {
        let Ended { done, failed } = ended;
        let Some((hook, failure)) = failed else {
            // Objects of early hooks live until the whole event is over.
            for hook in done.iter().rev() {
                self.print_logs(hook, &LogPolicy::Succeeded).await;
                self.delete_hook(hook, &DeletePolicy::Succeeded).await?;
            }
            return Ok(());
        };
        self.settle(&hook, &LogPolicy::Failed, &DeletePolicy::Failed).await;
        for earlier in &done {
            self.delete_hook(earlier, &DeletePolicy::Succeeded).await?;
        }
        Err(failure)
    }
}
