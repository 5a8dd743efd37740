//! The first revision, as Helm 4.3: `pkg/action/install.go`.

use release::{ApplyMethod, HookEvent, Info, Release, Status};

use super::past::Past;
use super::{Action, Back, Failure, Plan, Stance, Step, Verb};
use crate::compose::Occasion;
use crate::engine::Engine;
use crate::error::Error;
use crate::intent::{Change, Crds, WaitStrategy};
use crate::manifest::defined;

impl Engine {
    /// Installs, or upgrades what is there, as `helm upgrade --install`.
    pub(crate) async fn plan_apply(&self, change: Change) -> Result<Plan, Error> {
        let past = self.past(&change.target, change.expected_revision, Stance::Outside).await?.settled()?;
        match past.history.last() {
            None => self.install_after(change, past).await,
            Some(last) if last.status == Status::Uninstalled => self.install_after(change, past).await,
            // Not an upgrade, which would leave out what only installs do.
            Some(_) if past.is_dead_install() => self.install_after(change, past).await,
            Some(_) => self.upgrade_after(change, past).await,
        }
    }

    /// Plans an install; with `replace` it may follow a revision that is uninstalled or has failed.
    pub(crate) async fn plan_install(&self, change: Change) -> Result<Plan, Error> {
        let mut past = self.past(&change.target, change.expected_revision, Stance::Outside).await?;
        if change.preview {
            past = Past::default();
        }
        match past.history.last() {
            None => self.install_after(change, past).await,
            // An install that died is installed again.
            Some(_) if past.is_dead_install() => self.install_after(change, past).await,
            Some(last) if change.replace && matches!(last.status, Status::Uninstalled | Status::Failed) => {
                self.install_after(change, past).await
            }
            Some(last) => Err(Error::NameInUse { revision: last.key.revision, status: last.status }),
        }
    }

    /// Plans an install over nothing, over a revision that it replaces, or over an install that died.
    async fn install_after(&self, change: Change, past: Past) -> Result<Plan, Error> {
        let (target, history) = (change.target.clone(), past.history);
        release::check_labels(&change.labels)?;
        let chart = change.chart.clone().ok_or(Error::ChartMissing)?;
        let revision = history.next_revision();
        // What is rendered for an install is the first revision, also where an older one is replaced.
        let occasion = Occasion { target: target.clone(), revision: 1, upgrade: false };
        let composed = self.compose(&chart, &change.values, occasion, &change).await?;

        let crds = if change.crds == Crds::Skip { Vec::new() } else { self.crds(&composed.chart).await? };
        let defined = defined(&crds);
        let mut objects = self.objects(&composed.manifest, &target.namespace, &defined).await?;
        self.own(&target, &mut objects);
        // What installs that died or failed have made and this one does not.
        let lived = self.lived(&history).await?;
        let (old, missing) = self.objects_of(&lived, &target.namespace).await?;
        let mut planned =
            self.newcomers(Verb::Install, &target, objects.clone(), change.apply.take_ownership, &defined).await?;
        let server_side = change.apply.method.is_server_side(None);
        if planned.iter().any(|planned| planned.action == Action::Adopt) {
            change.apply.check(server_side)?;
            if !server_side {
                self.baselines(&mut planned, &lived, &target.namespace).await?;
            }
        }

        let now = Some(self.now());
        let release = Release {
            name: target.name.clone(),
            info: Info {
                first_deployed: now,
                last_deployed: now,
                description: "Initial install underway".to_owned(),
                status: Status::PendingInstall,
                notes: composed.notes,
                ..Info::default()
            },
            chart: composed.chart,
            config: change.values,
            manifest: composed.manifest,
            hooks: composed.hooks,
            version: revision,
            namespace: target.namespace.clone(),
            apply_method: Some(ApplyMethod::of(server_side)),
            labels: change.labels,
            ..Release::default()
        };
        super::fits(&release, self.ledger())?;

        let mut steps = Vec::new();
        if change.create_namespace {
            steps.push(Step::Namespace);
        }
        steps.push(Step::Lock);
        steps.extend(past.ending.map(Step::End));
        // Before the record, as Helm does it: an upgrade creates none, so a failed install without them could not be
        // upgraded to one that works.
        if !crds.is_empty() {
            steps.push(Step::Crds { objects: crds, replace: change.crds == Crds::CreateReplace });
        }
        steps.push(Step::Record);
        if let Some(last) = history.last().filter(|last| last.status != Status::Failed) {
            let mut replaced = self.ledger.get(&last.key).await?;
            replaced.release.info.description = "superseded by new release".to_owned();
            steps.push(Step::Supersede(vec![replaced]));
        }
        if !change.no_hooks {
            steps.push(Step::Hooks(HookEvent::PreInstall));
        }
        steps.push(Step::Apply(planned));
        steps.push(Step::Remove(cluster::removed(&old, &objects).into_iter().cloned().collect()));
        steps.push(Step::Wait(objects));
        if !change.no_hooks {
            steps.push(Step::Hooks(HookEvent::PostInstall));
        }
        let description = change.description.unwrap_or_else(|| "Install complete".to_owned());
        steps.push(Step::Deployed { description });
        let mut wait = change.wait;
        if change.on_failure.rollback && wait.strategy == WaitStrategy::HookOnly {
            wait.strategy = WaitStrategy::Watcher;
        }
        let mut warnings = composed.warnings;
        warnings.extend(past.warnings);
        warnings.extend(missing);
        Ok(Plan {
            verb: Verb::Install,
            target,
            release,
            steps,
            failure: Failure { rollback: change.on_failure.rollback.then_some(Back::Away), cleanup: false },
            warnings,
            rejections: Vec::new(),
            apply: change.apply,
            wait,
            migrate_fields: server_side,
            no_hooks: change.no_hooks,
        })
    }
}
