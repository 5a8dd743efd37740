//! Releases in a cluster that this process works on itself.

mod change;
mod read;
mod run;
mod uninstall;

use std::collections::BTreeMap;

use ::release::Release;
use api::RevisionDiff;
use chart::ValueOptions;
use engine::{Change, Form, Intent, Rollback, Target, Test, Uninstall, Unlock};

use crate::command::Call;
use crate::connect::Session;
use crate::fail::Outcome;
use crate::releases::{Left, Listed, Part, Releases, Revision, Tested};
use crate::status::Resources;

impl Releases for Session {
    fn target(&self, name: &str) -> Target {
        Target { namespace: self.namespace.clone(), name: name.to_owned() }
    }

    fn content(&self, name: &str, revision: Option<u32>, _: Part) -> Outcome<(BTreeMap<String, String>, Release)> {
        read::content(self, name, revision)
    }

    fn resources(&self, release: &Release, form: Form) -> Outcome<Resources> {
        read::resources(self, release, form)
    }

    fn history(&self, name: &str) -> Outcome<Vec<Revision>> {
        read::history(self, name)
    }

    fn list(&self, call: &Call) -> Outcome<Vec<Listed>> {
        read::list(self, call)
    }

    fn compare(&self, name: &str, from: Option<u32>, to: Option<u32>) -> Outcome<RevisionDiff> {
        let found = self.wait(self.engine.compare(&self.target(name), from, to));
        Ok(server::revision_diff(&found.map_err(|error| self.not_found(error))?))
    }

    fn is_missing(&self, name: &str) -> Outcome<Option<bool>> {
        read::is_missing(self, name)
    }

    fn install(&self, call: &Call, change: Change, _: &ValueOptions) -> Outcome<Release> {
        change::install(self, call, change)
    }

    fn upgrade(&self, call: &Call, change: Change, _: &ValueOptions) -> Outcome<Release> {
        change::upgrade(self, call, change)
    }

    fn rollback(&self, call: &Call, wish: Rollback, preview: bool) -> Outcome {
        let plan = run::plan(self, Intent::Rollback(wish)).map_err(|error| self.not_found(error))?;
        if !preview {
            run::run(call, self, plan)?;
        }
        Ok(())
    }

    fn uninstall(&self, call: &Call, wish: Uninstall) -> Outcome<Left> {
        uninstall::run(self, call, wish)
    }

    fn would_keep(&self, wish: Uninstall) -> Outcome<Vec<String>> {
        uninstall::would_keep(self, wish)
    }

    fn test(&self, _: &Call, wish: Test) -> Outcome<Tested> {
        change::test(self, wish)
    }

    fn unlock(&self, call: &Call, name: &str) -> Outcome<Release> {
        let wish = Unlock { target: self.target(name), expected_revision: None };
        let plan = run::plan(self, Intent::Unlock(wish)).map_err(|error| self.not_found(error))?;
        run::run(call, self, plan)
    }
}
