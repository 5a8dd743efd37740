//! Hooks, as Helm 4.3: `pkg/action/hooks.go`.

use cluster::{Object, ObjectRef, Propagation, Readiness};
use release::{DeletePolicy, Hook, HookEvent, HookExecution, HookPhase, LogPolicy};

use super::Runner;
use crate::error::Failure;
use crate::event::Event;
use crate::manifest::documents;
use crate::plan::Verb;

/// Hooks that have run, and the one that has failed.
pub(super) struct Ended {
    pub(super) done: Vec<Hook>,
    pub(super) failed: Option<(Hook, Failure)>,
}

/// The most of a container's log that is shown.
const LOG_LIMIT: u32 = 64 * 1024;

impl Runner<'_> {
    /// Runs the hooks of an event, one after the other; the first that fails ends it.
    pub(super) async fn run_hooks(&mut self, event: &HookEvent) -> Result<(), Failure> {
        let ended = self.execute_hooks(event, &|_| true).await;
        self.settle_hooks(ended).await.map_err(|source| match self.stage(event) {
            Some(stage) => Failure::Hook { stage, source: Box::new(source) },
            None => source,
        })
    }

    /// Runs the hooks of an event that are wanted, and leaves what follows to [`Self::settle_hooks`].
    pub(super) async fn execute_hooks(
        &mut self,
        event: &HookEvent,
        is_wanted: &(dyn Fn(&Hook) -> bool + Sync),
    ) -> Ended {
        let mut done: Vec<Hook> = Vec::new();
        for at in self.in_order(event) {
            if !self.release.hooks.get(at).is_some_and(is_wanted) {
                continue;
            }
            let result = self.run_hook(at, event).await;
            let Some(hook) = self.release.hooks.get(at).cloned() else { continue };
            match result {
                Ok(()) => done.push(hook),
                Err(failure) => return Ended { done, failed: Some((hook, failure)) },
            }
        }
        Ended { done, failed: None }
    }

    /// The hooks of an event by weight, then by name; the order by kind that they are stored in decides only what is left.
    pub(super) fn in_order(&self, event: &HookEvent) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.release.hooks.len())
            .filter(|at| self.release.hooks.get(*at).is_some_and(|hook| hook.events.contains(event)))
            .collect();
        order.sort_by(|a, b| {
            let place = |at: &usize| self.release.hooks.get(*at).map(|hook| (hook.weight, hook.name.as_str()));
            place(a).cmp(&place(b))
        });
        order
    }

    async fn run_hook(&mut self, at: usize, event: &HookEvent) -> Result<(), Failure> {
        let now = self.engine.now();
        let Some(hook) = self.release.hooks.get_mut(at) else { return Ok(()) };
        if hook.delete_policies.is_empty() {
            hook.delete_policies = vec![DeletePolicy::BeforeHookCreation];
        }
        self.hooked = true;
        let hook = hook.clone();
        self.proceed().await?;
        self.delete_hook(&hook, &DeletePolicy::BeforeHookCreation).await?;
        let objects = self.hook_objects(&hook).await.map_err(|source| {
            let text = format!("unable to build kubernetes object for {} hook {}", event.as_str(), hook.path);
            Failure::Hook { stage: text, source: Box::new(source) }
        })?;
        self.proceed().await?;
        self.mark(at, HookExecution { started_at: Some(now), completed_at: None, phase: HookPhase::Running });
        self.store().await?;
        self.tell_hook(&hook, event, "running");

        let result = self.send_hook(&hook, event, &objects).await;
        let phase = if result.is_ok() { HookPhase::Succeeded } else { HookPhase::Failed };
        self.tell_hook(&hook, event, if result.is_ok() { "succeeded" } else { "failed" });
        self.mark(at, HookExecution { started_at: Some(now), completed_at: Some(self.engine.now()), phase });
        result
    }

    async fn send_hook(&self, hook: &Hook, event: &HookEvent, objects: &[Object]) -> Result<(), Failure> {
        for object in objects {
            if let Err(error) = self.send_hook_object(hook, object).await {
                let stage = format!("warning: Hook {} {} failed", event.as_str(), hook.path);
                return Err(Failure::Hook { stage, source: Box::new(error) });
            }
        }
        let told = |object: &ObjectRef, readiness: &Readiness| self.tell_readiness(object, readiness);
        self.unless_cancelled(self.engine.cluster.wait_hook(objects, &self.hook_wait(), &told)).await
    }

    /// Sends an object of a hook. Where the server does not merge, one that an earlier run has left is in the way, if the
    /// policy has not deleted it; Helm fails then, we put the new one in its place.
    async fn send_hook_object(&self, hook: &Hook, object: &Object) -> Result<(), Failure> {
        if !self.is_server_side() && !hook.delete_policies.contains(&DeletePolicy::BeforeHookCreation) {
            let live = self.engine.cluster.get(object.id()).await?.unwrap_or_default();
            let annotations = live.pointer("/metadata/annotations");
            let is_hook = annotations.is_some_and(|annotations| annotations.get("helm.sh/hook").is_some());
            if is_hook && object.kind() != "CustomResourceDefinition" {
                self.engine.cluster.delete(object.id(), Propagation::Background).await?;
                let told = |object: &ObjectRef, readiness: &Readiness| self.tell_readiness(object, readiness);
                self.engine.cluster.wait_gone(&[object.id().clone()], &self.hook_wait(), &told).await?;
            }
        }
        Ok(self.send_new(object).await?)
    }

    fn mark(&mut self, at: usize, run: HookExecution) {
        if let Some(hook) = self.release.hooks.get_mut(at) {
            hook.last_run = run;
        }
    }

    /// After a failure, whatever else goes wrong is only worth a warning.
    pub(super) async fn settle(&self, hook: &Hook, logs: &LogPolicy, delete: &DeletePolicy) {
        self.print_logs(hook, logs).await;
        if let Err(error) = self.delete_hook(hook, delete).await {
            self.warn(format!("hook {} cannot be deleted: {error}", hook.path));
        }
    }

    /// Deletes a hook's objects if its policy says so, and waits until they are gone: whoever creates them again must
    /// not meet the old ones. Definitions are never deleted, for all their objects would go with them.
    pub(super) async fn delete_hook(&self, hook: &Hook, policy: &DeletePolicy) -> Result<(), Failure> {
        if hook.kind == "CustomResourceDefinition" || !hook.delete_policies.contains(policy) {
            return Ok(());
        }
        let objects = self.hook_objects(hook).await.map_err(|source| {
            let stage = format!("unable to build kubernetes object for deleting hook {}", hook.path);
            Failure::Hook { stage, source: Box::new(source) }
        })?;
        let mut deleted = Vec::new();
        for object in &objects {
            if self.engine.cluster.delete(object.id(), Propagation::Background).await? {
                deleted.push(object.id().clone());
            }
        }
        let told = |object: &ObjectRef, readiness: &Readiness| self.tell_readiness(object, readiness);
        Ok(self.engine.cluster.wait_gone(&deleted, &self.hook_wait(), &told).await?)
    }

    pub(super) async fn print_logs(&self, hook: &Hook, policy: &LogPolicy) {
        if !hook.output_log_policies.contains(policy) {
            return;
        }
        let Ok(objects) = self.hook_objects(hook).await else { return };
        for object in &objects {
            match self.engine.cluster.logs(object.id(), LOG_LIMIT).await {
                Ok(logs) => {
                    for log in logs {
                        (self.observer)(Event::Log { pod: log.pod, container: log.container, text: log.text });
                    }
                }
                Err(error) => self.warn(format!("the logs of hook {} cannot be read: {error}", hook.path)),
            }
        }
    }

    async fn hook_objects(&self, hook: &Hook) -> Result<Vec<Object>, Failure> {
        let documents = documents(&hook.manifest).map_err(|error| Failure::Message(error.to_string()))?;
        Ok(self.engine.cluster.build(documents, &self.target.namespace).await?)
    }

    fn tell_hook(&self, hook: &Hook, event: &HookEvent, phase: &str) {
        (self.observer)(Event::Hook {
            name: hook.name.clone(),
            kind: hook.kind.clone(),
            event: event.as_str().to_owned(),
            phase: phase.to_owned(),
        });
    }

    /// What Helm says in front of a failed hook.
    fn stage(&self, event: &HookEvent) -> Option<String> {
        match self.verb {
            Verb::Install => Some(format!("failed {}", event.as_str())),
            Verb::Upgrade => Some(format!("{} hooks failed", event.as_str())),
            Verb::Rollback | Verb::Uninstall | Verb::Unlock => None,
        }
    }
}
