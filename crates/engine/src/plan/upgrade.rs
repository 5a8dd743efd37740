//! A further revision, as Helm 4.3: `pkg/action/upgrade.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use chart::Chart;
use goyaml::Map;
use release::{ApplyMethod, Head, History, HookEvent, Info, Release, Status};

use super::foresee::{Foreseen, Foresight, how};
use super::past::Past;
use super::{Action, Back, Failure, Plan, Planned, Stance, Step, Verb};
use crate::compose::Occasion;
use crate::engine::Engine;
use crate::error::Error;
use crate::intent::{Change, Crds, ValueStrategy, WaitStrategy};
use crate::manifest::defined;

impl Engine {
    pub(crate) async fn plan_upgrade(&self, change: Change) -> Result<Plan, Error> {
        let past = self.past(&change.target, change.expected_revision, Stance::Outside).await?.settled()?;
        self.upgrade_after(change, past).await
    }

    pub(crate) async fn upgrade_after(&self, change: Change, past: Past) -> Result<Plan, Error> {
        let (target, history) = (change.target.clone(), past.history);
        let last = history.last().ok_or_else(|| Error::NoDeployed(target.name.clone()))?;
        let base = base(&history, last).ok_or_else(|| Error::NoDeployed(target.name.clone()))?;
        release::check_labels(&change.labels)?;
        let lived = self.lived(&history).await?;
        let deployed = self.deployed(&history, &lived).await?;
        let base = match lived.iter().find(|record| record.release.version == base.key.revision) {
            Some(record) => record.release.clone(),
            None => self.ledger.get(&base.key).await?.release,
        };
        let (chart, values) = values(&change, &base)?;
        let before = match lived.iter().find(|record| record.release.version == last.key.revision) {
            Some(record) => record.release.is_server_side(),
            None => self.ledger.get(&last.key).await?.release.is_server_side(),
        };
        let server_side = change.apply.method.is_server_side(Some(before));
        change.apply.check(server_side)?;
        let revision = history.next_revision();
        let occasion = Occasion { target: target.clone(), revision, upgrade: true };
        let composed = self.compose(&chart, &values, occasion, &change).await?;

        let crds = if change.crds == Crds::CreateReplace { self.crds(&composed.chart).await? } else { Vec::new() };
        let defined = defined(&crds);
        let namespace = &target.namespace;
        let (old, _) = self.old_objects(&base.manifest, namespace).await?;
        let (all, missing) = self.objects_of(&lived, namespace).await?;
        let mut wanted = self.objects(&composed.manifest, namespace, &defined).await?;
        self.own(&target, &mut wanted);
        // New is what the last manifest does not have in this very version; it may exist all the same.
        let (known, new): (Vec<_>, Vec<_>) =
            wanted.iter().cloned().partition(|object| old.iter().any(|other| other.id() == object.id()));
        let mut planned: Vec<Planned> = known.into_iter().map(|object| Planned::new(object, Action::Update)).collect();
        planned.extend(self.newcomers(Verb::Upgrade, &target, new, change.apply.take_ownership, &defined).await?);
        let place = |planned: &Planned| wanted.iter().position(|object| object.id() == planned.object.id());
        planned.sort_by_key(place);

        let migrate_fields = server_side && !base.is_server_side();
        if !server_side {
            self.baselines(&mut planned, &lived, namespace).await?;
        }
        let release = Release {
            name: target.name.clone(),
            info: Info {
                first_deployed: base.info.first_deployed,
                last_deployed: Some(self.now()),
                description: "Preparing upgrade".to_owned(),
                status: Status::PendingUpgrade,
                notes: composed.notes,
                ..Info::default()
            },
            chart: composed.chart,
            config: values,
            manifest: composed.manifest,
            hooks: composed.hooks,
            version: revision,
            namespace: base.namespace,
            apply_method: Some(ApplyMethod::of(server_side)),
            labels: merged(&last.labels, &change.labels),
            ..Release::default()
        };
        super::fits(&release, self.ledger())?;
        let foresight = Foresight::after(&HookEvent::PreUpgrade, &release, change.no_hooks);
        let Foreseen { rejections, warnings: heard } =
            self.foresee(&mut planned, how(&release, change.apply, migrate_fields), foresight).await?;

        let mut steps = vec![Step::Lock];
        steps.extend(past.ending.map(Step::End));
        if !crds.is_empty() {
            steps.push(Step::Crds { objects: crds, replace: true });
        }
        steps.extend([Step::Prune(history.prune(change.history_max)), Step::Record]);
        if !change.no_hooks {
            steps.push(Step::Hooks(HookEvent::PreUpgrade));
        }
        steps.push(Step::Apply(planned));
        steps.push(Step::Remove(cluster::removed(&all, &wanted).into_iter().cloned().collect()));
        steps.push(Step::Wait(wanted));
        if !change.no_hooks {
            steps.push(Step::Hooks(HookEvent::PostUpgrade));
        }
        steps.push(Step::Supersede(deployed));
        let description = change.description.unwrap_or_else(|| "Upgrade complete".to_owned());
        steps.push(Step::Deployed { description });

        let mut wait = change.wait;
        if change.on_failure.rollback && wait.strategy == WaitStrategy::HookOnly {
            wait.strategy = WaitStrategy::Watcher;
        }
        let mut warnings = composed.warnings;
        warnings.extend(past.warnings);
        warnings.extend(missing);
        warnings.extend(heard);
        Ok(Plan {
            verb: Verb::Upgrade,
            target,
            release,
            steps,
            failure: Failure {
                rollback: change.on_failure.rollback.then(|| back(&history)),
                cleanup: change.on_failure.cleanup,
            },
            warnings,
            rejections,
            apply: change.apply,
            wait,
            migrate_fields,
            no_hooks: change.no_hooks,
        })
    }
}

