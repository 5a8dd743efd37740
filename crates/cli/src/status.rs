//! A release on a terminal (as Helm 4.3: `pkg/cmd/status.go`).

use chart::values::coalesce_values;
use release::Release;

use crate::command::Call;
use crate::fail::Outcome;
use crate::output;

/// Prints a release in the format that is asked for.
pub(crate) fn print(call: &Call, release: &Release) -> Outcome {
    let text = match call.flags.text("output") {
        "json" => json(release)? + "\n",
        "yaml" => goyaml::to_yaml(&goyaml::from_json_keep_ints(json(release)?)?)?,
        _ => table(call, release)?,
    };
    output::print(&text)
}

fn json(release: &Release) -> Outcome<String> {
    Ok(String::from_utf8_lossy(&release::codec::to_json(release)?).into_owned())
}

fn table(call: &Call, release: &Release) -> Outcome<String> {
    let info = &release.info;
    let mut text = format!("NAME: {}\n", release.name);
    if let Some(at) = info.last_deployed {
        // Go's `time.ANSIC`, in the local time zone.
        let local = at.timestamp().to_zoned(jiff::tz::TimeZone::system());
        text.push_str(&format!("LAST DEPLOYED: {}\n", local.strftime("%a %b %e %H:%M:%S %Y")));
    }
    text.push_str(&format!("NAMESPACE: {}\n", release.namespace));
    text.push_str(&format!("STATUS: {}\n", info.status));
    text.push_str(&format!("REVISION: {}\n", release.version));
    text.push_str(&format!("DESCRIPTION: {}\n", info.description));
    // A test that never ran prints nothing.
    let has_tests = release.hooks.iter().any(|hook| hook.events.contains(&release::HookEvent::Test));
    if !has_tests {
        text.push_str("TEST SUITE: None\n");
    }
    if call.settings.debug {
        let coalesced = coalesce_values(&release.chart, &release.config)?;
        text.push_str(&format!("USER-SUPPLIED VALUES:\n{}\n", goyaml::to_yaml(&release.config)?));
        text.push_str(&format!("COMPUTED VALUES:\n{}\n", goyaml::to_yaml(&coalesced.values)?));
    }
    text.push_str("HOOKS:\n");
    for hook in &release.hooks {
        text.push_str(&format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest));
    }
    text.push_str(&format!("MANIFEST:\n{}\n", release.manifest));
    if !call.flags.on("hide-notes") && !info.notes.is_empty() {
        text.push_str(&format!("NOTES:\n{}\n", info.notes.trim()));
    }
    Ok(text)
}
