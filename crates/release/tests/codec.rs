//! Records as Helm writes them, and records that nobody should have to fear.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use release::codec::{self, DecodeError};
use release::{ApplyMethod, DeletePolicy, HookEvent, HookPhase, Release, Status, Time};

fn gzip(json: &[u8]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(json).unwrap();
    STANDARD.encode(gzip.finish().unwrap())
}

/// As Helm 4.3.1 wrote it, in one line.
const HELM_4: &str = concat!(
    r#"{"name":"shop","info":{"first_deployed":"2026-08-20T10:11:12.120000001+02:00","last_deployed":"2026-08-20T10:11:12Z","#,
    r#""description":"Install \u003ccomplete\u003e","status":"deployed","rollback_revision":3,"notes":"a\u0026b\n"},"#,
    r#""chart":{"metadata":{"name":"shop","version":"0.1.0","apiVersion":"v2"},"lock":null,"#,
    r#""templates":[{"name":"templates/a.yaml","data":"YQ==","modtime":"2026-08-20T10:11:12Z"}],"#,
    r#""values":{"a":1,"b":1.5,"big":1e+30},"schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null,"#,
    r#""modtime":"2026-08-20T10:11:12Z"},"config":{"x":null,"y":12345678901,"z":["\u2028"]},"manifest":"---\n","#,
    r#""hooks":[{"name":"pre","kind":"Job","path":"shop/templates/j.yaml","manifest":"m","events":["pre-install","other"],"#,
    r#""last_run":{"started_at":"2026-08-20T10:11:12Z","phase":"Running"},"weight":-5,"delete_policies":["before-hook-creation"]},"#,
    r#"{"name":"t","kind":"Pod","last_run":{"phase":""},"output_log_policies":["hook-failed"]}],"#,
    r#""version":12,"namespace":"web","apply_method":"ssa"}"#,
);

#[test]
fn what_helm_wrote_is_written_again() {
    let release = codec::decode(gzip(HELM_4.as_bytes()).as_bytes()).unwrap();
    assert_eq!(String::from_utf8(codec::to_json(&release).unwrap()).unwrap(), HELM_4);
    assert_eq!(codec::decode(codec::encode(&release).unwrap().as_bytes()).unwrap(), release);
    assert_eq!(release.apply_method, Some(ApplyMethod::ServerSide));
    assert_eq!(release.hooks[0].events, [HookEvent::PreInstall, HookEvent::Other("other".into())]);
    assert_eq!(release.hooks[0].delete_policies, [DeletePolicy::BeforeHookCreation]);
    assert_eq!(release.hooks[1].last_run.phase, HookPhase::None);
}

#[test]
fn what_helm_3_wrote_is_read() {
    let json = r#"{"name":"shop","info":{"first_deployed":"2024-01-01T00:00:00Z","last_deployed":null,"deleted":"","status":"superseded"},
        "chart":{"metadata":{"name":"shop","version":"0.1.0"},"lock":null,"templates":null,"values":null,"schema":null,"files":null},
        "hooks":[{"name":"a","last_run":{"started_at":"","completed_at":"0001-01-01T00:00:00Z","phase":""}}],"later":{"a":[1]},"version":1,"namespace":"web"}"#;
    for text in [gzip(json.as_bytes()), STANDARD.encode(json), format!("{}\n", STANDARD.encode(json))] {
        let release = codec::decode(text.as_bytes()).unwrap();
        assert_eq!(release.info.status, Status::Superseded);
        assert_eq!(release.info.first_deployed, Time::parse("2024-01-01T00:00:00Z").unwrap());
        assert_eq!((release.info.last_deployed, release.info.deleted), (None, None));
        assert_eq!(release.hooks[0].last_run, release::HookExecution::default());
        assert_eq!(release.apply_method, None);
        assert_eq!(codec::peek(text.as_bytes()).unwrap().metadata.version, "0.1.0");
    }
}

#[test]
fn empty_fields_are_left_out() {
    let json = String::from_utf8(codec::to_json(&Release::default()).unwrap()).unwrap();
    assert!(json.starts_with(r#"{"info":{"status":"unknown"},"chart":{"#), "{json}");
    assert!(json.ends_with("}}"), "{json}");
}

#[test]
fn a_peek_reads_no_more_than_it_needs() {
    let head =
        r#"{"name":"shop","info":{"status":"deployed","notes":"n"},"chart":{"metadata":{"name":"c","version":"1"},"#;
    let peek = codec::peek(gzip(format!("{head} and then nonsense").as_bytes()).as_bytes()).unwrap();
    assert_eq!((peek.name.as_str(), peek.info.status, peek.metadata.name.as_str()), ("shop", Status::Deployed, "c"));
    // In another order all the same.
    let other = r#"{"x":[{}],"chart":{"files":[],"metadata":{"name":"c"}},"info":{"status":"failed"}}"#;
    assert_eq!(codec::peek(STANDARD.encode(other).as_bytes()).unwrap().info.status, Status::Failed);
    assert!(codec::peek(STANDARD.encode(r#"{"name":1}"#).as_bytes()).is_err());
}

#[test]
fn bad_records_are_errors() {
    let bomb = gzip(&vec![b' '; (codec::MAX_INFLATED + 1) as usize]);
    let deep = format!(r#"{{"config":{{"a":{}{}}}}}"#, "[".repeat(300), "]".repeat(300));
    for (text, want) in [
        (bomb, "the stored record is larger than 64 MiB when decompressed"),
        (STANDARD.encode(deep), "the stored record is nested deeper than 200 levels"),
        ("*".to_owned(), "the stored record is no base64"),
        (STANDARD.encode("[]"), "the stored record is no release"),
        (STANDARD.encode(r#"{"version":"x"}"#), "the stored record is no release"),
        (STANDARD.encode([0x1f, 0x8b, 0x08, 0x00, 0x00]), "the stored record cannot be decompressed"),
        (String::new(), "the stored record is no release"),
    ] {
        let error = codec::decode(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), want);
    }
    let wide = format!(r#"{{"config":{{"a":{}{}}}}}"#, "[".repeat(190), "]".repeat(190));
    assert!(codec::decode(STANDARD.encode(wide).as_bytes()).is_ok());
    assert!(matches!(codec::decode(b"="), Err(DecodeError::Base64(_))));
}

#[test]
fn what_does_not_fit_says_why() {
    let mut release = Release { name: "shop".into(), ..Release::default() };
    assert!(release::check(&release, Some(codec::MAX_ENCODED)).unwrap().is_ok());
    // Noise does not compress.
    let mut state = 1_u64;
    release.manifest = (0..1_600_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b' ' + (state >> 58) as u8)
        })
        .collect();
    release.info.notes = "short".into();
    let too_large = release::check(&release, Some(codec::MAX_ENCODED)).unwrap().unwrap_err();
    assert!(too_large.encoded > too_large.limit);
    assert_eq!((too_large.parts[0].name.as_str(), too_large.parts[0].bytes), ("manifest", 1_600_000));
    assert_eq!(too_large.parts[1].name, "notes");
}
