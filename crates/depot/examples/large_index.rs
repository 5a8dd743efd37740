//! Prints an index as large as those of large repositories: `cargo run -p whipstaff-depot --example large_index -- 21600`
//! prints 21,600 versions of 216 charts, 26 MB. `docs/performance.md` says what is measured with it.

#![allow(clippy::print_stdout, reason = "it is what it is for")]

use std::io::{BufWriter, Write};

const VERSIONS: usize = 100;

fn main() -> std::io::Result<()> {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(21_600);
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "apiVersion: v1\nentries:")?;
    for at in 0..count {
        let (chart, version) = (at / VERSIONS, VERSIONS - at % VERSIONS);
        if at % VERSIONS == 0 {
            writeln!(out, "  chart-{chart:04}:")?;
        }
        entry(&mut out, at, &format!("chart-{chart:04}"), &format!("{}.{}.{}", version / 10, version % 10, at % 7))?;
    }
    writeln!(out, "generated: \"2026-11-30T12:00:00.123456789Z\"")?;
    out.flush()
}

fn entry(out: &mut impl Write, at: usize, name: &str, version: &str) -> std::io::Result<()> {
    let note =
        "- kind: changed\n          description: \"what has changed, in a line: one of several\"\n        ".repeat(2);
    writeln!(
        out,
        "  - annotations:
      artifacthub.io/changes: |
        {}
      category: Infrastructure
      licenses: Apache-2.0
    apiVersion: v2
    appVersion: {version}
    created: \"2026-11-{:02}T08:00:00.{at:09}Z\"
    dependencies:
    - name: common
      repository: oci://registry.example.com/charts
      tags:
      - common
      version: 2.x.x
    - condition: database.enabled
      name: database
      repository: oci://registry.example.com/charts
      version: 15.x.x
    description: The chart {name} runs something that many want to run, with all its parts.
    digest: {at:064x}
    home: https://example.com/{name}
    icon: https://example.com/{name}/icon.png
    keywords:
    - {name}
    - web
    - proxy
    maintainers:
    - email: charts@example.com
      name: Example
      url: https://example.com
    name: {name}
    sources:
    - https://example.com/sources/{name}
    urls:
    - https://charts.example.com/{name}-{version}.tgz
    version: {version}",
        note.trim_end(),
        at % 28 + 1,
    )
}
