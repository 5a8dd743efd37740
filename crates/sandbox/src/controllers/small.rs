//! Controllers with little to do: addresses of services, disruption budgets, aggregated APIs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{MANAGER, is_active, is_true, pods, resolve, set_condition};
use crate::json::{at, int, list, set, text};
use crate::selector::label_selector_matches;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

/// The address of every load balancer.
const BALANCER: &str = "198.51.100.7";

impl State {
    pub(super) fn service(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let has = !list(object, &["status", "loadBalancer", "ingress"]).is_empty();
        let status = match text(object, &["spec", "type"]) {
            "LoadBalancer" if !has => json!({"loadBalancer": {"ingress": [{"ip": BALANCER, "ipMode": "VIP"}]}}),
            "LoadBalancer" => return Ok(()),
            _ if has => json!({"loadBalancer": {}}),
            _ => return Ok(()),
        };
        self.write_status(key, status, "kwok")
    }

    pub(super) fn budget(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let selector = at(object, &["spec", "selector"]).cloned();
        let (mut expected, mut healthy) = (0_i64, 0_i64);
        if let Some(selector) = selector {
            for (_, pod) in self.store.list(&pods(), &key.namespace) {
                if is_active(pod) && label_selector_matches(&selector, at(pod, &["metadata", "labels"])) {
                    expected += 1;
                    healthy += i64::from(is_true(pod, "Ready"));
                }
            }
        }
        let desired = match (at(object, &["spec", "minAvailable"]), at(object, &["spec", "maxUnavailable"])) {
            (Some(least), _) => resolve(Some(least), expected, true),
            (None, Some(most)) => (expected - resolve(Some(most), expected, true)).max(0),
            (None, None) => 0,
        };
        let allowed = (healthy - desired).max(0);
        let generation = int(object, &["metadata", "generation"]);
        let now = self.time();
        let mut conditions = list(object, &["status", "conditions"]).to_vec();
        let (status, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let condition = json!({"type": "DisruptionAllowed", "status": status, "reason": reason, "message": "", "observedGeneration": generation});
        set_condition(&mut conditions, condition, &now);
        let status = json!({
            "conditions": conditions, "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed,
            "expectedPods": expected, "observedGeneration": generation,
        });
        self.write_status(key, status, MANAGER)
    }

    pub(super) fn api_service(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let (namespace, name) =
            (text(object, &["spec", "service", "namespace"]), text(object, &["spec", "service", "name"]));
        let condition = if name.is_empty() {
            json!({"type": "Available", "status": "True", "reason": "Local", "message": "Local APIServices are always available"})
        } else if self.get("", "services", namespace, name).is_none() {
            let message = format!("service/{name} in {namespace:?} is not present");
            json!({"type": "Available", "status": "False", "reason": "ServiceNotFound", "message": message})
        } else {
            json!({"type": "Available", "status": "True", "reason": "Passed", "message": "all checks passed"})
        };
        let now = self.time();
        let mut conditions = list(object, &["status", "conditions"]).to_vec();
        set_condition(&mut conditions, condition, &now);
        let mut status = json!({});
        set(&mut status, &["conditions"], conditions);
        self.write_status(key, status, "kube-apiserver")
    }
}
