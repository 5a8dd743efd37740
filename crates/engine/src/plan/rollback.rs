//! Going back, as Helm 4.3: `pkg/action/rollback.go`.

use release::{ApplyMethod, HookEvent, Info, Key, Record, Release, Status, Token};

use super::foresee::{Foreseen, Foresight, how};
use super::{Failure, Plan, Planned, Stance, Step, Verb};
use crate::engine::Engine;
use crate::error::Error;
use crate::intent::Rollback;

/// The longest description of a rollback, in characters.
const MAX_DESCRIPTION: usize = 256;

impl Engine {
    pub(crate) async fn plan_rollback(&self, wish: Rollback, stance: Stance) -> Result<Plan, Error> {
        if let Some(length) =
            wish.description.as_ref().map(|text| text.chars().count()).filter(|n| *n > MAX_DESCRIPTION)
        {
            return Err(Error::Description { most: MAX_DESCRIPTION, length });
        }
        // A pending revision of Helm does not stand in the way: going back is how Helm itself ends one.
        let past = self.past(&wish.target, wish.expected_revision, stance).await?;
        let history = past.history;
        let last = history.last().ok_or_else(|| Error::NotFound(wish.target.clone()))?;
        let to = wish.revision.unwrap_or(last.key.revision.saturating_sub(1));
        if history.get(to).is_none() {
            return Err(Error::NoRevision(to));
        }
        let current = self.ledger.get(&last.key).await?.release;
        let good = self.ledger.get(&Key::new(&wish.target.namespace, &wish.target.name, to)).await?.release;

        let server_side = wish.apply.method.is_server_side(Some(good.is_server_side()));
        wish.apply.check(server_side)?;
        let description = wish.description.clone().unwrap_or_else(|| format!("Rollback to {to}"));
        let release = Release {
            name: good.name,
            info: Info {
                first_deployed: current.info.first_deployed,
                last_deployed: Some(self.now()),
                deleted: None,
                description: description.clone(),
                status: Status::PendingRollback,
                rollback_revision: to,
                notes: good.info.notes,
            },
            chart: good.chart,
            config: good.config,
            manifest: good.manifest,
            hooks: good.hooks,
            version: history.next_revision(),
            namespace: current.namespace.clone(),
            apply_method: Some(ApplyMethod::of(server_side)),
            labels: good.labels,
            ..Release::default()
        };
        let namespace = &wish.target.namespace;
        let mut lived = self.lived(&history).await?;
        let deployed = self.deployed(&history, &lived).await?;
        if !lived.iter().any(|record| record.release.version == current.version) {
            lived.insert(0, Record { release: current, token: Token::default() });
        }
        let (old, missing) = self.objects_of(&lived, namespace).await?;
        let mut wanted = self.objects(&release.manifest, namespace, &[]).await?;
        self.own(&wish.target, &mut wanted);
        let mut planned: Vec<_> = wanted.iter().map(|object| Planned::among(object, &old)).collect();
        if !server_side {
            self.baselines(&mut planned, &lived, namespace).await?;
        }
        let foresight = match stance {
            Stance::Outside => Foresight::after(&HookEvent::PreRollback, &release, wish.no_hooks),
            Stance::Inside => Foresight::Vague,
        };
        let Foreseen { rejections, warnings: heard } =
            self.foresee(&mut planned, how(&release, wish.apply, server_side), foresight).await?;
        super::fits(&release, self.ledger())?;

        // What is gone back to is pruned last: until then the same can be asked for again.
        let (last_of_all, prune) = history.prune(wish.history_max).into_iter().partition(|key| key.revision == to);
        let mut steps = vec![Step::Lock];
        steps.extend(past.ending.map(Step::End));
        steps.extend([Step::Prune(prune), Step::Record]);
        if !wish.no_hooks {
            steps.push(Step::Hooks(HookEvent::PreRollback));
        }
        let removed = cluster::removed(&old, &wanted).into_iter().cloned().collect();
        steps.push(Step::Apply(planned));
        steps.push(Step::Remove(removed));
        steps.push(Step::Wait(wanted));
        if !wish.no_hooks {
            steps.push(Step::Hooks(HookEvent::PostRollback));
        }
        steps.push(Step::Supersede(deployed));
        steps.push(Step::Deployed { description });
        steps.push(Step::Prune(last_of_all));
        let mut warnings = past.warnings;
        warnings.extend(missing);
        warnings.extend(heard);
        Ok(Plan {
            verb: Verb::Rollback,
            target: wish.target,
            release,
            steps,
            failure: Failure { rollback: None, cleanup: wish.cleanup_on_fail },
            warnings,
            rejections,
            apply: wish.apply,
            wait: wish.wait,
            migrate_fields: server_side,
            no_hooks: wish.no_hooks,
        })
    }
}
