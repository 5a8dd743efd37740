//! Prints how fast files are read and written: `cargo run --release -p whipstaff-goyaml --example speed FILE...`.

#![allow(clippy::expect_used, reason = "an example")]

use std::time::Instant;

fn best<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..20 {
        let start = Instant::now();
        std::hint::black_box(work());
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e3
}

fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read(&path).expect("the file is there");
        let documents = || goyaml::split_documents(&text).filter_map(|d| goyaml::from_yaml(d.ok()?).ok()).count();
        println!("{path}: {} KB", text.len() / 1024);
        println!("  {:4} documents {:8.3} ms", documents(), best(documents));
        let Ok(values) = goyaml::load_values(&text) else { continue };
        let yaml = goyaml::to_yaml(&values).expect("the values can be written");
        let json = goyaml::to_json(&values).expect("the values can be written");
        println!("  to be written  {:5} KB", yaml.len() / 1024);
        println!("  load_values    {:8.3} ms", best(|| goyaml::load_values(&text)));
        println!("  to_yaml        {:8.3} ms", best(|| goyaml::to_yaml(&values)));
        println!("  to_yaml_pretty {:8.3} ms", best(|| goyaml::to_yaml_pretty(&values)));
        println!("  to_json        {:8.3} ms", best(|| goyaml::to_json(&values)));
        println!("  from_json      {:8.3} ms", best(|| goyaml::from_json(&json)));
    }
}
