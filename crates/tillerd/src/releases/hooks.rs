//! Hooks, as Helm 2.17: `pkg/tiller/release_server.go execHook`.

use tiller::hapi::release::Hook;
use tiller::hapi::release::hook::{DeletePolicy, Event};

use super::Releases;
use crate::failure::Failure;
use crate::objects::deadline;

impl Releases {
    /// Runs the hooks of an event one after the other, lighter ones first, and notes on them when they ran.
    pub(super) async fn run_hooks(
        &self,
        hooks: &mut [Hook],
        namespace: &str,
        event: Event,
        timeout: i64,
    ) -> Result<(), Failure> {
        let mut turn: Vec<usize> = (0..hooks.len()).filter(|at| is_of(hooks.get(*at), event)).collect();
        turn.sort_by_key(|at| hooks.get(*at).map(|hook| (hook.weight, hook.name.clone())));
        for hook in turn.iter().filter_map(|at| hooks.get(*at)) {
            self.delete_hook(hook, DeletePolicy::BeforeHookCreation, namespace).await?;
            let objects = self.objects.create(namespace, &hook.manifest).await?;
            if event == Event::CrdInstall {
                self.objects.wait_established(&objects, deadline(timeout)).await?;
            } else if let Err(error) = self.objects.wait_hook(&objects, deadline(timeout)).await {
                self.delete_hook(hook, DeletePolicy::Failed, namespace).await?;
                return Err(error);
            }
        }
        for hook in turn.iter().filter_map(|at| hooks.get(*at)) {
            self.delete_hook(hook, DeletePolicy::Succeeded, namespace).await?;
        }
        let now = self.moment();
        for at in turn {
            if let Some(hook) = hooks.get_mut(at) {
                hook.last_run = Some(now);
            }
        }
        Ok(())
    }

    /// Deletes what a hook has made, if it has that policy.
    async fn delete_hook(&self, hook: &Hook, policy: DeletePolicy, namespace: &str) -> Result<(), Failure> {
        if !hook.delete_policies().any(|of| of == policy) {
            return Ok(());
        }
        let objects = self.objects.delete(namespace, &hook.manifest).await?;
        if hook.delete_timeout > 0 {
            self.objects.wait_gone(&objects, deadline(hook.delete_timeout)).await?;
        }
        Ok(())
    }
}

fn is_of(hook: Option<&Hook>, event: Event) -> bool {
    hook.is_some_and(|hook| hook.events().any(|of| of == event))
}
