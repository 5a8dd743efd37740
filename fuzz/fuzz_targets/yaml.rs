//! YAML and JSON: read in every way, and what is read is written.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if let Ok(value) = goyaml::from_yaml(text) {
        let _ = goyaml::to_yaml_pretty(&value);
        let _ = goyaml::to_json_pretty(&value);
        if let Ok(yaml) = goyaml::to_yaml(&value) {
            let _ = goyaml::from_yaml(&yaml);
        }
    }
    let _ = goyaml::from_yaml_strict(text);
    let _ = goyaml::from_yaml_keep_ints(text);
    let _ = goyaml::from_yaml_map(text);
    let _ = goyaml::from_yaml_seq(text);
    let _ = goyaml::load_values(text);
    goyaml::split_documents(text).for_each(drop);
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = goyaml::from_json(text);
    }
});