/// The revision that an upgrade starts from: the last if it is deployed, else the newest deployed, else the last if it
/// can be started from at all.
fn base<'h>(history: &'h History, last: &'h Head) -> Option<&'h Head> {
    if last.status == Status::Deployed {
        return Some(last);
    }
    history.deployed().or_else(|| matches!(last.status, Status::Failed | Status::Superseded).then_some(last))
}

/// The newest revision that worked.
fn back(history: &History) -> Back {
    let worked = |head: &&Head| matches!(head.status, Status::Superseded | Status::Deployed);
    history.heads().iter().rev().find(worked).map_or(Back::Nowhere, |head| Back::To(head.key.revision))
}

/// The chart and the user's values of the new revision.
fn values(change: &Change, base: &Release) -> Result<(Arc<Chart>, Map), Error> {
    let chart = match &change.chart {
        Some(chart) => Arc::clone(chart),
        None if base.chart.metadata.dependencies.is_empty() => Arc::clone(&base.chart),
        None => return Err(Error::ChartIncomplete),
    };
    Ok(match change.value_strategy {
        ValueStrategy::Reset => (chart, change.values.clone()),
        ValueStrategy::Reuse => {
            let old = chart::values::coalesce_values(&base.chart, &base.config).map_err(chart::Error::from)?.values;
            let mut chart = Chart::clone(&chart);
            chart.values = old;
            (Arc::new(chart), chart::values::coalesce_tables(change.values.clone(), &base.config))
        }
        ValueStrategy::ResetThenReuse => (chart, chart::values::coalesce_tables(change.values.clone(), &base.config)),
        ValueStrategy::Default if change.values.is_empty() => (chart, base.config.clone()),
        ValueStrategy::Default => (chart, change.values.clone()),
    })
}

/// The last revision's labels with new ones on top; `null` takes one away.
fn merged(last: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = last.clone();
    labels.extend(new.clone());
    labels.retain(|_, value| value != "null");
    labels
}

#[cfg(test)]
mod tests {
    use release::{Key, Marks, Token};

    use super::*;

    fn history(statuses: &[Status]) -> History {
        let heads = statuses.iter().zip(1..).map(|(status, revision)| Head {
            key: Key::new("web", "shop", revision),
            status: *status,
            token: Token::default(),
            labels: BTreeMap::new(),
            marks: Marks::default(),
            system: BTreeMap::new(),
            misnamed: None,
        });
        History::new(heads.collect())
    }

    #[test]
    fn an_upgrade_starts_from_what_is_deployed() {
        use Status::*;
        for (statuses, want) in [
            (&[Superseded, Deployed][..], Some(2)),
            (&[Deployed, Failed], Some(1)),
            (&[Failed], Some(1)),
            (&[Superseded], Some(1)),
            (&[Uninstalled], None),
            (&[Uninstalling], None),
        ] {
            let history = history(statuses);
            let found = base(&history, history.last().unwrap()).map(|head| head.key.revision);
            assert_eq!(found, want, "{statuses:?}");
        }
    }

    #[test]
    fn a_failure_goes_back_to_what_worked() {
        use Status::*;
        assert_eq!(back(&history(&[Superseded, Deployed, Failed])), Back::To(2));
        assert_eq!(back(&history(&[Failed, Failed])), Back::Nowhere);
    }

    #[test]
    fn null_removes_a_label() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let got = merged(&map(&[("a", "1"), ("b", "2")]), &map(&[("b", "null"), ("c", "3")]));
        assert_eq!(got, map(&[("a", "1"), ("c", "3")]));
    }
}
