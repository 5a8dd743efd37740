//! What was measured.

use crate::World;

pub(crate) async fn metrics(w: World) {
    for path in ["/v1/clusters/default/releases", "/v1/clusters/default/releases", "/v1/releases?sort=updated"] {
        w.get(path).await;
    }
    let answer = w.server.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.text();
    for line in [
        "whipstaff_http_request_duration_seconds_count{operation=\"release_list_cluster\",status=\"200\"} 2",
        "whipstaff_operation_duration_seconds_count{kind=\"install\",result=\"succeeded\"} 1",
        "whipstaff_operations_running 0",
        "whipstaff_cache_releases{cluster=\"default\"} 1",
        "whipstaff_cache_synced{cluster=\"default\"} 1",
        "whipstaff_uploaded_charts 1",
        "whipstaff_event_streams 0",
        "whipstaff_http_requests_in_flight 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    for name in
        ["kubernetes_request_duration_seconds_count{verb=\"create\",status=\"201\"}", "render_duration_seconds_count"]
    {
        assert!(
            text.lines().any(|it| it.starts_with(&format!("whipstaff_{name}")) && !it.ends_with(" 0")),
            "{name}\n{text}"
        );
    }
    // Neither the release nor its namespace is named.
    assert!(!text.contains("shop") && !text.contains("\"web\""), "{text}");
}
