//! The protos of this crate are what Helm 2 speaks: each message, field, number and type, each value of an enumeration, each call.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// One line for each fact, as the table of Helm 2's protocol has them.
const FACTS: &str = include_str!("facts.txt");

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(include_bytes!(concat!(env!("OUT_DIR"), "/hapi.bin")).as_slice()).unwrap()
}

fn type_of(field: &FieldDescriptorProto) -> String {
    let name = match field.r#type() {
        Type::Message | Type::Enum => field.type_name().trim_start_matches('.').to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    if field.label() == Label::Repeated { format!("repeated {name}") } else { name }
}

fn enumeration(prefix: &str, found: &EnumDescriptorProto, facts: &mut BTreeSet<String>) {
    for value in &found.value {
        facts.insert(format!("enum {prefix}.{} {} {}", found.name(), value.name(), value.number()));
    }
}

fn message(prefix: &str, found: &DescriptorProto, facts: &mut BTreeSet<String>) {
    let name = format!("{prefix}.{}", found.name());
    if found.field.is_empty() {
        facts.insert(format!("message {name}"));
    }
    for field in &found.field {
        facts.insert(format!("message {name} {} {} {}", field.number(), field.name(), type_of(field)));
    }
    found.enum_type.iter().for_each(|nested| enumeration(&name, nested, facts));
    found.nested_type.iter().for_each(|nested| message(&name, nested, facts));
}

#[test]
fn descriptors_are_helm_2s() {
    let mut facts = BTreeSet::new();
    for file in descriptors().file.iter().filter(|file| file.package().starts_with("hapi")) {
        let package = file.package();
        file.message_type.iter().for_each(|found| message(package, found, &mut facts));
        file.enum_type.iter().for_each(|found| enumeration(package, found, &mut facts));
        for service in &file.service {
            for method in &service.method {
                let input = method.input_type().trim_start_matches('.');
                let output = method.output_type().trim_start_matches('.');
                let stream = if method.server_streaming() { "stream " } else { "" };
                assert!(!method.client_streaming());
                facts.insert(format!("call {package}.{}/{} {input} {stream}{output}", service.name(), method.name()));
            }
        }
    }
    let expected: BTreeSet<String> = FACTS.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&facts).collect();
    let unexpected: Vec<_> = facts.difference(&expected).collect();
    assert!(missing.is_empty() && unexpected.is_empty(), "missing: {missing:#?}\nunexpected: {unexpected:#?}");
}
